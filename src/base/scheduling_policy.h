// How waiting work is ordered, shared and limited: what the `scheduling` part of the cluster file
// says. Plain data that schedule/ decides by; docs/scheduling.md explains each. All weights of the
// order are in waiting time: "worth so much earlier arrival". Values; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/backfilling.h"
#include "base/codec.h"
#include "base/failure_limits.h"
#include "base/machine_load.h"
#include "base/resources.h"
#include "base/time.h"

namespace reeve {

/// What puts one waiting task before another of the same queue and user.
struct OrderWeights {
  Duration priority = std::chrono::hours{1};  ///< for each level of priority
  Duration deadline = std::chrono::hours{1};  ///< for no slack; half of it for one of this
  Duration length{0};                         ///< for each halving of the predicted length
  friend bool operator==(const OrderWeights&, const OrderWeights&) = default;
  static constexpr auto fields() {
    return std::tuple{field("priority", &OrderWeights::priority),
                      field("deadline", &OrderWeights::deadline),
                      field("length", &OrderWeights::length)};
  }
};

/// What makes one node better than another for a task: each term is 0 to 1000, times its weight.
struct NodeWeights {
  std::int32_t fit = 10;       ///< leaves little unusable: how full and how evenly full it gets
  std::int32_t prefer = 10;    ///< share of the preferred labels that it has
  std::int32_t spread = 10;    ///< few of the same group in its part
  std::int32_t locality = 10;  ///< has images, artifacts or warm sandboxes of the task
  std::int32_t risk = 10;      ///< attempts are seldom lost there
  std::int32_t price = 5;      ///< costs little for what the task takes
  std::int32_t speed = 5;      ///< is fast, and starts soon
  friend bool operator==(const NodeWeights&, const NodeWeights&) = default;
  static constexpr auto fields() {
    return std::tuple{
        field("fit", &NodeWeights::fit),       field("prefer", &NodeWeights::prefer),
        field("spread", &NodeWeights::spread), field("locality", &NodeWeights::locality),
        field("risk", &NodeWeights::risk),     field("price", &NodeWeights::price),
        field("speed", &NodeWeights::speed)};
  }
};

/// A queue, or a part of one: "research/imaging" is below "research".
struct QueueSetup {
  std::string name;
  std::int32_t weight = 1;        ///< share beside its siblings; 0: only what nobody else wants
  std::int32_t priority = 0;      ///< added to that of its tasks
  std::int32_t running_max = -1;  ///< attempts at once; negative: no limit. 0: closed
  std::int64_t queued_max = -1;   ///< tasks that wait: a submission beyond is refused
  Resources cap;                  ///< at most so much at once; a dimension of 0: no cap
  bool preemptible = false;       ///< its attempts may be stopped for others, and start again
  std::optional<RetryBudgetSetup> retry_budget;  ///< none: that of the queue above, or of all
  friend bool operator==(const QueueSetup&, const QueueSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &QueueSetup::name),
                      field("weight", &QueueSetup::weight),
                      field("priority", &QueueSetup::priority),
                      field("running_max", &QueueSetup::running_max),
                      field("queued_max", &QueueSetup::queued_max),
                      field("cap", &QueueSetup::cap),
                      field("preemptible", &QueueSetup::preemptible),
                      field("retry_budget", &QueueSetup::retry_budget)};
  }
};

/// What one user may have. The first that matches counts.
struct QuotaSetup {
  std::string user;   ///< "" : everyone, each for itself
  std::string queue;  ///< "" : in all queues together
  std::int32_t running_max = -1;
  std::int64_t queued_max = -1;
  std::int64_t cpu_seconds_a_day = -1;  ///< processor time, in the last 24 hours
  bool refuse = false;                  ///< beyond cpu_seconds_a_day: refused instead of waiting
  friend bool operator==(const QuotaSetup&, const QuotaSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("user", &QuotaSetup::user),
                      field("queue", &QuotaSetup::queue),
                      field("running_max", &QuotaSetup::running_max),
                      field("queued_max", &QuotaSetup::queued_max),
                      field("cpu_seconds_a_day", &QuotaSetup::cpu_seconds_a_day),
                      field("refuse", &QuotaSetup::refuse)};
  }
};

/// So many starts in so long, of what matches (token bucket).
struct RateLimitSetup {
  std::string name;  ///< what tasks with `rate_limit: NAME` share
  std::int32_t starts = 1;
  Duration per = std::chrono::seconds{1};
  std::int32_t burst = 1;
  friend bool operator==(const RateLimitSetup&, const RateLimitSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &RateLimitSetup::name),
                      field("starts", &RateLimitSetup::starts), field("per", &RateLimitSetup::per),
                      field("burst", &RateLimitSetup::burst)};
  }
};

/// When a queue or pool is open: every week from `from` to `to` on the days, in UTC plus `offset`.
/// With `closed`, when it is not (maintenance). An attempt is started only if its predicted end
/// lies before the closing; without a prediction, whenever it is open.
struct WindowSetup {
  std::string queue;  ///< one of the two is empty
  std::string pool;
  std::uint8_t days = 0x7f;  ///< bit 0: Monday
  Duration from{0};          ///< of the day; `to` before `from`: into the next day
  Duration to = std::chrono::hours{24};
  Duration offset{0};
  bool closed = false;
  friend bool operator==(const WindowSetup&, const WindowSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("queue", &WindowSetup::queue),  field("pool", &WindowSetup::pool),
                      field("days", &WindowSetup::days),    field("from", &WindowSetup::from),
                      field("to", &WindowSetup::to),        field("offset", &WindowSetup::offset),
                      field("closed", &WindowSetup::closed)};
  }
};

struct SchedulingPolicy {
  OrderWeights order;
  NodeWeights node;
  Duration share_half_life = std::chrono::minutes{15};  ///< past use counts half after this
  std::int32_t reservations = 1;  ///< promised to the first that do not fit; 0: no backfill
  /// Promises count with so many times what is expected, at most the time limit: half of all take
  /// longer than the median, and a promise that slips is none.
  std::int32_t margin = 4;
  Overrun overrun = Overrun::extend;
  std::int32_t preemption_gap = 0;  ///< levels of priority that may stop preemptible work; 0: never
  std::int32_t preemptions_max = 3;  ///< of one task
  Duration preemption_grace = std::chrono::seconds{10};
  /// Whoever has had less may stop preemptible work of those who have had more than their share.
  bool reclaim_share = false;
  std::vector<QueueSetup> queues;
  std::vector<QuotaSetup> quotas;
  std::vector<RateLimitSetup> rate_limits;
  std::vector<WindowSetup> windows;
  BreakerSetup breaker;
  RetryBudgetSetup retry_budget;  ///< of each queue that does not say otherwise
  LoadSetup load;
  Backfilling backfilling = Backfilling::easy;
  friend bool operator==(const SchedulingPolicy&, const SchedulingPolicy&) = default;
  static constexpr auto fields() {
    return std::tuple{field("order", &SchedulingPolicy::order),
                      field("node", &SchedulingPolicy::node),
                      field("share_half_life", &SchedulingPolicy::share_half_life),
                      field("reservations", &SchedulingPolicy::reservations),
                      field("margin", &SchedulingPolicy::margin),
                      field("overrun", &SchedulingPolicy::overrun),
                      field("preemption_gap", &SchedulingPolicy::preemption_gap),
                      field("preemptions_max", &SchedulingPolicy::preemptions_max),
                      field("preemption_grace", &SchedulingPolicy::preemption_grace),
                      field("queues", &SchedulingPolicy::queues),
                      field("quotas", &SchedulingPolicy::quotas),
                      field("rate_limits", &SchedulingPolicy::rate_limits),
                      field("windows", &SchedulingPolicy::windows),
                      field("breaker", &SchedulingPolicy::breaker),
                      field("reclaim_share", &SchedulingPolicy::reclaim_share),
                      field("retry_budget", &SchedulingPolicy::retry_budget),
                      field("load", &SchedulingPolicy::load),
                      field("backfilling", &SchedulingPolicy::backfilling)};
  }
};

}  // namespace reeve
