#include "cli/run_tracker.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <string.h>

#include "base/text.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

using core::TaskState;

bool deserves_line(TaskState state) {
  switch (state) {
    case TaskState::starting:
    case TaskState::running:
    case TaskState::validating:
    case TaskState::retry_wait:
    case TaskState::awaiting_approval:
    case TaskState::failed:
    case TaskState::timed_out: return true;
    default: return false;
  }
}

/// Labels of numbered elements are made when they are drawn; names of matrix legs are worth
/// keeping.
bool has_numbered_label(const spec::TaskGroup& group) {
  return std::holds_alternative<spec::Array>(group.fan_out) ||
         std::holds_alternative<spec::ForEach>(group.fan_out);
}

}  // namespace

std::string text_of_needs(const RunModel& model, std::size_t group) {
  constexpr std::size_t kTextMax = 60;
  if (!model.workflow) return {};
  std::string out;
  std::size_t more = 0;
  for (const spec::Need& need : model.workflow->groups[group].needs) {
    const GroupModel& needed = model.groups[need.group.value];
    if (needed.is_finished()) continue;
    if (out.size() > kTextMax) {
      ++more;
      continue;
    }
    out += (out.empty() ? "" : ", ") + needed.name;
  }
  if (more > 0) out += fmt::format(" and {} more", more);
  return out;
}

std::uint32_t GroupModel::finished() const {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (core::is_final(static_cast<TaskState>(i))) sum += counts[i];
  }
  return sum;
}

std::uint32_t GroupModel::unsuccessful() const {
  return count(TaskState::failed) + count(TaskState::timed_out) + count(TaskState::aborted);
}

std::uint32_t GroupModel::active() const {
  return count(TaskState::starting) + count(TaskState::running) + count(TaskState::validating);
}

void RunTracker::reset(const core::Run& run) {
  model_ = RunModel{};
  model_.workflow = run.record.workflow;
  model_.groups.resize(run.groups.size());
  update_record(run);
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    const spec::TaskGroup& spec = run.group_spec(GroupIndex{g});
    GroupModel& group = model_.groups[g];
    group.name = sanitize_for_terminal(spec.id);
    group.is_fan_out = !std::holds_alternative<std::monostate>(spec.fan_out);
    const std::int32_t retries = run.workflow().policy_of(spec).retry.max;
    group.attempts_max = static_cast<std::uint32_t>(std::max(retries, 0)) + 1;
    refresh_group(run, GroupIndex{g});
  }
}

void RunTracker::update_record(const core::Run& run) {
  const core::RunRecord& record = run.record;
  model_.id = record.id;
  model_.uuid = record.uuid;
  model_.name = sanitize_for_terminal(
      record.texts && !record.texts->name.empty() ? record.texts->name : run.workflow().name);
  model_.state = record.state;
  model_.is_paused = record.paused;
  model_.is_interrupted = record.interrupted;
  model_.is_cancelling = record.cancel_requested && !core::is_final(record.state);
  model_.round = record.round;
  model_.submitted_at = record.submitted_at;
  model_.started_at = record.started_at;
  model_.ended_at = record.ended_at;
  model_.reason = record.reason;
}

void RunTracker::refresh_group(const core::Run& run, GroupIndex index) {
  const core::Group& from = run.groups[index.value];
  GroupModel& group = model_.groups[index.value];
  group.counts.fill(0);
  group.tasks.clear();
  group.is_expanded = from.expanded;
  group.total = from.expanded ? from.count : 0;
  group.started_at = kUnset;
  group.ended_at = kUnset;
  for (std::uint32_t i = from.first; i < from.first + group.total; ++i) {
    const core::Task& task = run.tasks[i];
    ++group.counts[static_cast<std::size_t>(task.state)];
    if (task.started_at != kUnset &&
        (group.started_at == kUnset || task.started_at < group.started_at))
      group.started_at = task.started_at;
    if (core::is_final(task.state)) group.ended_at = std::max(group.ended_at, task.since);
    if (!group.is_fan_out || task.state == TaskState::queued) group.reason = task.reason;
    group.attempt = task.attempt;
    show_task(run, i);
  }
}

void RunTracker::show_task(const core::Run& run, std::uint32_t index) {
  const core::Task& task = run.tasks[index];
  GroupModel& group = model_.groups[task.group.value];
  const std::uint32_t element = index - run.groups[task.group.value].first;
  const auto found = group.tasks.find(element);
  if (!deserves_line(task.state)) {
    if (found != group.tasks.end()) group.tasks.erase(found);
    return;
  }
  if (found == group.tasks.end() && group.tasks.size() >= kTasksShownMax) return;
  TaskModel& shown = group.tasks[element];
  if (shown.label.empty()) {
    shown.element = element;
    if (!group.is_fan_out) {
      shown.label = group.name;
    } else if (has_numbered_label(run.group_spec(task.group))) {
      shown.label = fmt::format("{}[{}]", group.name, element);
    } else {
      shown.label = sanitize_for_terminal(core::task_label(run, index));
    }
  }
  shown.state = task.state;
  shown.attempt = task.attempt;
  shown.percent = task.percent;
  shown.since = task.since;
  shown.started_at = task.started_at;
  shown.wake_at = task.wake_at;
  shown.reason = task.reason;
  shown.outcome = task.outcome;
  shown.code = task.code;
  const core::TaskExtra* extra = run.extra(index);
  shown.message = extra == nullptr ? "" : sanitize_for_terminal(extra->message);
}

void RunTracker::apply_change(const core::Run& run, const core::TaskChange& change) {
  const core::Task& task = run.tasks[change.task.index];
  GroupModel& group = model_.groups[task.group.value];
  std::uint32_t& left = group.counts[static_cast<std::size_t>(change.from)];
  left -= std::min(left, change.count);
  group.counts[static_cast<std::size_t>(change.to)] += change.count;
  if (!group.is_fan_out || change.to == TaskState::queued) group.reason = change.reason;
  group.attempt = task.attempt;
  if (change.to == TaskState::running && group.started_at == kUnset)
    group.started_at = task.started_at;
  if (core::is_final(change.to)) group.ended_at = std::max(group.ended_at, task.since);
  if (change.count == 1) show_task(run, change.task.index);
}

void RunTracker::apply(const core::Run& run, std::span<const core::TaskChange> changes) {
  if (run.record.round != model_.round) {
    reset(run);  // a retry: all counters begin again
    return;
  }
  update_record(run);
  // Groups that have just learnt their tasks are counted as they are now, after this commit.
  std::set<std::uint32_t> counted;
  for (const core::TaskChange& change : changes) {
    if (change.task.index >= run.tasks.size()) continue;
    const std::uint32_t index = run.tasks[change.task.index].group.value;
    const core::Group& from = run.groups[index];
    if (counted.contains(index)) continue;
    const GroupModel& group = model_.groups[index];
    if (!group.is_expanded || group.total != from.count) {
      refresh_group(run, GroupIndex{index});
      counted.insert(index);
    } else {
      apply_change(run, change);
    }
  }
}

void RunTracker::update_progress(const core::Run& run, std::uint32_t index) {
  if (index < run.tasks.size()) show_task(run, index);
}

std::string short_reason(const Reason& reason) {
  switch (reason.code) {
    case ReasonCode::none: return "";
    case ReasonCode::capacity:
      return fmt::format("waits for {}", name(static_cast<Shortage>(reason.b)));
    case ReasonCode::behind: return "waits its turn";
    case ReasonCode::lock_busy: return "waits for a lock";
    case ReasonCode::concurrency_busy: return "waits for its concurrency group";
    case ReasonCode::max_parallel: return fmt::format("at most {} at a time", reason.a);
    case ReasonCode::run_paused: return "the run is paused";
    case ReasonCode::task_paused: return "paused";
    case ReasonCode::interrupted: return "interrupted";
    case ReasonCode::approval_pending: return "waits for approval";
    case ReasonCode::executor_down: return "the executor does not answer";
    case ReasonCode::unplaceable: return "asks for more than there is";
    case ReasonCode::need_not_successful: return "a task that it needs did not succeed";
    case ReasonCode::condition_false: return "its `if` is false";
    case ReasonCode::no_failure: return "nothing failed";
    case ReasonCode::held_open: return "failed, and held for `reeve exec`";
    case ReasonCode::after_run:
      return reason.b > 1 ? fmt::format("after run {} and {} more", reason.a, reason.b - 1)
                          : fmt::format("after run {}", reason.a);
    case ReasonCode::fail_fast: return "another of its group failed";
    case ReasonCode::exit_status: return fmt::format("exit status {}", reason.a);
    case ReasonCode::killed_by_signal:
      return short_outcome(OutcomeClass::signalled, static_cast<std::int32_t>(reason.a));
    case ReasonCode::placed:
    case ReasonCode::completed:
    case ReasonCode::is_running: return "";
    default: return describe(reason);
  }
}

std::string short_outcome(OutcomeClass outcome, std::int32_t code) {
  switch (outcome) {
    case OutcomeClass::none: return "";
    case OutcomeClass::exited: return fmt::format("exit status {}", code);
    case OutcomeClass::signalled: {
      const char* const abbreviation = code > 0 && code < 128 ? sigabbrev_np(code) : nullptr;
      if (abbreviation == nullptr) return fmt::format("signal {}", code);
      return fmt::format("signal {} (SIG{})", code, abbreviation);
    }
    case OutcomeClass::timed_out: return "timed out";
    case OutcomeClass::out_of_memory: return "out of memory";
    case OutcomeClass::lost: return "lost";
    case OutcomeClass::rejected: return "rejected";
    case OutcomeClass::start_failed: return "could not start";
  }
  return "";
}

}  // namespace reeve::cli
