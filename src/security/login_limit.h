// Failed logins: after a few, a name or an address has to wait, twice as long each time. Remembers
// a bounded number of names and addresses; when full, those that may go on the earliest are
// forgotten. Pure; one owner (Credentials holds it under its mutex).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace reeve::security {

struct LoginLimits {
  std::uint32_t free_failures = 5;  ///< before the first wait
  Duration first_wait = std::chrono::seconds{1};
  Duration longest_wait = std::chrono::minutes{15};
  Duration forget_after = std::chrono::hours{1};  ///< without a failure
  std::size_t remembered_max = 10'000;
};

class LoginLimiter {
 public:
  explicit LoginLimiter(LoginLimits limits = {}) : limits_(limits) {}
  /// How long `who` still has to wait; 0: may try.
  Duration wait(std::string_view who, Time now) const;
  void failed(std::string_view who, Time now);
  void succeeded(std::string_view who);
  std::size_t remembered() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint32_t failures = 0;
    Time last = kUnset;
    Time until = kUnset;
  };
  void make_room(Time now);

  LoginLimits limits_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace reeve::security
