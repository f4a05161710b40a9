// The flags of a state directory with their history, STATE/flags.db. Reading is from memory; a
// change is durable before it is answered, and what another process changes is seen. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/flags.h"
#include "config/text_version.h"

namespace reeve::config {

class FlagStore {
 public:
  static Result<std::unique_ptr<FlagStore>> open(const std::string& path);
  ~FlagStore();

  Result<std::vector<FlagVersion>> list();  ///< the newest of each that is not removed, by name
  Result<std::optional<FlagVersion>> find(std::string_view name);
  /// Off, with a reason, for a flag that is not there.
  Result<FlagAnswer> ask(std::string_view name, const FlagSubject& subject);
  /// `expected`: the version that the caller saw, 0 for none, or kAnyVersion; conflict if another
  /// is there now.
  static constexpr std::uint64_t kAnyVersion = config::kAnyVersion;
  Result<FlagVersion> set(const Flag& flag, std::uint64_t expected, std::string_view by, Time now);
  Status remove(std::string_view name, std::uint64_t expected, std::string_view by, Time now);
  Result<std::vector<FlagVersion>> history(std::string_view name);  ///< newest first

 private:
  struct State;
  explicit FlagStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::config
