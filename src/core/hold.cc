// Sandboxes that people enter, and those that are kept open for them once their program has failed.
// Such a task still runs, for all that counts it: its attempt has not ended.
#include <algorithm>

#include "core/step.h"

namespace reeve::core {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
    if (text.size() > kEntryCommandBytesMax) break;
  }
  if (text.size() > kEntryCommandBytesMax) text.resize(kEntryCommandBytesMax);
  return text;
}

/// Tells observers, and the store, that the task is the same and something about it is not.
void note(Step& step, Run& run, std::uint32_t index) {
  step.changes.progressed.push_back({run.record.id, index});
  mark_task(step, run, index);
}

Status check_tier_can_be_entered(SandboxTier tier) {
  switch (tier) {
    case SandboxTier::native: return {};
    case SandboxTier::none:
      return fail(ErrorCode::conflict,
                  "the task runs without a sandbox, so there is none to enter: it is an ordinary "
                  "process of this machine");
    case SandboxTier::oci:
      return fail(ErrorCode::conflict,
                  "the task runs in a container of an OCI runtime (tier oci): only sandboxes of "
                  "the tier native can be entered");
  }
  std::unreachable();
}

Status check_enterable(const Step& step, const Run& run, const Enter& event) {
  if (event.command.empty()) return fail(ErrorCode::invalid_argument, "there is no command");
  if (!has_task(run, event.task.index))
    return fail(ErrorCode::not_found, "the run has no such task");
  const Task& task = run.tasks[event.task.index];
  // One that was handed over may have begun: its supervisor knows.
  if (!is_live(task.state))
    return fail(ErrorCode::conflict,
                "the task does not run: it is " + std::string(name(task.state)));
  const Companion* const companion = companion_of(run, event.task.index);
  const bool second =
      companion != nullptr && !companion->won && companion->attempt == event.attempt;
  if (event.attempt != 0 && event.attempt != task.attempt && !second)
    return fail(ErrorCode::conflict, "attempt " + std::to_string(event.attempt) +
                                         " does not run: it is attempt " +
                                         std::to_string(task.attempt) + " that does");
  const spec::Policy& policy = run.workflow().policy_of(run.group_spec(task.group));
  return check_tier_can_be_entered(enforced(policy.sandbox, step.state.sandbox_rules).tier);
}

}  // namespace

Result<Applied> on_enter(Step& step, const Enter& event) {
  TRY_ASSIGN(Run * run, live_run(step, event.task.run));
  TRY(check_enterable(step, *run, event));
  const Task& task = run->tasks[event.task.index];
  const Companion* const companion = companion_of(*run, event.task.index);
  const bool second = companion != nullptr && companion->attempt == event.attempt;
  const Token token = second ? companion->token : task.token;
  std::vector<Entry>& entries = run->make_extra(event.task.index).entries;
  if (entries.size() >= kEntriesMax) entries.erase(entries.begin());
  entries.push_back({.at = step.now,
                     .attempt = second ? event.attempt : task.attempt,
                     .user_id = event.user_id,
                     .by = event.by,
                     .command = joined(event.command)});
  note(step, *run, event.task.index);
  step.changes.effects.emplace_back(
      EnterAttempt{step.state.live.at(token).pool, {token, event.ticket, event.command}});
  return Applied{event.task.run};
}

bool is_held_open(const Task& task) {
  return task.state == TaskState::running && (task.reason.code == ReasonCode::held_open ||
                                              task.reason.code == ReasonCode::hold_released);
}

void on_attempt_held(Step& step, const AttemptHeld& event) {
  const auto at = find_attempt(step, event.hold.token);
  if (!at || !is_live(at->task->state) || at->companion != nullptr) return;
  if (at->task->state == TaskState::starting) mark_running(step, *at, step.now);
  // What was let go, or told to stop, stays so: the order may have been lost.
  if (at->task->reason.code == ReasonCode::hold_released)
    return release_hold(step, *at->run, at->index);
  if ((at->task->flags & kTaskStopAsked) != 0) return;
  const Outcome outcome = with_reason(event.hold.outcome);
  leave_hedgeable(step, *at->run, at->index);
  at->task->reason = {ReasonCode::held_open, shell_status(outcome),
                      event.hold.until.time_since_epoch().count()};
  at->task->percent = -1;
  at->run->make_extra(at->index).message = "its program " + describe(outcome.reason);
  note(step, *at->run, at->index);
}

void release_hold(Step& step, Run& run, std::uint32_t index) {
  Task& task = run.tasks[index];
  task.reason = {ReasonCode::hold_released, task.reason.b, 0};
  note(step, run, index);
  step.changes.effects.emplace_back(
      StopAttempt{task.token, step.state.live.at(task.token).pool, true, Duration{0}});
}

bool release_holds(Step& step, Run& run) {
  bool any = false;
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    if (!has_task(run, i) || !is_held_open(run.tasks[i])) continue;
    any = true;
    release_hold(step, run, i);
  }
  return any;
}

}  // namespace reeve::core
