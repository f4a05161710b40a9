// Circuit breakers: whether attempts of one kind are stopped since too many of them failed lately.
// A kind is a number that the caller chose (of a task key, a label, a node). Closed: attempts run
// and are counted in a sliding window. Open: none run. Half open, after a time: one probe runs; its
// success closes the circuit, its failure opens it for twice as long (30 minutes at most). A
// circuit that opens again soon begins with the longer time: only kSteadySuccesses in a row make it
// forget. Memory of a kind is fixed. Nothing here reads a clock: moments come in and do not go back
// (one that does counts as the last). Deterministic. One owner. After M. Nygard, "Release It!"
// (2007), and the rolling windows of Netflix' Hystrix.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "base/scheduling_policy.h"
#include "base/time.h"

namespace reeve::schedule {

class Breakers {
 public:
  using Kind = std::uint64_t;
  enum class State : std::uint8_t { closed, open, half_open };
  struct Change {
    bool opened = false;  ///< also again, by a probe that failed
    bool closed = false;
  };

  static constexpr std::size_t kBuckets = 10;  ///< of a window: it slides by a tenth
  static constexpr std::int32_t kSteadySuccesses = 10;
  static constexpr Duration kOpenMax = std::chrono::minutes{30};

  explicit Breakers(const BreakerSetup& setup) : setup_(setup) {}

  /// Whether an attempt may start. Half open: only the probe, which is promised by `started`.
  bool allows(Kind kind, Time now) const;
  /// For reasons and timers.
  State state(Kind kind, Time now) const;
  /// When an open circuit lets a probe through; kNever when it is not open.
  Time reopens_at(Kind kind, Time now) const;

  /// An attempt that was allowed starts. Of a half open circuit it is the probe: true.
  bool started(Kind kind, Time now);
  /// An attempt ended. `is_probe`: what `started` said. Ends of attempts that were running when the
  /// circuit opened change nothing more.
  Change ended(Kind kind, bool failed, bool is_probe, Time now);
  /// The probe will never end as a success or a failure (cancelled, lost): the next is one.
  void forget_probe(Kind kind);

  std::size_t size() const { return circuits_.size(); }
  /// Leaves out kinds that are closed, and had no attempt in a window and no backing off to keep.
  void drop_idle(Time now);

 private:
  struct Bucket {
    std::int64_t tick = -1;  ///< its number since the epoch: what it held before is over
    std::int32_t attempts = 0;
    std::int32_t failures = 0;
  };
  struct Circuit {
    std::array<Bucket, kBuckets> buckets{};
    Time last = kUnset;        ///< the latest moment that it was told
    Time open_until = kUnset;  ///< kUnset: closed
    Duration open_for{0};  ///< that it was open for the last time; zero: nothing to back off from
    std::int32_t successes = 0;  ///< in a row, since it closed
    bool is_probing = false;
  };

  bool is_on() const { return setup_.failures_permille > 0; }
  std::int64_t tick(Time now) const;
  void open(Circuit& circuit, Time now) const;
  bool counts_as_broken(const Circuit& circuit, Time now) const;

  BreakerSetup setup_;
  std::unordered_map<Kind, Circuit> circuits_;  // lookup only; drop_idle asks each by itself
};

}  // namespace reeve::schedule
