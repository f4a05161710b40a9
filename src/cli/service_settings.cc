#include "cli/service_settings.h"

#include <unistd.h>

#include <array>
#include <string_view>

#include <fmt/ranges.h>

#include "cli/workflow_file.h"
#include "config/setting_store.h"

extern char** environ;

namespace reeve::cli {
namespace {

struct OptionOfSetting {
  std::string_view option;
  std::string_view setting;
};
constexpr auto kOptionsOfSettings = std::to_array<OptionOfSetting>({{"listen", "server.listen"},
                                                                    {"jobs", "engine.jobs"},
                                                                    {"cluster", "engine.cluster"},
                                                                    {"sandbox", "engine.sandbox"}});
constexpr auto kTlsOptions =
    std::to_array<OptionOfSetting>({{"tls-certificate", "server.tls.certificate"},
                                    {"tls-key", "server.tls.key"},
                                    {"client-ca", "server.tls.client_ca"}});

/// What options say of settings, so that these are shown as they hold.
void add_options_as_settings(const Arguments& arguments, config::Sources& sources) {
  const auto add = [&](const OptionOfSetting& each) {
    const auto& given = arguments.all(each.option);
    if (given.empty()) return;
    sources.flags.push_back({std::string(each.setting), fmt::format("{}", fmt::join(given, ", ")),
                             "--" + std::string(each.option)});
  };
  for (const OptionOfSetting& each : kOptionsOfSettings) add(each);
  // One without the other is refused where they are read.
  if (!arguments.has("tls-certificate") || !arguments.has("tls-key")) return;
  for (const OptionOfSetting& each : kTlsOptions) add(each);
}

}  // namespace

Checked<config::Resolved> service_settings(const Session& session, const StateLayout& layout) {
  config::Sources sources;
  const std::string* const named = session.arguments.find("config");
  sources.file_name = named == nullptr ? layout.root + "/reeve.toml" : *named;
  if (named != nullptr || ::access(sources.file_name.c_str(), F_OK) == 0) {
    TRY_ASSIGN(sources.file, read_source(sources.file_name));
  }
  const std::string kept = layout.flags();
  if (::access(kept.c_str(), F_OK) == 0) {
    TRY_ASSIGN(const auto store, config::SettingStore::open(kept));
    TRY_ASSIGN(sources.set, store->list());
  }
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view entry(*each);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || !entry.starts_with("REEVE_")) continue;
    sources.environment.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  for (const std::string& each : session.arguments.all("set")) {
    TRY_ASSIGN(Assignment assignment, parse_assignment("set", each));
    sources.flags.push_back({std::move(assignment.name), std::move(assignment.value)});
  }
  add_options_as_settings(session.arguments, sources);
  return config::resolve(sources);
}

Checked<void> refuse_complaints(const config::Resolved& resolved) {
  if (resolved.complaints.empty()) return {};
  std::string text;
  for (const config::Complaint& each : resolved.complaints)
    text += (text.empty() ? "" : "\n") + each.text();
  return tl::unexpected(Failure(kExitConflict, std::move(text)));
}

}  // namespace reeve::cli
