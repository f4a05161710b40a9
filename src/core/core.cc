#include "core/core.h"

#include <algorithm>

#include "core/follow.h"
#include "core/step.h"

namespace reeve::core {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
// Clang 16 does not deduce aggregates by itself.
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

Result<Applied> dispatch(Step& step, const Event& event) {
  const Result<Applied> nothing = Applied{};
  return std::visit(
      Overloaded{
          [&](const SubmitRun& e) { return on_submit(step, e, {}); },
          [&](const SubmitAfter& e) { return on_submit(step, e.submission, e.after); },
          [&](const Cancel& e) { return on_cancel(step, e); },
          [&](const Pause& e) { return on_pause(step, e); },
          [&](const Approve& e) { return on_approve(step, e); },
          [&](const Retry& e) { return on_retry(step, e); },
          [&](const Enter& e) { return on_enter(step, e); },
          [&](const RetryHeld& e) { return on_retry_held(step, e); },
          [&](const AttemptHeld& e) { return on_attempt_held(step, e), nothing; },
          [&](const AttemptStarted& e) { return on_attempt_started(step, e), nothing; },
          [&](const AttemptProgressed& e) { return on_attempt_progressed(step, e), nothing; },
          [&](const AttemptEnded& e) { return on_attempt_ended(step, e), nothing; },
          [&](const AttemptSeen& e) { return on_attempt_seen(step, e), nothing; },
          [&](const ExecutorChanged& e) { return on_executor_changed(step, e), nothing; },
          [&](const ArtifactsCollected& e) { return on_artifacts_collected(step, e), nothing; },
          [&](const LaunchRejected& e) { return on_launch_rejected(step, e), nothing; },
          [&](const EngineStarted& e) { return on_engine_started(step, e), nothing; },
          [&](const CapacitySet& e) { return on_capacity_set(step, e), nothing; },
          [&](const RunReloaded&) { return nothing; },
          [&](const PolicySet& e) { return on_policy_set(step, e), nothing; },
          [&](const DrainNode& e) { return on_drain_node(step, e); },
          [&](const LoadObserved& e) { return on_load_observed(step, e), nothing; },
          [&](const Tick&) { return nothing; },
      },
      event);
}

}  // namespace

Core::Core(const std::vector<PoolSetup>& pools) : state_(pools) {}

Status Core::load(Snapshot snapshot) {
  for (StoredRun& run : snapshot.runs) {
    const std::string id = std::to_string(run.record.id.value);
    if (Status loaded = load_run(state_, std::move(run)); !loaded)
      return wrap(std::move(loaded).error(), "run " + id + " cannot be recovered");
  }
  TRY(check_followers(state_));
  TRY(state_.estimates.load(std::move(snapshot.estimates)));
  state_.planner.shares.restore(std::move(snapshot.usage), snapshot.last_now);
  for (DrainRecord& drain : snapshot.drains) {
    const auto pool = std::ranges::find(state_.pools, drain.node, &Pool::name);
    if (pool != state_.pools.end()) pool->drain = std::move(drain);
  }
  state_.next_run = std::max(state_.next_run, snapshot.last_run.value + 1);
  state_.next_token = std::max(state_.next_token, snapshot.last_token.value + 1);
  return {};
}

Status Core::reload(StoredRun run) {
  if (state_.find_run(run.record.id) != nullptr) return {};
  return load_run(state_, std::move(run));
}

Result<Applied> Core::apply(const Event& event, Time now) {
  Step step{state_, changes_, now};
  Result<Applied> applied = dispatch(step, event);
  settle(step);
  return applied;
}

void Core::plan(Time now) {
  Step step{state_, changes_, now};
  plan_again_ = plan_step(step);
  settle(step);
}

std::optional<Time> Core::next_wake() const {
  std::optional<Time> next = state_.timers.next();
  if (state_.next_probe != kNever && (!next || state_.next_probe < *next)) next = state_.next_probe;
  const Time opens = state_.planner.waiting.empty() ? kNever : state_.planner.wake();
  if (opens != kNever && opens != kUnset && (!next || opens < *next)) next = opens;
  if (state_.next_hedge != kNever && (!next || state_.next_hedge < *next)) next = state_.next_hedge;
  if (state_.next_batch != kNever && (!next || state_.next_batch < *next)) next = state_.next_batch;
  return next;
}

void Core::clear_changes() {
  for (const TaskId id : changes_.tasks) {
    if (Task* task = state_.find_task(id); task != nullptr)
      task->flags = static_cast<std::uint8_t>((task->flags & ~kTaskDirty) | kTaskStored);
  }
  for (const RunId id : changes_.runs) {
    Run* run = state_.find_run(id);
    if (run == nullptr) continue;
    run->dirty = false;
    if (!is_final(run->record.state)) continue;
    // The last run of a workflow takes the workflow's entry with it.
    if (run->record.workflow.use_count() == 1) state_.workflows.erase(run->record.workflow->digest);
    state_.drop_run(id);
  }
  for (const EstimateId id : changes_.estimates) state_.estimates.written(id);
  state_.planner.shares.forget_touched();
  changes_.clear();
}

}  // namespace reeve::core
