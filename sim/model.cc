#include "sim/model.h"

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve::sim {
namespace {

using core::TaskState;

bool any_failure(const RunImage& run, spec::Phase phase) {
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    if (run.spec_of({g}).phase == phase && Model::outcome_of(run, {g}) == GroupOutcome::failure)
      return true;
  }
  return false;
}

bool phase_is_over(const RunImage& run, spec::Phase phase) {
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    if (run.spec_of({g}).phase == phase && Model::outcome_of(run, {g}) == GroupOutcome::open)
      return false;
  }
  return true;
}

/// The workloads name groups literally, or after the input `flag`.
std::string group_of(const core::RunRecord& row) {
  if (!row.workflow->concurrency) return {};
  std::string name = row.workflow->concurrency->group.text();
  static constexpr std::string_view kExpression = "${{ inputs.flag }}";
  const std::size_t begin = name.find(kExpression);
  if (begin == std::string::npos) return name;
  const bool on = row.inputs.view().contains("\"on\"");
  return name.replace(begin, kExpression.size(), on ? "on" : "off");
}

RunImage build_image(const core::RunRecord& row) {
  RunImage run;
  run.concurrency_group = group_of(row);
  run.id = row.id;
  run.workflow = row.workflow;
  run.groups.resize(row.workflow->groups.size());
  std::uint32_t next = 0;
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    const auto count = row.workflow->groups[g].static_count();
    if (!count) continue;
    run.groups[g] = {next, *count, true};
    next += *count;
  }
  run.tasks.resize(next);
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    for (std::uint32_t i = 0; i < run.groups[g].count; ++i)
      run.tasks[run.groups[g].first + i].row.group = GroupIndex{g};
  }
  return run;
}

}  // namespace

const RunImage* Model::find(RunId run) const {
  const auto found = runs_.find(run);
  return found == runs_.end() ? nullptr : &found->second;
}

const TaskImage* Model::find(TaskId task) const {
  const RunImage* run = find(task.run);
  return run != nullptr && task.index < run->tasks.size() ? &run->tasks[task.index] : nullptr;
}

GroupOutcome Model::outcome_of(const RunImage& run, GroupIndex index) {
  const GroupImage& group = run.groups[index.value];
  if (!group.known) return GroupOutcome::open;
  std::uint32_t failed = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t skipped = 0;
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const core::Task& task = run.tasks[i].row;
    if (!core::is_final(task.state)) return GroupOutcome::open;
    const bool forgiven = (task.flags & core::kTaskForgiven) != 0;
    if (task.state == TaskState::failed || task.state == TaskState::timed_out)
      failed += forgiven ? 0U : 1U;
    if (task.state == TaskState::cancelled || task.state == TaskState::aborted) ++cancelled;
    if (task.state == TaskState::skipped) ++skipped;
  }
  if (failed > 0) return GroupOutcome::failure;
  if (cancelled > 0) return GroupOutcome::cancelled;
  if (skipped > 0 && skipped == group.count) return GroupOutcome::skipped;
  return GroupOutcome::success;
}

std::string Model::unmet_need(const RunImage& run, GroupIndex index) {
  const spec::TaskGroup& group = run.spec_of(index);
  if (group.phase != spec::Phase::main && !phase_is_over(run, spec::Phase::main))
    return "the main tasks are not all over";
  if (group.phase == spec::Phase::finally && !phase_is_over(run, spec::Phase::on_failure))
    return "the on_failure tasks are not all over";
  if (group.phase == spec::Phase::on_failure && !any_failure(run, spec::Phase::main))
    return "nothing has failed";
  const bool own_say = group.condition && group.condition->uses_status_function();
  for (const spec::Need& need : group.needs) {
    const GroupOutcome outcome = outcome_of(run, need.group);
    const std::string& name = run.spec_of(need.group).id;
    if (outcome == GroupOutcome::open) return name + " is not over";
    if (own_say) continue;
    if (need.condition == spec::NeedCondition::success && outcome != GroupOutcome::success)
      return name + " was not successful";
    if (need.condition == spec::NeedCondition::failure && outcome != GroupOutcome::failure)
      return name + " did not fail";
  }
  return {};
}

std::string Model::describe(const RunImage& run) {
  static constexpr std::string_view kPhases[] = {"main", "on_failure", "finally"};
  static constexpr std::string_view kOutcomes[] = {"open", "success", "failure", "cancelled",
                                                   "skipped"};
  std::string out = fmt::format("  run {} is {}, round {}, cancelled {}, paused {}\n", run.id.value,
                                name(run.state), run.round, run.cancel_requested, run.paused);
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    const spec::TaskGroup& spec = run.spec_of({g});
    out += fmt::format(
        "  group {} ({}): {}, known {},", g, kPhases[static_cast<std::size_t>(spec.phase)],
        kOutcomes[static_cast<std::size_t>(outcome_of(run, {g}))], run.groups[g].known);
    for (const spec::Need& need : spec.needs)
      out += fmt::format(" needs {}/{},", need.group.value, static_cast<int>(need.condition));
    if (spec.condition) out += " if " + spec.condition->text() + ",";
    const std::uint32_t end = run.groups[g].first + std::min(run.groups[g].count, 12U);
    for (std::uint32_t i = run.groups[g].first; i < end; ++i) {
      const core::Task& task = run.tasks[i].row;
      out += fmt::format(" {}:{}({}, attempt {}, flags {})", i,
                         run.tasks[i].stored ? name(task.state) : "untouched",
                         name(task.reason.code), task.attempt, task.flags);
    }
    out += '\n';
  }
  return out;
}

void Model::begin_commit(Time now) {
  ++commits_;
  last_now_ = now;
}

RunImage& Model::put_run(const core::RunRecord& row) {
  auto found = runs_.find(row.id);
  if (found == runs_.end()) found = runs_.emplace(row.id, build_image(row)).first;
  RunImage& run = found->second;
  if (row.cancel_requested && !run.cancel_requested) run.cancelled_in = commits_;
  const bool held = row.paused || row.interrupted;
  if (held && !run.paused && !run.interrupted) run.paused_in = commits_;
  run.state = row.state;
  run.paused = row.paused;
  run.interrupted = row.interrupted;
  run.cancel_requested = row.cancel_requested;
  run.round = row.round;
  run.priority = row.priority;
  run.submitted_at = row.submitted_at;
  run.uuid = row.uuid;
  run.after = row.after ? *row.after : std::vector<core::RunAfter>{};
  run.idempotency_key = row.texts ? row.texts->idempotency_key : std::string{};
  return run;
}

void Model::put_expansion(const core::Expansion& row) {
  RunImage& image = run(row.run);
  GroupImage& group = image.groups[row.group.value];
  group.known = row.first != core::kNotExpanded;
  if (!group.known) return;
  group.first = row.first;
  group.count = row.count;
  if (image.tasks.size() < group.first + group.count) image.tasks.resize(group.first + group.count);
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i)
    image.tasks[i].row.group = row.group;
}

RunImage& Model::run(RunId id) {
  const auto found = runs_.find(id);
  ENSURE(found != runs_.end());
  return found->second;
}

TaskImage& Model::task(TaskId id) {
  RunImage& image = run(id.run);
  ENSURE(id.index < image.tasks.size());
  return image.tasks[id.index];
}

void Model::put_attempt(Token token, const AttemptImage& attempt) {
  attempts_.emplace(token, attempt);
  live_.emplace(token, attempt.task);
}

AttemptImage* Model::find_attempt(Token token) {
  const auto found = attempts_.find(token);
  return found == attempts_.end() ? nullptr : &found->second;
}

void Model::record_end(Token token) {
  attempts_.at(token).recorded_in = commits_;
  live_.erase(token);
}

}  // namespace reeve::sim
