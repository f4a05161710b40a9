// What may keep a class from starting, apart from room, locks and the limits of queues: rate
// limits, quotas of users, windows of queues, circuits. Each says until when. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/scheduling_policy.h"
#include "base/time.h"
#include "schedule/calendar.h"
#include "schedule/circuits.h"
#include "schedule/share_tree.h"
#include "schedule/usage.h"
#include "schedule/waiting.h"

namespace reeve::schedule {

enum class Gate : std::uint8_t { none, rate, window, running_quota, cpu_quota, circuit };

/// Why a class may not start.
struct Shut {
  Gate gate = Gate::none;
  Time until = kNever;  ///< kNever: until something ends
  std::string what;     ///< name of the limit, queue, user or circuit
};

class Gates {
 public:
  /// What is running is to be counted anew, with hold(). What users had counts on.
  void configure(const SchedulingPolicy& policy, const ShareTree& shares);
  /// The rate limit of that name; {} when the policy has none.
  RateId rate(const std::string& name) const;
  bool empty() const { return !any_; }

  /// Cheap; Shut::what stays empty.
  Shut shut(const ClassKey& key, Duration length, Time now, const ShareTree& shares) const;
  std::string describe(const Shut& shut, const ClassKey& key, const ShareTree& shares) const;
  void on_start(const ClassKey& key, Time now);
  /// One more of its user's attempts: it has started, or was found running.
  void hold(const ClassKey& key, const ShareTree& shares);
  /// One less (of what a gang had on a further node: none): it had so much processor time.
  void on_end(const ClassKey& key, std::int64_t millicore_seconds, Time now,
              const ShareTree& shares, std::int32_t attempts = 1);

  /// Tasks that a user may have waiting; negative: no limit.
  std::int64_t queued_max(const std::string& queue, const std::string& user) const;
  /// Whether the quota says that beyond the day's processor time nothing more is taken.
  bool is_refused(const std::string& queue, const std::string& user, Time now) const;

  Circuits circuits;

 private:
  struct Use {
    std::int32_t running = 0;
    UsageHours hours;
  };
  struct Rate {
    RateLimitSetup setup;
    Time arrival = kUnset;  ///< theoretical arrival time of the generic cell rate algorithm
  };
  /// A quota with what one user has of it.
  struct Claim {
    std::size_t quota;
    std::string user;
    friend auto operator<=>(const Claim&, const Claim&) = default;
  };
  static bool is_below(const std::string& queue, const std::string& above);
  const QuotaSetup* quota_of(const std::string& queue, const std::string& user,
                             std::size_t& index) const;
  Use* use_of(const ClassKey& key, const ShareTree& shares);
  const Use* find_use(const ClassKey& key, const ShareTree& shares, const QuotaSetup*& quota) const;

  bool any_ = false;
  std::vector<QuotaSetup> quotas_;
  std::vector<Rate> rates_;  ///< by RateId - 1
  std::map<std::string, RateId, std::less<>> rate_ids_;
  std::map<std::string, Calendar, std::less<>> windows_;  ///< by queue
  std::map<Claim, Use> uses_;
};

}  // namespace reeve::schedule
