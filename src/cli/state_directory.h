// The state directory: where it is, what lies where in it, and the lock of the one engine that may
// work on it. Owns the lock's descriptor. Refuses a second engine, and says who the first one is.
// No thread rule: used while a command starts and ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::cli {

inline constexpr std::string_view kStateDirectoryName = ".reeve";

/// Names below a state directory. Values.
struct StateLayout {
  std::string root;  ///< absolute
  std::string database() const { return root + "/reeve.db"; }
  std::string lock() const { return root + "/engine.lock"; }
  std::string socket() const { return root + "/engine.sock"; }
  std::string take_over_socket() const { return root + "/takeover.sock"; }
  std::string api_socket() const { return root + "/api.sock"; }
  std::string artifacts() const { return root + "/artifacts"; }
  std::string cluster() const { return root + "/cluster.yaml"; }
  /// Flags, and the settings and quotas that the API sets.
  std::string flags() const { return root + "/flags.db"; }
};

/// For commands that make it: `chosen` (--state) or .reeve in `working_directory`. Makes the
/// directory, private to the user and ignored by git.
Result<StateLayout> make_state_directory(const std::string* chosen,
                                         const std::string& working_directory);
/// For commands that read: `chosen`, or the nearest .reeve here or above. not_found says what to
/// do.
Result<StateLayout> find_state_directory(const std::string* chosen,
                                         const std::string& working_directory);

/// Who holds the lock.
struct LockHolder {
  std::int64_t pid = 0;
  std::string host;
  Time started_at = kUnset;
  std::string command;
};

class EngineLock {
 public:
  /// conflict: names the holder and what to do.
  static Result<EngineLock> take(const StateLayout& layout, const LockHolder& self);
  /// The holder, while there is one.
  static std::optional<LockHolder> holder(const StateLayout& layout);

 private:
  explicit EngineLock(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

/// This process, with the command line as people would type it.
LockHolder this_process(std::string command);

}  // namespace reeve::cli
