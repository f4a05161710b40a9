#include "cli/run_changes.h"

#include <algorithm>

#include "base/text.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

using core::TaskState;

Happening happening_of(const core::Run& run, std::uint32_t index, Time now) {
  const core::Task& task = run.tasks[index];
  const core::TaskExtra* const extra = run.extra(index);
  const std::int32_t retries = run.workflow().policy_of(run.group_spec(task.group)).retry.max;
  Happening out{.kind = Happening::Kind::ended,
                .at = task.since == kUnset ? now : task.since,
                .task = {run.record.id, index},
                .label = sanitize_for_terminal(core::task_label(run, index)),
                .state = task.state,
                .attempt = task.attempt,
                .attempts_max = static_cast<std::uint32_t>(std::max(retries, 0)) + 1,
                .outcome = {task.outcome, task.code, task.reason},
                .reason = task.reason,
                .message = extra == nullptr ? "" : sanitize_for_terminal(extra->message)};
  if (task.state == TaskState::running)
    out.kind = task.reason.code == ReasonCode::held_open ? Happening::Kind::held
                                                         : Happening::Kind::started;
  if (core::is_final(task.state) && task.started_at != kUnset)
    out.duration = task.since - task.started_at;
  if (task.state == TaskState::retry_wait && task.wake_at != kNever)
    out.retry_after = std::max(task.wake_at - now, Duration{0});
  return out;
}

bool is_worth_a_line(TaskState state, bool is_large) {
  if (is_large) return state == TaskState::failed || state == TaskState::timed_out;
  return state == TaskState::running || state == TaskState::retry_wait || core::is_final(state);
}

}  // namespace

std::vector<Happening> RunChanges::compare(const core::Run& run, Time now) {
  std::vector<Happening> out;
  seen_.resize(run.tasks.size());
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const core::Task& task = run.tasks[i];
    Seen& seen = seen_[i];
    const bool is_held =
        task.state == TaskState::running && task.reason.code == ReasonCode::held_open;
    if (seen.state == task.state && seen.attempt == task.attempt && seen.is_held == is_held)
      continue;
    const bool was_let_go = seen.is_held && seen.attempt == task.attempt && !is_held;
    seen = {task.state, task.attempt, is_held};
    if (was_let_go && task.state == TaskState::running) continue;
    const bool is_large = run.groups[task.group.value].count > kTasksWithLinesMax;
    if (is_worth_a_line(task.state, is_large)) out.push_back(happening_of(run, i, now));
  }
  std::ranges::stable_sort(out, {}, &Happening::at);
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    const core::Group& group = run.groups[g];
    if (!group.expanded || group.count <= kTasksWithLinesMax) continue;
    const std::uint32_t finished = group.count - group.open;
    const auto tenth = static_cast<std::uint32_t>(std::uint64_t{finished} * 10 / group.count);
    if (tenth == tenths_[g]) continue;
    tenths_[g] = tenth;
    out.push_back({.kind = Happening::Kind::progress,
                   .at = now,
                   .task = {run.record.id, 0},
                   .label = sanitize_for_terminal(run.group_spec(GroupIndex{g}).id),
                   .finished = finished,
                   .total = group.count});
  }
  return out;
}

}  // namespace reeve::cli
