#include "config/setting_store.h"

#include <fmt/format.h>

#include "base/text.h"

namespace reeve::config {

Result<const SettingInfo*> settable(std::string_view name) {
  const SettingInfo* const setting = find_setting(name);
  if (setting == nullptr) {
    const std::string close = suggest_setting(name);
    return fail(ErrorCode::not_found, fmt::format("there is no setting '{}'{}",
                                                  sanitize_for_terminal(name.substr(0, 100)),
                                                  close.empty() ? "" : "; " + close));
  }
  if (!setting->reloadable)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} holds from the start of the service to its end: set it in "
                            "reeve.toml, and start the service anew",
                            name));
  if (setting->setting == Setting::engine_cluster || name.starts_with("auth."))
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is for whoever has the machine: set it in reeve.toml, and let the "
                            "service read it again",
                            name));
  return setting;
}

Result<std::unique_ptr<SettingStore>> SettingStore::open(const std::string& path) {
  TRY_ASSIGN(VersionedTexts texts,
             VersionedTexts::open(path, VersionedTexts::Table::settings, "setting"));
  return std::unique_ptr<SettingStore>(new SettingStore(std::move(texts)));
}

Result<std::vector<TextVersion>> SettingStore::list() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const VersionedTexts::Newest* const newest, texts_.newest());
  std::vector<TextVersion> all;
  for (const auto& [name, text] : *newest)
    if (!text.removed) all.push_back(text);
  return all;
}

Result<TextVersion> SettingStore::set(std::string_view name, std::string_view text,
                                      std::uint64_t expected, std::string_view by, Time now) {
  TRY_ASSIGN(const SettingInfo* const setting, settable(name));
  TRY(parse_value(*setting, text));
  const std::lock_guard lock(mutex_);
  return texts_.write(
      {.name = std::string(name), .text = std::string(text), .at = now, .by = std::string(by)},
      expected);
}

Result<TextVersion> SettingStore::unset(std::string_view name, std::uint64_t expected,
                                        std::string_view by, Time now) {
  const std::lock_guard lock(mutex_);
  auto made = texts_.write(
      {.name = std::string(name), .text = "", .at = now, .by = std::string(by), .removed = true},
      expected);
  if (!made && made.error().code == ErrorCode::not_found && find_setting(name) != nullptr)
    return fail(ErrorCode::not_found,
                fmt::format("{} is not set here: what the file says holds, or the default", name));
  return made;
}

Result<std::vector<TextVersion>> SettingStore::history(std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto versions = texts_.history(name);
  if (versions || versions.error().code != ErrorCode::not_found) return versions;
  if (find_setting(name) != nullptr) return std::vector<TextVersion>();
  return tl::unexpected(settable(name).error());
}

}  // namespace reeve::config
