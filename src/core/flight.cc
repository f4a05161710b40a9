#include "core/flight.h"

#include <algorithm>

#include "core/launch.h"

namespace reeve::core {
namespace {

const spec::Policy& policy_for(const Run& run, std::uint32_t index) {
  return run.workflow().policy_of(run.group_spec(run.tasks[index].group));
}

/// What it would execute; nothing: it shares with nobody, or cannot be rendered.
std::optional<Digest> digest_for(const State& state, const Run& run, std::uint32_t index) {
  if (!policy_for(run, index).single_flight) return std::nullopt;
  const TaskExtra* const extra = run.extra(index);
  // What is to be looked at when it fails is a person's.
  if (extra != nullptr && extra->hold > Duration{0}) return std::nullopt;
  const TaskId id{run.record.id, index};
  Result<Launch> launch = render_launch(state, {.task = id});
  if (!launch) return std::nullopt;
  launch->task = {};
  launch->run = {};
  std::erase_if(launch->environment,
                [](const auto& entry) { return entry.first == "REEVE_TASK_ID"; });
  std::string bytes;
  Writer writer(bytes);
  encode(writer, *launch);
  for (const auto& [name, value] : launch->secrets) encode(writer, name);
  encode(writer, run.record.origin->submitter);
  const spec::TaskGroup& group = run.group_spec(run.tasks[index].group);
  if (!group.detail || group.detail->artifacts.empty()) return digest_of(bytes);
  const ExpressionData data = expression_data(state, run, run.tasks[index].group, index);
  for (const spec::Artifact& artifact : group.detail->artifacts) {
    const Result<std::string> path = artifact.path.render(data.context());
    if (!path) return std::nullopt;
    encode(writer, artifact.name);
    encode(writer, *path);
    encode(writer, static_cast<std::uint8_t>(artifact.when));
  }
  return digest_of(bytes);
}

void follow(Flight& flight, TaskId id) {
  if (std::ranges::find(flight.followers, id) == flight.followers.end())
    flight.followers.push_back(id);
}

Reason reason_of(ReasonCode code, TaskId leader) {
  return {code, static_cast<std::int32_t>(leader.index), leader.run.value};
}

void note_reason(Step& step, Run& run, std::uint32_t index, Reason reason) {
  run.tasks[index].reason = reason;
  mark_task(step, run, index);
  step.changes.progressed.push_back({run.record.id, index});
}

/// Those of the followers that still wait for this leader.
bool waits_for(const Run* run, TaskId follower, TaskId leader) {
  return run != nullptr && follower.index < run->tasks.size() &&
         run->tasks[follower.index].state == TaskState::queued &&
         run->tasks[follower.index].reason == reason_of(ReasonCode::shared_waits, leader);
}

void take_over(Step& step, Run& run, std::uint32_t index, TaskId leader) {
  const Run& from = *step.state.find_run(leader.run);
  if (const TaskExtra* const extra = from.extra(leader.index); extra != nullptr) {
    const std::vector<OutputValue> outputs = extra->outputs;
    const std::vector<OutputValue> artifacts = extra->artifacts;
    TaskExtra& own = run.make_extra(index);
    own.outputs = outputs;
    own.artifacts = artifacts;
  }
  run.tasks[index].outcome = OutcomeClass::exited;
  run.tasks[index].code = 0;
  finish_task(step, run, index, TaskState::succeeded, reason_of(ReasonCode::shared_result, leader));
}

}  // namespace

bool join_flight(Step& step, Run& run, std::uint32_t index) {
  if (step.state.flights.empty()) return false;
  const auto digest = digest_for(step.state, run, index);
  const auto flight = digest ? step.state.flights.find(*digest) : step.state.flights.end();
  if (flight == step.state.flights.end()) return false;
  follow(flight->second, {run.record.id, index});
  note_reason(step, run, index, reason_of(ReasonCode::shared_waits, flight->second.leader));
  return true;
}

bool rejoin_flight(Step& step, const Run& run, std::uint32_t index) {
  if (run.tasks[index].reason.code != ReasonCode::shared_waits) return false;
  const auto digest = digest_for(step.state, run, index);
  const auto flight = digest ? step.state.flights.find(*digest) : step.state.flights.end();
  if (flight == step.state.flights.end()) return false;
  if (run.tasks[index].reason != reason_of(ReasonCode::shared_waits, flight->second.leader))
    return false;
  follow(flight->second, {run.record.id, index});
  return true;
}

void take_off(State& state, const Run& run, std::uint32_t index) {
  if (!policy_for(run, index).single_flight) return;
  const auto digest = digest_for(state, run, index);
  const TaskId id{run.record.id, index};
  if (digest && state.flights.try_emplace(*digest, Flight{id, {}}).second)
    state.flying.emplace(id, *digest);
}

void land(Step& step, const Run& run, std::uint32_t index) {
  if (step.state.flying.empty()) return;
  const auto flying = step.state.flying.find({run.record.id, index});
  if (flying == step.state.flying.end()) return;
  auto flight = step.state.flights.extract(flying->second);
  step.state.flying.erase(flying);
  if (!flight.mapped().followers.empty()) step.landed.push_back(std::move(flight.mapped()));
}

void settle_flight(Step& step, const Flight& landed) {
  const Task* const leader = step.state.find_task(landed.leader);
  const bool is_well = leader != nullptr && leader->state == TaskState::succeeded;
  for (const TaskId id : landed.followers) {
    Run* const run = step.state.find_run(id.run);
    if (!waits_for(run, id, landed.leader)) continue;
    // One that is held takes part in nothing until it is let go; then it is in the queue again.
    if (is_well && !is_held(*run)) {
      take_over(step, *run, id.index, landed.leader);
      continue;
    }
    note_reason(step, *run, id.index, {});
    if (is_held(*run)) continue;
    const Task& task = run->tasks[id.index];
    step.state.planner.waiting.push(run->groups[task.group.value].ready_class, {id, 1},
                                    task.queued_at);
  }
}

}  // namespace reeve::core
