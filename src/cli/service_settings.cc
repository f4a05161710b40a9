#include "cli/service_settings.h"

#include <unistd.h>

#include <string_view>

#include "cli/workflow_file.h"
#include "config/setting_store.h"

extern char** environ;

namespace reeve::cli {

Checked<config::Resolved> service_settings(const Session& session, const StateLayout& layout) {
  config::Sources sources;
  const std::string* const named = session.arguments.find("config");
  sources.file_name = named == nullptr ? layout.root + "/reeve.toml" : *named;
  if (named != nullptr || ::access(sources.file_name.c_str(), F_OK) == 0) {
    TRY_ASSIGN(sources.file, read_source(sources.file_name));
  }
  const std::string kept = layout.root + "/flags.db";
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
    sources.flags.emplace_back(std::move(assignment.name), std::move(assignment.value));
  }
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
