#include "cli/plan_simulation.h"

#include <algorithm>

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

class Simulation {
 public:
  Simulation(std::vector<PlannedGroup>& groups, const Resources& capacity)
      : groups_(groups),
        core_({{.name = "local", .capacity = capacity}}) {}

  Status submit(std::shared_ptr<const spec::Workflow> workflow, const std::string& inputs) {
    TRY(core_.apply(core::EngineStarted{.sandbox = kAllAllowed}, now_));
    TRY(core_.apply(core::ExecutorChanged{.pool = {}, .up = true, .why = {}}, now_));
    core::SubmitRun submit{.inputs = inputs, .directory = "/"};
    submit.workflow_digest = workflow->digest;
    submit.workflow = std::move(workflow);
    TRY_ASSIGN(const core::Applied applied, core_.apply(submit, now_));
    run_ = applied.run;
    return {};
  }

  /// Until nothing more starts.
  Status play() {
    for (std::uint32_t step = 1;; ++step) {
      std::vector<Token> started = start_all(step);
      const std::vector<std::uint32_t> approvals = approve_all();
      if (started.empty() && approvals.empty()) return {};
      now_ += kStep;
      for (const Token token : started) {
        AttemptEnd end{.token = token, .started_at = now_ - kStep, .ended_at = now_};
        end.outcome = {OutcomeClass::exited, 0, {}};
        TRY(core_.apply(core::AttemptEnded{.end = std::move(end)}, now_));
      }
    }
  }

 private:
  std::vector<Token> start_all(std::uint32_t step) {
    std::vector<Token> started;
    do {
      core_.plan(now_);
      for (const core::Effect& effect : core_.changes().effects) {
        const auto* start = std::get_if<core::StartAttempt>(&effect);
        if (start == nullptr) continue;
        note(*start, step);
        started.push_back(start->token);
      }
      core_.clear_changes();
    } while (core_.plan_again());
    return started;
  }

  void note(const core::StartAttempt& start, std::uint32_t step) {
    PlannedGroup& group = groups_[core_.state().find_task(start.task)->group.value];
    if (!group.first_step) group.first_step = step;
    group.last_step = step;
  }

  std::vector<std::uint32_t> approve_all() {
    std::vector<std::uint32_t> waiting;
    const core::Run* const run = core_.state().find_run(run_);
    if (run == nullptr) return waiting;
    for (std::uint32_t i = 0; i < run->tasks.size(); ++i) {
      if (run->tasks[i].state == TaskState::awaiting_approval) waiting.push_back(i);
    }
    for (const std::uint32_t index : waiting) {
      // A refusal (only named people may) leaves it waiting, as it would be.
      if (!core_.apply(core::Approve{.task = {run_, index}, .approved = true}, now_)) return {};
    }
    return waiting;
  }

  std::vector<PlannedGroup>& groups_;
  core::Core core_;
  RunId run_;
  Time now_{kStep};
};

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
  Simulation simulation(groups, capacity);
  TRY(simulation.submit(std::move(skeleton), inputs));
  TRY(simulation.play());
  return groups;
}

}  // namespace reeve::cli
