#include "cli/plan_simulation.h"

#include <algorithm>
#include <map>

#include "base/generator.h"
#include "core/core.h"

namespace reeve::cli {
namespace {

using core::TaskState;

// Long enough that the core hands over nothing beyond the capacity, as it does with short tasks.
constexpr Duration kStep = std::chrono::hours{1};
constexpr std::uint64_t kTasksTriedMax = 200'000;

std::shared_ptr<const spec::GroupDetail> timeless(const spec::GroupDetail& detail) {
  auto out = std::make_shared<spec::GroupDetail>(detail);  // shared: as the group wants it
  out->deadline.reset();
  out->artifacts.clear();
  out->continue_on_error.reset();
  return out;
}

/// The workflow without what depends on results or on time.
Result<std::shared_ptr<const spec::Workflow>> skeleton_of(const spec::Workflow& workflow) {
  spec::Workflow out = workflow;
  out.deadline.reset();
  out.outputs.clear();
  for (spec::Policy& policy : out.policies) policy.timeouts = spec::Timeouts{};
  for (spec::TaskGroup& group : out.groups) {
    group.dependents.clear();
    if (group.detail) group.detail = timeless(*group.detail);
    if (group.condition && !group.condition->uses_status_function()) group.condition.reset();
    if (!group.static_count()) group.fan_out = std::monostate{};
  }
  return spec::finish(std::move(out));  // shared: as a submission wants it
}

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

/// A workflow in virtual time; every task goes well.
class Simulation {
 public:
  explicit Simulation(const Resources& capacity)
      : core_({{.name = "local", .capacity = capacity}}) {}

  Status submit(std::shared_ptr<const spec::Workflow> workflow, const std::string& inputs) {
    TRY(core_.apply(core::EngineStarted{.sandbox = kAllAllowed}, now_));
    TRY(core_.apply(core::ExecutorChanged{.pool = {}, .up = true, .why = {}}, now_));
    core::SubmitRun submit{.inputs = inputs, .directory = "/"};
    submit.workflow_digest = workflow->digest;
    has_approvals_ = std::ranges::any_of(workflow->groups, [](const spec::TaskGroup& group) {
      return std::holds_alternative<spec::Approval>(group.action);
    });
    submit.workflow = std::move(workflow);
    TRY_ASSIGN(const core::Applied applied, core_.apply(submit, now_));
    run_ = applied.run;
    return {};
  }

  /// Until nothing more starts. `length_of` is asked once for each task that starts; `on_task` is
  /// told of it: group, start, end.
  template <class LengthOf, class OnTask>
  Status play(const LengthOf& length_of, const OnTask& on_task) {
    while (true) {
      for (const core::StartAttempt& start : start_all()) {
        const std::uint32_t group = core_.state().find_task(start.task)->group.value;
        const Time end = now_ + length_of(group);
        on_task(group, now_, end);
        running_.emplace(end, std::pair(start.token, now_));
      }
      if (approve_all()) continue;
      if (running_.empty()) return {};
      now_ = running_.begin()->first;
      while (!running_.empty() && running_.begin()->first == now_) {
        const auto [token, began] = running_.begin()->second;
        running_.erase(running_.begin());
        AttemptEnd end{.token = token, .started_at = began, .ended_at = now_};
        end.outcome = {OutcomeClass::exited, 0, {}};
        TRY(core_.apply(core::AttemptEnded{.end = std::move(end)}, now_));
      }
    }
  }

 private:
  std::vector<core::StartAttempt> start_all() {
    std::vector<core::StartAttempt> started;
    do {
      core_.plan(now_);
      for (const core::Effect& effect : core_.changes().effects)
        if (const auto* start = std::get_if<core::StartAttempt>(&effect); start != nullptr)
          started.push_back(*start);
      core_.clear_changes();
    } while (core_.plan_again());
    return started;
  }

  /// Whether anything was.
  bool approve_all() {
    std::vector<std::uint32_t> waiting;
    const core::Run* const run = core_.state().find_run(run_);
    if (run == nullptr || !has_approvals_) return false;
    for (std::uint32_t i = 0; i < run->tasks.size(); ++i) {
      if (run->tasks[i].state == TaskState::awaiting_approval) waiting.push_back(i);
    }
    for (const std::uint32_t index : waiting) {
      // A refusal (only named people may) leaves it waiting, as it would be.
      if (!core_.apply(core::Approve{.task = {run_, index}, .approved = true}, now_)) return false;
    }
    return !waiting.empty();
  }

  core::Core core_;
  RunId run_;
  bool has_approvals_ = false;
  Time now_{kStep};
  std::multimap<Time, std::pair<Token, Time>> running_;  // end -> attempt, start
};

constexpr std::uint32_t kSimulationsMax = 60;
constexpr std::uint64_t kTasksPlayedMax = 300'000;  // over all simulations
/// Virtual times are so many times the real ones, and at least a second: the core hands over
/// nothing beyond the capacity then, as it does with short tasks.
constexpr int kStretch = 100;
constexpr Duration kShortest = std::chrono::milliseconds{10};
/// All tasks after one another, stretched, have to stay within what Time can say.
constexpr Duration kLongestOfAll = 20 * kDurationMax;

Forecast forecast_of(std::vector<Duration>& values) {
  std::ranges::sort(values);
  const auto at = [&](std::size_t percent) { return values[(values.size() - 1) * percent / 100]; };
  return {at(10), at(50), at(90)};
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

Result<std::vector<Played>> play_once(const std::shared_ptr<const spec::Workflow>& skeleton,
                                      const std::string& inputs, const Resources& capacity,
                                      const std::vector<std::vector<Duration>>& lengths,
                                      Duration longest, Generator& draws) {
  std::vector<Played> played(lengths.size());
  Simulation simulation(capacity);
  TRY(simulation.submit(skeleton, inputs));
  const auto length_of = [&](std::uint32_t group) {
    return std::clamp(draws.pick(lengths[group]), kShortest, longest) * kStretch;
  };
  const auto on_task = [&](std::uint32_t group, Time start, Time end) {
    Played& one = played[group];
    one.start = std::min(one.start, (start - Time{kStep}) / kStretch);
    one.end = std::max(one.end, (end - Time{kStep}) / kStretch);
  };
  TRY(simulation.play(length_of, on_task));
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
  Simulation simulation(capacity);
  TRY(simulation.submit(std::move(skeleton), inputs));
  TRY(simulation.play([](std::uint32_t) { return kStep; },
                      [&](std::uint32_t group, Time start, Time) {
                        const auto step =
                            static_cast<std::uint32_t>(start.time_since_epoch() / kStep);
                        if (!groups[group].first_step) groups[group].first_step = step;
                        groups[group].last_step = step;
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
  if (!is_known || tasks > kTasksPlayedMax) return std::optional<PlanForecast>();
  TRY_ASSIGN(const auto skeleton, skeleton_of(workflow));
  const Duration longest = kLongestOfAll / static_cast<std::int64_t>(tasks + 1);
  Generator draws(1);
  std::vector<std::vector<Played>> rounds;
  const std::uint64_t many = std::clamp<std::uint64_t>(
      kTasksPlayedMax / std::max<std::uint64_t>(tasks, 1), 1, kSimulationsMax);
  while (rounds.size() < many) {
    TRY_ASSIGN(auto played, play_once(skeleton, inputs, capacity, drawn, longest, draws));
    rounds.push_back(std::move(played));
  }
  return std::optional(summary_of(rounds));
}

}  // namespace reeve::cli
