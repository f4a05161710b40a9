// The settings that were set through the API, with their history, in STATE/flags.db. They stand
// over those of the file, and under those of the environment and of flags: whoever starts the
// service has the last word. A change is durable before it is answered. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "config/versioned_texts.h"

namespace reeve::config {

class SettingStore {
 public:
  static Result<std::unique_ptr<SettingStore>> open(const std::string& path);

  /// Those that are set, by name; the text is as the environment would have it.
  Result<std::vector<TextVersion>> list();
  /// invalid_argument: there is no such setting, it cannot be set here, or the value is none of its
  /// values. `expected` and conflict as in VersionedTexts::write().
  Result<TextVersion> set(std::string_view name, std::string_view text, std::uint64_t expected,
                          std::string_view by, Time now);
  /// The file's holds again, or the default; not_found: it is not set here.
  Result<TextVersion> unset(std::string_view name, std::uint64_t expected, std::string_view by,
                            Time now);
  /// Newest first; [] if it was never set here. not_found: there is no such setting.
  Result<std::vector<TextVersion>> history(std::string_view name);

 private:
  explicit SettingStore(VersionedTexts texts) : texts_(std::move(texts)) {}

  std::mutex mutex_;
  VersionedTexts texts_;  // under the mutex
};

/// What may be set while the service runs, by whoever has the right to: settings that are live, and
/// neither name a file of the machine nor say whom the service trusts.
Result<const SettingInfo*> settable(std::string_view name);

}  // namespace reeve::config
