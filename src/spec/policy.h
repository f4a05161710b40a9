// The settings of a task that decide how it is tried: retries, limits, resources, sandbox.
// Values that the
// parser fills and the core obeys. No thread rule.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cluster.h"
#include "base/outcome.h"
#include "base/resources.h"
#include "base/sandbox.h"
#include "base/time.h"

namespace reeve::spec {

/// Exponential back-off with full jitter: the n-th wait is uniform in
/// [0, min(max, initial * factor^(n-1))] (Brooker, "Exponential Backoff And Jitter", 2015);
/// with `jitter` false the upper end itself.
struct Backoff {
  Duration initial = std::chrono::seconds{1};
  double factor = 2.0;
  Duration max = std::chrono::minutes{5};
  bool jitter = true;
  friend bool operator==(const Backoff&, const Backoff&) = default;
};

inline constexpr std::int32_t kNoLimit = -1;

struct RetryPolicy {
  std::int32_t max = 0;  ///< further tries after the first
  Backoff backoff;
  /// Which classes are tried again, and how often each at most (kNoLimit: only `max` counts).
  /// `lost` and `start_failed` are tried again without being charged to `max`, up to their limit.
  struct ClassRule {
    bool retried = false;
    std::int32_t limit = kNoLimit;
    friend bool operator==(const ClassRule&, const ClassRule&) = default;
  };
  std::array<ClassRule, kOutcomeClassCount> by_class{};
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
  const ClassRule& rule(OutcomeClass outcome) const {
    return by_class[static_cast<std::size_t>(outcome)];
  }
  ClassRule& rule(OutcomeClass outcome) { return by_class[static_cast<std::size_t>(outcome)]; }
  /// exited, signalled, timed_out and out_of_memory are listed; lost up to 16, start_failed up
  /// to 10.
  static RetryPolicy standard();
};

/// Zero: no limit.
struct Timeouts {
  Duration queue{0};  ///< from queued to started
  Duration start{
      0};           ///< from being handed to an executor with a free place to its first instruction
  Duration run{0};  ///< of one attempt
  Duration idle{0};                           ///< of one attempt without output
  Duration grace = std::chrono::seconds{10};  ///< from SIGTERM to SIGKILL
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct LockRequest {
  std::string name;
  std::int32_t units = 1;
  friend bool operator==(const LockRequest&, const LockRequest&) = default;
};

inline constexpr std::string_view kDefaultQueue = "default";
inline constexpr std::int64_t kAlternativesMax = 7;
inline constexpr std::int64_t kNodesPerTaskMax = 1000;
/// When a second attempt is started beside one that takes too long: the first that succeeds counts.
struct Hedge {
  std::uint32_t max = 0;   ///< second attempts of one task; 0: none are made
  double quantile = 0.95;  ///< of how long its kind takes, where `after` does not say otherwise
  Duration after{0};       ///< zero: as `quantile` says
  friend bool operator==(const Hedge&, const Hedge&) = default;
};

/// Tasks of one kind that share a sandbox start and a commit: they run one after the other.
struct Batch {
  std::uint32_t max = 1;  ///< so many at most; 1: each is alone
  Duration max_wait{0};   ///< the oldest waits so long for the batch to fill
  friend bool operator==(const Batch&, const Batch&) = default;
};
inline constexpr std::int64_t kBatchMax = 1000;

/// Shared by all tasks of a workflow whose settings are equal (Workflow::policies).
struct Policy {
  RetryPolicy retry = RetryPolicy::standard();
  Timeouts timeouts;
  Resources resources{.cpu_millicores = 1000, .countables = {}};
  /// Without its paths where GroupDetail::sandbox_paths stands for them.
  SandboxRequest sandbox;
  std::int32_t priority = 0;  ///< added to the run's; higher first
  std::vector<LockRequest> locks;
  bool idempotent = false;  ///< running it twice, even at once, does no harm
  Hedge hedge;
  Batch batch;
  bool single_flight = false;  ///< identical ones that wait share one execution
  std::int64_t output_bytes_max = std::int64_t{256} << 20;  ///< stored log of one attempt
  std::string queue{kDefaultQueue};
  /// Instead of `resources`, in the order in which they are preferred; at most kAlternativesMax.
  std::vector<Resources> alternatives;
  std::uint32_t nodes = 1;  ///< that it needs at once, each with `resources`: all or nothing
  PlacementRules placement;
  bool preemptible = false;  ///< may be stopped for other work, and start again
  std::string rate_limit;    ///< of the cluster file; "": none
  friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace reeve::spec
