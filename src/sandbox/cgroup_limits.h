// What both versions of control groups share: refusing limits that cannot be held, the numbers of a
// processor limit, use since a base, and the sentence of what is missing. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/cgroup.h"

namespace reeve::sandbox {

/// unsupported or invalid_argument: names the limit.
Status check_limits(const CgroupLimits& limits, const CgroupAbilities& abilities);

struct CpuQuota {
  std::int64_t quota_us = 0;
  std::int64_t period_us = 0;
};
/// The kernel's least quota is 1 ms: below ten millicores the period grows instead.
CpuQuota cpu_quota(std::int64_t millicores);

inline constexpr std::int64_t kCpuWeightUsual = 100;
/// What version 1 calls shares: 1024 where version 2 says 100.
std::int64_t cpu_shares(std::int64_t weight);

/// Page cache that a group may keep for its next attempt.
inline constexpr std::int64_t kCacheKeptBytesMax = std::int64_t{4} << 20;

/// The counters of `now` since `base`; never negative. What is a state, not a counter, is of now.
CgroupUse use_since(const CgroupUse& base, const CgroupUse& now);

/// Collects what is missing, and what to do about it, each advice once.
class Shortfalls {
 public:
  void add(std::string what, std::string advice);
  /// "memory: no write access to ...; cpu: ...; run as root, or ..."
  std::string text() const;

 private:
  std::vector<std::string> whats_;
  std::vector<std::string> advices_;
};

inline constexpr std::string_view kDelegateAdvice =
    "run as root, or let systemd delegate (Delegate=yes)";

}  // namespace reeve::sandbox
