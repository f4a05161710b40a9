// Internal to core/: one step's working set and the handlers that act on it. Each handler does one
// thing to State and notes it in Changes; nothing here is visible outside the folder.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/changes.h"
#include "core/event.h"
#include "core/state.h"

namespace reeve::core {

struct Step {
  State& state;
  Changes& changes;
  Time now;
  /// Whose dependents have not been looked at: no recursion, a chain may be a million groups long.
  std::vector<std::pair<RunId, GroupIndex>> done_groups{};
  std::vector<Flight> landed{};     ///< whose leaders have ended; as done_groups
  std::vector<RunId> ended_runs{};  ///< whose followers have not been told; as done_groups
};

// step.cc: marking and state changes -------------------------------------------------------------
void mark(Step& step, Run& run);
void mark_task(Step& step, Run& run, std::uint32_t index);
/// Moves a task along a row of the transition table, notes and marks it.
void change_task(Step& step, Run& run, std::uint32_t index, TaskState to, Reason reason);
void change_run(Step& step, Run& run, RunState to, Reason reason);
/// As change_task to a final state, and counts it in its group.
void finish_task(Step& step, Run& run, std::uint32_t index, TaskState to, Reason reason);
/// Sets the task's timer.
void set_timer(Step& step, const Run& run, std::uint32_t index, Time at);
/// Puts the task into the ready queue: from blocked, retry_wait or paused.
void queue_task(Step& step, Run& run, std::uint32_t index, Reason reason);
/// Its queue. REQUIRES that its group was released.
const std::string& queue_of(const State& state, const Run& run, std::uint32_t index);
/// A run whose queued tasks must not start now.
bool is_held(const Run& run);

// build.cc: a run from its workflow --------------------------------------------------------------
/// Groups and static tasks, all blocked. invalid_argument when it has too many tasks.
Status build_run(Run& run);
/// Gives an unexpanded group its tasks; records it.
void expand_group(Run& run, GroupIndex group, std::vector<spec::Json> items);
/// The items of an expansion as stored, and back.
std::string items_text(const std::vector<spec::Json>& items);

// graph.cc: readiness ----------------------------------------------------------------------------
enum class GroupResult : std::uint8_t { success, failure, cancelled, skipped };
GroupResult result_of(const Group& group);
std::string_view name(GroupResult result);
/// Its needs are met (or it has none): queue, skip, expand or ask for approval.
void release_group(Step& step, Run& run, GroupIndex group);
/// Ends every task of a group that was not released: skipped, cancelled or aborted.
void end_unreleased_group(Step& step, Run& run, GroupIndex group, TaskState to, Reason reason);
/// When a group that is not released, though its needs are met, will be; kUnset: it has no delay.
Time delayed_until(const Run& run, GroupIndex group);
/// Finds or makes the ready class of a group; after an error in its concurrency, one without that.
Status classify_group(State& state, Run& run, GroupIndex group);
/// Releases every group that can be: after admission, recovery and retry.
void release_ready_groups(Step& step, Run& run);
/// When a deadline of the run or of one of its groups ends what is left; kNever: there is none, or
/// it had passed before a person retried the run, who meant it.
Time deadline_at(const Run& run, const std::optional<Duration>& limit, Time now);
/// Works off what the step has left: all three lists above.
void settle(Step& step);
/// Pushes all queued tasks of the run into the ready queue again: after a hold, at its end.
void requeue_tasks(Step& step, Run& run);
void requeue_all(Step& step);  ///< those of all runs, with the age that they have
/// Evaluates the run's concurrency group. An error refuses the submission.
Status know_admission(State& state, Run& run);
/// Takes the run's concurrency group if it has room. True: its tasks may go.
bool try_admit(Step& step, Run& run);

// attempts.cc ------------------------------------------------------------------------------------
/// What belongs to the present attempt of a task.
struct Found {
  LiveAttempt* live = nullptr;
  Run* run = nullptr;
  Task* task = nullptr;
  std::uint32_t index = 0;
  Companion* companion = nullptr;  ///< not null: it is this one, not that which the task names
};
/// The attempt that a token belongs to, or nothing: the report is stale.
std::optional<Found> find_attempt(Step& step, Token token);
/// The executor says that its process runs.
void mark_running(Step& step, const Found& at, Time started_at);
/// The outcome's reason, filled in where the executor left it open.
Outcome with_reason(Outcome outcome);
void on_attempt_started(Step& step, const AttemptStarted& event);
void on_attempt_progressed(Step& step, const AttemptProgressed& event);
void on_attempt_ended(Step& step, const AttemptEnded& event);
void on_attempt_seen(Step& step, const AttemptSeen& event);
void on_artifacts_collected(Step& step, const ArtifactsCollected& event);
void on_launch_rejected(Step& step, const LaunchRejected& event);
void on_executor_changed(Step& step, const ExecutorChanged& event);
// predict.cc -------------------------------------------------------------------------------------
/// An attempt has ended: its kind is known better. Without a verdict on its files `judged` is
/// false, and learn_from_verdict() follows.
struct Ended {
  const AttemptEnd& end;
  const Outcome& outcome;
  bool judged = true;
};
void learn_from_end(Step& step, const Found& at, const Ended& ended);
void learn_from_verdict(Step& step, const Found& at, const Outcome& outcome);

/// Asks the executor to end the task's attempt. `flags`: kTaskStop… bits beside kTaskStopAsked.
struct StopOrder {
  std::uint8_t flags = 0;
  bool kill = false;
  Duration grace{-1};  ///< negative: the task's own
  Reason reason;
};
void stop_attempt(Step& step, Run& run, std::uint32_t index, const StopOrder& order);
/// Ends a task that is not final, however far it is: at once, or by stopping its attempt.
void end_task(Step& step, Run& run, std::uint32_t index, TaskState to, const StopOrder& order);

/// Frees what the attempt holds; staged attempts move up.
void release_places(Step& step, const Found& at);
/// What its end says of kind, target and node. `is_one_of_two`: or the other says it.
void note_for_circuits(Step& step, const Found& at, const Outcome& outcome, bool is_one_of_two);
void forget(Step& step, Token token, PoolId pool);
AttemptRecord attempt_record(const Found& at, const AttemptEnd& end, const Outcome& outcome);
/// The last attempt of a task that still lived has ended so: its files are collected, or the end is
/// judged. Gives why it is tried again or not.
struct LastEnd {
  Token token;
  PoolId pool;
  Outcome outcome;
  bool ran = false;
  std::uint64_t random = 0;
};
/// Whether files are to be collected before such an end is judged.
bool collects(const Run& run, std::uint32_t index, const Outcome& outcome, bool ran);
Reason take_last_end(Step& step, Run& run, std::uint32_t index, const LastEnd& end);

// hedge.cc: second attempts of tasks that take too long ------------------------------------------
/// The second attempt that lives, or has won; null: there is none.
const Companion* companion_of(const Run& run, std::uint32_t index);
Companion* companion_of(Run& run, std::uint32_t index);
/// Whether the task may be given one, when it is due.
bool may_hedge(const Run& run, std::uint32_t index);
/// Notes, or notes no more, that it may: before and after whatever may_hedge() asks for changes.
void leave_hedgeable(Step& step, const Run& run, std::uint32_t index);
void join_hedgeable(Step& step, const Run& run, std::uint32_t index);
/// One of two live attempts has ended, or the one whose companion has won.
void on_one_of_two_ended(Step& step, const Found& at, const AttemptEnded& event);
/// Second attempts for what is due, where there is room that nobody waits for. After all starts.
void start_hedges(Step& step);

// hold.cc: sandboxes that people enter, or that are kept open for them --------------------------
Result<Applied> on_enter(Step& step, const Enter& event);
void on_attempt_held(Step& step, const AttemptHeld& event);
/// Its program has failed, and its sandbox is kept open, or being let go.
bool is_held_open(const Task& task);
/// Lets the sandbox of such a task go: its attempt ends as its program did.
void release_hold(Step& step, Run& run, std::uint32_t index);
/// Those of a run. Whether there was any.
bool release_holds(Step& step, Run& run);

/// Ends all that is not final of a run; `finally` still runs unless killed or begun.
void end_tasks(Step& step, Run& run, TaskState to, const StopOrder& order);

// requests.cc ------------------------------------------------------------------------------------
Result<Applied> on_submit(Step& step, const SubmitRun& event, const std::vector<RunAfter>& after);
Result<Applied> on_cancel(Step& step, const Cancel& event);
Result<Applied> on_pause(Step& step, const Pause& event);
Result<Applied> on_approve(Step& step, const Approve& event);
Result<Applied> on_retry(Step& step, const Retry& event);
Result<Applied> on_retry_held(Step& step, const RetryHeld& event);
/// A run that is there and has not ended.
Result<Run*> live_run(Step& step, RunId id);
/// Not one that an expansion of before has left behind.
bool has_task(const Run& run, std::uint32_t index);

// recover.cc -------------------------------------------------------------------------------------
Status load_run(State& state, StoredRun stored);
void on_engine_started(Step& step, const EngineStarted& event);
void on_capacity_set(Step& step, const CapacitySet& event);

// policy.cc: queues, shares, limits; nodes.cc: saturated and drained machines --------------------
void on_load_observed(Step& step, const LoadObserved& event);
Result<Applied> on_drain_node(Step& step, const DrainNode& event);
void note_start_time(Step& step, const LiveAttempt& live, Time started_at);
void heed_load(State& state, PoolId pool);  ///< gives it to the planner, by the present policy
void on_policy_set(Step& step, const PolicySet& event);
/// Why the submission would be beyond what its queue or user may have; {}: it is not.
Status check_quota(const State& state, const Run& run, Time now);
/// Counts groups and phases anew from the tasks.
void recount(Run& run);

// plan.cc ----------------------------------------------------------------------------------------
/// True when it stopped at kStartsPerPlanMax.
bool plan_step(Step& step);

}  // namespace reeve::core
