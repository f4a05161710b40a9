// Learning from what ends, and looking up what was learned.
#include "core/predict.h"

#include "core/step.h"

namespace reeve::core {

const schedule::Estimate* estimate_of(const State& state, const Run& run, GroupIndex group) {
  return state.estimates.find(run.group_spec(group).likeness);
}

std::optional<Duration> predicted_length(const State& state, const Run& run, GroupIndex group) {
  const schedule::Estimate* const estimate = estimate_of(state, run, group);
  if (estimate != nullptr) {
    if (const auto median = estimate->run_time(0.5)) return median;
  }
  const Duration limit = run.workflow().policy_of(run.group_spec(group)).timeouts.run;
  if (limit > Duration{0}) return limit;
  return std::nullopt;
}

namespace {

schedule::Estimate& touch_estimate(Step& step, const Run& run, const spec::TaskGroup& group) {
  EstimateRecord& record =
      step.state.estimates.touch(group.likeness, {run.workflow().name, group.id});
  if (step.state.estimates.note(record.id)) step.changes.estimates.push_back(record.id);
  return record.estimate;
}

}  // namespace

void learn_from_end(Step& step, const Found& at, const Ended& ended) {
  // What somebody stopped says nothing of its kind.
  const bool stopped = (at.task->flags & kTaskStopAsked) != 0;
  if (stopped && !ended.outcome.is_success()) return;
  const spec::TaskGroup& group = at.run->group_spec(at.task->group);
  schedule::Estimate& estimate = touch_estimate(step, *at.run, group);
  if (ended.outcome.is_success() && ended.end.started_at != kUnset) {
    const Duration took = ended.end.ended_at - ended.end.started_at;
    schedule::Nodes& nodes = step.state.planner.nodes;
    const schedule::NodeId node = step.state.pools[at.live->pool.value].node;
    const auto expected = estimate.run_time(0.5);
    // A node alone is as fast as usual, whatever it is.
    if (expected && nodes.size() > 1) nodes.observe_run(node, took, *expected);
    estimate.add_run(nodes.usual_length(node, took), ended.end.usage.memory_peak_bytes);
  }
  if (ended.judged) estimate.add_end(ended.outcome);
}

void learn_from_verdict(Step& step, const Found& at, const Outcome& outcome) {
  const spec::TaskGroup& group = at.run->group_spec(at.task->group);
  touch_estimate(step, *at.run, group).add_end(outcome);
}

}  // namespace reeve::core
