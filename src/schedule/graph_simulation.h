// A graph of tasks on equal slots: when it is done if the task with the longest way to the end goes
// first (highest levels first: T. Adam, K. Chandy and J. Dickson, "A comparison of list schedules
// for parallel processing systems", CACM 17, 1974); when, if the whole graph is planned before it
// starts; and how far from the best that can at most be. Pure; no thread rule.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reeve::schedule {

struct GraphTask {
  std::string name;
  Duration run{0};                   ///< >= 0
  std::vector<std::uint32_t> needs;  ///< indices of tasks that end before it starts
};

/// Of each task: the longest way from its start to the end of the graph, itself included.
/// invalid_argument: a circle, with the names on it; an index that is none.
Result<std::vector<Duration>> ways_to_end(std::span<const GraphTask> tasks);

struct GraphSchedule {
  std::vector<Duration> starts;  ///< as the tasks, from 0
  Duration makespan{0};
};
/// REQUIRES slots > 0 and ways of the same tasks.
GraphSchedule schedule_graph(std::span<const GraphTask> tasks, std::span<const Duration> ways,
                             std::int64_t slots);

/// Planned forwards and backwards in turn: what ended last goes first from the end, and what then
/// begins first goes first from the beginning (K. Li and R. Willis, "An iterative scheduling
/// technique for resource-constrained project scheduling", EJOR 56, 1992). The best of all rounds,
/// never worse than schedule_graph(). REQUIRES the same.
GraphSchedule plan_graph(std::span<const GraphTask> tasks, std::span<const Duration> ways,
                         std::int64_t slots);

/// What no schedule without interruptions can be faster than.
struct GraphBounds {
  Duration critical_path{0};
  Duration work{0};    ///< of all tasks
  Duration simple{0};  ///< the critical path, or the work over the slots
  /// The best known: of those tasks that have at least so much before them and so much behind them,
  /// the work over the slots, or the shortest that must share one (E. Fernandez and B. Bussell,
  /// "Bounds on the number of processors and time for multiprocessor optimal schedules", IEEE ToC
  /// 22, 1973). Found for graphs up to a size; else `simple`.
  Duration proven{0};
};
GraphBounds bounds_of(std::span<const GraphTask> tasks, std::span<const Duration> ways,
                      std::int64_t slots);

}  // namespace reeve::schedule
