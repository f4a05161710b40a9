// What would have happened to a log of jobs under another policy: each is submitted when it was,
// takes as long as it took, and starts when the policy says so. Virtual time; same input, same
// result. Pure; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cluster.h"
#include "base/result.h"
#include "base/scheduling_policy.h"
#include "schedule/backfill.h"
#include "schedule/workload_log.h"

namespace reeve::schedule {

/// Where the expected length of a job comes from.
enum class EstimateSource : std::uint8_t {
  request,   ///< what the user asked for
  actual,    ///< what it will take: nobody knows that; to compare with
  last_two,  ///< the mean of the user's last two that ended, at most the request; else the request
  learned,   ///< RunTimeHistory, at most the request; of waiting jobs again when one like it ends
};

/// What is expected of a job that has taken longer than that.
enum class Exceeded : std::uint8_t {
  request,  ///< what the user asked for
  steps,    ///< 1, 5, 15, 30 minutes more, 1, 2, 5, ... hours more, at most the request (Tsafrir)
};

/// What the engine's own planner is told (planner_simulation.h).
struct PlannerSetup {
  std::vector<NodeSetup> nodes;
  SchedulingPolicy policy;
  friend bool operator==(const PlannerSetup&, const PlannerSetup&) = default;
};

struct SimulationPolicy {
  BackfillPolicy backfill;
  EstimateSource estimate = EstimateSource::request;
  Exceeded exceeded = Exceeded::request;
  /// Reservations count with so many times what is expected, at most the request. >= 1
  std::int32_t margin = 1;
  /// The engine's own planner decides, and nothing of the above counts.
  std::optional<PlannerSetup> planner{};
  friend bool operator==(const SimulationPolicy&, const SimulationPolicy&) = default;
};

struct SimulatedJob {
  Duration wait{0};
  Duration expected{0};        ///< when it was submitted, or at the last revision
  std::uint32_t extended = 0;  ///< times that it took longer than expected
};

struct SimulationResult {
  std::vector<SimulatedJob> jobs;  ///< as in the log
  std::int64_t processors = 0;
};

/// By name: "easy". Nothing where there is none.
std::optional<SimulationPolicy> find_policy(std::string_view name);
struct NamedPolicy {
  std::string_view name;
  SimulationPolicy policy;
};
/// docs/scheduling.md describes them.
const std::vector<NamedPolicy>& named_policies();

/// invalid_argument: a job that is larger than the machine, by number.
Result<SimulationResult> simulate_log(const WorkloadLog& log, std::int64_t processors,
                                      const SimulationPolicy& policy);

/// The log with the waits that were simulated, in the Standard Workload Format.
std::string format_schedule(const WorkloadLog& log, const SimulationResult& result);

/// Of all jobs. Slowdown: (wait + run) / run, bounded: of runs below ten seconds as if they took
/// ten, and at least 1 (D. Feitelson et al., JSSPP 1997).
struct SimulationSummary {
  std::int64_t jobs = 0;
  double mean_bounded_slowdown = 0;
  double median_bounded_slowdown = 0;
  double p99_bounded_slowdown = 0;
  double mean_wait_seconds = 0;
  double median_wait_seconds = 0;
  double p99_wait_seconds = 0;
  double max_wait_seconds = 0;
  double makespan_seconds = 0;  ///< from the first submission to the last end
  double utilisation = 0;       ///< of processors in that time
  std::int64_t extended = 0;    ///< jobs that took longer than expected
  std::int64_t with_deadline = 0;
  std::int64_t deadline_misses = 0;  ///< of those, jobs that ended later
  /// Of the mean bounded slowdowns of users: 1 if all fare alike, 1 / users if one has it all
  /// (R. Jain, D. Chiu and W. Hawe, "A quantitative measure of fairness", DEC TR-301, 1984).
  double user_fairness = 1;
};

SimulationSummary summarise(const WorkloadLog& log, const SimulationResult& result);

}  // namespace reeve::schedule
