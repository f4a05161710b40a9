#include "cli/plan_simulation.h"

#include <algorithm>

#include "base/generator.h"
#include "cli/virtual_engine.h"

namespace reeve::cli {
namespace {

// Long enough that the core hands over nothing beyond the capacity, as it does with short tasks.
constexpr Duration kStep = std::chrono::hours{1};
constexpr std::uint64_t kTasksTriedMax = 200'000;
constexpr Time kBegin{std::chrono::hours{1}};

/// Groups in an order in which needs come first: the parser has refused cycles.
std::vector<std::uint32_t> levels_of(const spec::Workflow& workflow) {
  std::vector<std::uint32_t> levels(workflow.groups.size(), 1);
  std::vector<std::uint32_t> open(workflow.groups.size());
  std::vector<std::uint32_t> ready;
  for (std::uint32_t g = 0; g < open.size(); ++g) {
    open[g] = static_cast<std::uint32_t>(workflow.groups[g].needs.size());
    if (open[g] == 0) ready.push_back(g);
  }
  while (!ready.empty()) {
    const std::uint32_t g = ready.back();
    ready.pop_back();
    for (const GroupIndex next : workflow.groups[g].dependents) {
      levels[next.value] = std::max(levels[next.value], levels[g] + 1);
      if (--open[next.value] == 0) ready.push_back(next.value);
    }
  }
  return levels;
}

/// What tasks of a group may take: what was seen of it, else what was seen of any.
std::vector<std::vector<Duration>> drawn_from(const std::vector<std::vector<Duration>>& lengths) {
  std::vector<Duration> any;
  for (const auto& group : lengths) any.insert(any.end(), group.begin(), group.end());
  std::vector<std::vector<Duration>> out = lengths;
  for (auto& group : out)
    if (group.empty()) group = any;
  return out;
}

struct Played {
  Duration start = kDurationMax;
  Duration end{0};
};

using Skeleton = std::shared_ptr<const spec::Workflow>;  // shared: as a submission wants it

Result<std::vector<Played>> play_once(const Skeleton& skeleton, const std::string& inputs,
                                      const Resources& capacity,
                                      const std::vector<std::vector<Duration>>& lengths,
                                      Duration longest, Generator& draws) {
  std::vector<Played> played(lengths.size());
  VirtualEngine engine(capacity, kBegin);
  TRY(engine.submit(skeleton, inputs));
  const auto length_of = [&](const VirtualEngine::Begun& begun) {
    return std::clamp(draws.pick(lengths[begun.group.value]), kShortest, longest) * kStretch;
  };
  const auto on_task = [&](const VirtualEngine::Begun& begun, Time start, Time end) {
    Played& one = played[begun.group.value];
    one.start = std::min(one.start, (start - kBegin) / kStretch);
    one.end = std::max(one.end, (end - kBegin) / kStretch);
  };
  TRY(engine.play(length_of, on_task));
  return played;
}

PlanForecast summary_of(const std::vector<std::vector<Played>>& rounds) {
  PlanForecast out;
  out.simulations = static_cast<std::uint32_t>(rounds.size());
  std::vector<Duration> whole;
  for (const auto& round : rounds) {
    Duration end{0};
    for (const Played& one : round) end = std::max(end, one.end);
    whole.push_back(end);
  }
  out.whole = forecast_of(whole);
  for (std::size_t group = 0; group < rounds.front().size(); ++group) {
    std::vector<Duration> starts;
    std::vector<Duration> ends;
    for (const auto& round : rounds) {
      if (round[group].start == kDurationMax) continue;
      starts.push_back(round[group].start);
      ends.push_back(round[group].end);
    }
    if (starts.empty())
      out.groups.emplace_back();
    else
      out.groups.push_back(PlanForecast::Group{forecast_of(starts), forecast_of(ends)});
  }
  return out;
}

}  // namespace

Result<std::vector<PlannedGroup>> plan_groups(const spec::Workflow& workflow,
                                              const std::string& inputs,
                                              const Resources& capacity) {
  std::vector<PlannedGroup> groups(workflow.groups.size());
  const std::vector<std::uint32_t> levels = levels_of(workflow);
  std::uint64_t total = 0;
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    const spec::TaskGroup& group = workflow.groups[g];
    groups[g].level = levels[g];
    groups[g].tasks = group.static_count();
    groups[g].is_placeable = std::holds_alternative<spec::Approval>(group.action) ||
                             capacity.covers(workflow.policy_of(group).resources);
    total += groups[g].tasks.value_or(1);
  }
  if (total > kTasksTriedMax) return groups;
  TRY_ASSIGN(auto skeleton, skeleton_of(workflow));
  VirtualEngine engine(capacity, kBegin);
  TRY(engine.submit(std::move(skeleton), inputs));
  TRY(engine.play([](const VirtualEngine::Begun&) { return kStep; },
                  [&](const VirtualEngine::Begun& begun, Time start, Time) {
                    PlannedGroup& group = groups[begun.group.value];
                    const auto step = static_cast<std::uint32_t>((start - kBegin) / kStep) + 1;
                    if (!group.first_step) group.first_step = step;
                    group.last_step = step;
                  }));
  return groups;
}

Result<std::optional<PlanForecast>> forecast_groups(
    const spec::Workflow& workflow, const std::string& inputs, const Resources& capacity,
    const std::vector<std::vector<Duration>>& lengths) {
  std::uint64_t tasks = 0;
  for (const spec::TaskGroup& group : workflow.groups) tasks += group.static_count().value_or(1);
  const auto drawn = drawn_from(lengths);
  const bool is_known = !drawn.empty() && !drawn.front().empty();
  if (!is_known || simulations_of(tasks) == 0) return std::optional<PlanForecast>();
  TRY_ASSIGN(const auto skeleton, skeleton_of(workflow));
  const Duration longest = longest_of(tasks);
  Generator draws(1);
  std::vector<std::vector<Played>> rounds;
  while (rounds.size() < simulations_of(tasks)) {
    TRY_ASSIGN(auto played, play_once(skeleton, inputs, capacity, drawn, longest, draws));
    rounds.push_back(std::move(played));
  }
  return std::optional(summary_of(rounds));
}

}  // namespace reeve::cli
