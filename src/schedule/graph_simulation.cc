#include "schedule/graph_simulation.h"

#include <algorithm>
#include <queue>
#include <set>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

using Index = std::uint32_t;
constexpr std::size_t kBoundStepsMax = 500'000'000;  // about a second
constexpr int kRoundsMax = 32;                       // of planning forwards and backwards
constexpr int kIdleRoundsMax = 8;                    // that make it no better

using Edges = std::vector<std::vector<Index>>;

Edges needs_of(std::span<const GraphTask> tasks) {
  Edges needs;
  for (const GraphTask& task : tasks) needs.push_back(task.needs);
  return needs;
}

Edges followers_of(std::span<const GraphTask> tasks) {
  Edges followers(tasks.size());
  for (Index i = 0; i < tasks.size(); ++i)
    for (const Index need : tasks[i].needs) followers[need].push_back(i);
  return followers;
}

/// Names on a circle among those that are left. REQUIRES that each of them needs one of them.
std::string circle_of(std::span<const GraphTask> tasks, const std::vector<bool>& is_left) {
  Index at = 0;
  while (!is_left[at]) ++at;
  std::vector<Index> way;
  while (std::ranges::find(way, at) == way.end()) {
    way.push_back(at);
    at = *std::ranges::find_if(tasks[at].needs, [&](Index need) { return is_left[need]; });
  }
  std::string names = tasks[at].name;
  for (auto one = way.rbegin(); one != way.rend(); ++one) {
    names += " -> " + tasks[*one].name;
    if (*one == at) break;
  }
  return names;
}

/// Needs before those that need them.
Result<std::vector<Index>> order_of(std::span<const GraphTask> tasks) {
  for (const GraphTask& task : tasks)
    for (const Index need : task.needs)
      if (need >= tasks.size())
        return fail(ErrorCode::invalid_argument, task.name + " needs a task that is not there");
  const auto followers = followers_of(tasks);
  std::vector<std::size_t> open(tasks.size());
  std::vector<Index> order;
  for (Index i = 0; i < tasks.size(); ++i) {
    open[i] = tasks[i].needs.size();
    if (open[i] == 0) order.push_back(i);
  }
  for (std::size_t done = 0; done < order.size(); ++done)
    for (const Index follower : followers[order[done]])
      if (--open[follower] == 0) order.push_back(follower);
  if (order.size() == tasks.size()) return order;
  std::vector<bool> is_left(tasks.size(), true);
  for (const Index one : order) is_left[one] = false;
  return fail(ErrorCode::invalid_argument, "tasks need each other: " + circle_of(tasks, is_left));
}

/// The longest way from the beginning to the start of each. REQUIRES no circle.
std::vector<Duration> ways_from_begin(std::span<const GraphTask> tasks) {
  std::vector<Duration> before(tasks.size());
  const std::vector<Index> order = order_of(tasks).value();
  for (const Index i : order)
    for (const Index need : tasks[i].needs)
      before[i] = std::max(before[i], before[need] + tasks[need].run);
  return before;
}

/// Of tasks, longest first, that are done after one another in a window: a bound on its length.
/// Of k * slots + 1 tasks some slot has k + 1, at least the shortest of them.
Duration shortest_window(const std::vector<Duration>& longest_first, Duration work,
                         std::int64_t slots) {
  Duration bound = (work + Duration(slots - 1)) / slots;
  const auto width = static_cast<std::size_t>(slots);
  for (std::size_t k = 1; k * width < longest_first.size(); ++k) {
    Duration sum{0};
    for (std::size_t j = 0; j <= k; ++j) sum += longest_first[k * width - j];
    bound = std::max(bound, sum);
  }
  return bound;
}

/// Over all windows that begin where some task can at the earliest, and end where one must.
Duration window_bound(std::span<const GraphTask> tasks, std::span<const Duration> ways,
                      std::int64_t slots) {
  const std::vector<Duration> before = ways_from_begin(tasks);
  std::vector<Index> longest_first(tasks.size());
  for (Index i = 0; i < tasks.size(); ++i) longest_first[i] = i;
  std::ranges::stable_sort(longest_first, std::greater<>{}, [&](Index i) { return tasks[i].run; });
  const std::set<Duration> begins(before.begin(), before.end());
  std::set<Duration> behind;
  for (Index i = 0; i < tasks.size(); ++i) behind.insert(ways[i] - tasks[i].run);
  Duration bound{0};
  if (begins.size() * behind.size() > kBoundStepsMax / tasks.size()) return bound;
  for (const Duration begin : begins)
    for (const Duration rest : behind) {
      std::vector<Duration> inside;
      Duration work{0};
      for (const Index i : longest_first) {
        if (before[i] < begin || ways[i] - tasks[i].run < rest) continue;
        inside.push_back(tasks[i].run);
        work += tasks[i].run;
      }
      if (inside.empty()) break;
      bound = std::max(bound, begin + rest + shortest_window(inside, work, slots));
    }
  return bound;
}

/// The ready one with the least rank goes first; the first of equals.
GraphSchedule list_schedule(std::span<const GraphTask> tasks, std::span<const Duration> ranks,
                            const Edges& needs, const Edges& followers, std::int64_t slots) {
  std::vector<std::size_t> open(tasks.size());
  std::set<std::pair<Duration, Index>> ready;
  using End = std::pair<Duration, Index>;
  std::priority_queue<End, std::vector<End>, std::greater<>> running;
  for (Index i = 0; i < tasks.size(); ++i) {
    open[i] = needs[i].size();
    if (open[i] == 0) ready.insert({ranks[i], i});
  }
  GraphSchedule schedule;
  schedule.starts.resize(tasks.size());
  Duration now{0};
  while (!ready.empty() || !running.empty()) {
    while (!ready.empty() && static_cast<std::int64_t>(running.size()) < slots) {
      const Index next = ready.begin()->second;
      ready.erase(ready.begin());
      schedule.starts[next] = now;
      running.push({now + tasks[next].run, next});
    }
    now = running.top().first;
    while (!running.empty() && running.top().first == now) {
      for (const Index follower : followers[running.top().second])
        if (--open[follower] == 0) ready.insert({ranks[follower], follower});
      running.pop();
    }
  }
  schedule.makespan = now;
  return schedule;
}

}  // namespace

Result<std::vector<Duration>> ways_to_end(std::span<const GraphTask> tasks) {
  TRY_ASSIGN(const std::vector<Index> order, order_of(tasks));
  std::vector<Duration> ways(tasks.size());
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    ways[*at] += tasks[*at].run;
    for (const Index need : tasks[*at].needs) ways[need] = std::max(ways[need], ways[*at]);
  }
  return ways;
}

GraphSchedule schedule_graph(std::span<const GraphTask> tasks, std::span<const Duration> ways,
                             std::int64_t slots) {
  ENSURE(slots > 0 && ways.size() == tasks.size());
  std::vector<Duration> ranks;
  for (const Duration way : ways) ranks.push_back(-way);
  return list_schedule(tasks, ranks, needs_of(tasks), followers_of(tasks), slots);
}

GraphSchedule plan_graph(std::span<const GraphTask> tasks, std::span<const Duration> ways,
                         std::int64_t slots) {
  GraphSchedule best = schedule_graph(tasks, ways, slots);
  const Edges needs = needs_of(tasks);
  const Edges followers = followers_of(tasks);
  GraphSchedule at = best;
  int idle = 0;
  std::vector<Duration> ranks(tasks.size());
  for (int round = 0; round < kRoundsMax && idle < kIdleRoundsMax; ++round) {
    for (Index i = 0; i < tasks.size(); ++i) ranks[i] = -(at.starts[i] + tasks[i].run);
    const GraphSchedule back = list_schedule(tasks, ranks, followers, needs, slots);
    for (Index i = 0; i < tasks.size(); ++i)
      ranks[i] = back.makespan - back.starts[i] - tasks[i].run;
    at = list_schedule(tasks, ranks, needs, followers, slots);
    ++idle;
    if (at.makespan >= best.makespan) continue;
    best = at;
    idle = 0;
  }
  return best;
}

GraphBounds bounds_of(std::span<const GraphTask> tasks, std::span<const Duration> ways,
                      std::int64_t slots) {
  ENSURE(slots > 0 && ways.size() == tasks.size());
  GraphBounds bounds;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    bounds.work += tasks[i].run;
    bounds.critical_path = std::max(bounds.critical_path, ways[i]);
  }
  bounds.simple = std::max(bounds.critical_path, (bounds.work + Duration(slots - 1)) / slots);
  bounds.proven = bounds.simple;
  if (!tasks.empty()) bounds.proven = std::max(bounds.simple, window_bound(tasks, ways, slots));
  return bounds;
}

}  // namespace reeve::schedule
