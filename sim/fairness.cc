#include "sim/fairness.h"

#include <fmt/format.h>

#include "schedule/planner.h"

namespace reeve::sim {

Fairness::Kind Fairness::kind_of(const RunImage& run, GroupIndex index) {
  const spec::TaskGroup& group = run.spec_of(index);
  const spec::Policy& policy = run.policy_of(index);
  Kind kind{.priority = run.priority + policy.priority, .request = policy.resources};
  if (run.workflow->deadline) kind.deadline = run.submitted_at + *run.workflow->deadline;
  if (group.detail && group.detail->deadline)
    kind.deadline = std::min(kind.deadline, run.submitted_at + *group.detail->deadline);
  return kind;
}

Fairness::Arrivals Fairness::arrivals(const Kind& kind, Time since) {
  // How long it is thought to run we do not know: that makes a deadline more pressing.
  const schedule::ClassKey key{.priority = kind.priority, .deadline = kind.deadline};
  const OrderWeights weights;
  const schedule::HeadStart start = schedule::head_start(weights, key, since);
  const Duration most = kind.deadline == kNever ? Duration{0} : weights.deadline;
  return {since - start.priority - most, since - start.sum()};
}

bool Fairness::waits_for_place_only(const RunImage& run, GroupIndex index) {
  const spec::TaskGroup& group = run.spec_of(index);
  if (!run.policy_of(index).locks.empty() || run.workflow->concurrency) return false;
  if (run.policy_of(index).batch.max_wait > Duration{0}) return false;
  if (run.policy_of(index).single_flight) return false;
  return !group.detail || (!group.detail->concurrency && group.detail->max_parallel == 0);
}

void Fairness::note_holds(const core::State& state, Time now) {
  std::map<RunId, Time> free;
  state.each_run([&](const core::Run& run) {
    if (run.record.paused || run.record.interrupted || !run.admitted) return;
    const auto before = free_since_.find(run.record.id);
    free.emplace(run.record.id, before == free_since_.end() ? now : before->second);
  });
  free_since_ = std::move(free);
}

Time Fairness::since(const core::Task& task, RunId run) const {
  const auto free = free_since_.find(run);
  return free == free_since_.end() ? task.queued_at : std::max(task.queued_at, free->second);
}

void Fairness::find_oldest(const core::State& state, const Model& model, Waiting& found) const {
  const Resources& capacity = state.capacity_of(PoolId{});
  for (const auto& [id, free] : free_since_) {
    const core::Run* run = state.find_run(id);
    const RunImage* image = model.find(id);
    if (run == nullptr || image == nullptr) continue;
    for (std::uint32_t g = 0; g < run->groups.size(); ++g) {
      const core::Group& group = run->groups[g];
      if (!group.released || group.open == 0 || !waits_for_place_only(*image, {g})) continue;
      if (!capacity.covers(image->policy_of({g}).resources)) continue;
      for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
        const core::Task& task = run->tasks[i];
        if (task.state != core::TaskState::queued) continue;
        const Oldest candidate{{id, i}, since(task, id), 0};
        const auto [place, is_first] = found.try_emplace(kind_of(*image, {g}), candidate);
        if (!is_first && candidate.since < place->second.since) place->second = candidate;
      }
    }
  }
}

std::string Fairness::complaint(const core::State& state, const Oldest& oldest, TaskId by) const {
  const core::Run& run = *state.find_run(oldest.task.run);
  const schedule::ClassId id = run.groups[run.tasks[oldest.task.index].group.value].ready_class;
  const TaskId head = state.planner.waiting.head(id);
  return fmt::format(
      "task {}.{}, which asks for {} and waits since {}, was passed over {} times, last by {}.{}; "
      "its class counts {}, begins with {}.{} and is one of {}",
      oldest.task.run.value, oldest.task.index,
      format_resources(
          state.planner.nodes.demand(state.planner.waiting.key(id).demand).variants.front()),
      format_time(oldest.since), oldest.overtaken, by.run.value, by.index,
      state.planner.waiting.overtaken(id), head.run.value, head.index,
      state.planner.waiting.order(state.planner.waiting.key(id).leaf).size());
}

std::string Fairness::on_commit(const core::State& state, const Model& model,
                                const std::vector<Token>& issued) {
  note_holds(state, model.last_now());
  if (issued.empty()) return {};
  Waiting now;
  find_oldest(state, model, now);
  // The bound is on the first of each line: who stands behind it is passed over as often again.
  std::erase_if(now, [&](const auto& entry) {
    const TaskId task = entry.second.task;
    const core::Run& run = *state.find_run(task.run);
    const schedule::ClassId id = run.groups[run.tasks[task.index].group.value].ready_class;
    return state.planner.waiting.waiting(id) == 0 || state.planner.waiting.head(id) != task;
  });
  for (auto& [kind, oldest] : now) {
    const auto before = waiting_.find(kind);
    if (before != waiting_.end() && before->second.task == oldest.task &&
        before->second.since == oldest.since)
      oldest.overtaken = before->second.overtaken;
  }
  waiting_ = std::move(now);
  for (const Token token : issued) {
    const TaskId id = model.attempts().at(token).task;
    const RunImage& run = *model.find(id.run);
    const core::Task& task = run.tasks[id.index].row;
    // It has the place of another, which was counted.
    if (task.reason.code == ReasonCode::in_batch) continue;
    const Kind kind = kind_of(run, task.group);
    const core::Run* started = state.find_run(id.run);
    const bool has_length =
        started != nullptr &&
        state.planner.waiting.length(started->groups[task.group.value].ready_class) >= Duration{0};
    const std::uint32_t most = has_length ? schedule::kBackfillsMax : schedule::kOvertakesMax;
    const Time place = arrivals(kind, since(task, id.run)).earliest;
    for (auto& [other, oldest] : waiting_) {
      const bool is_before = arrivals(other, oldest.since).latest < place;
      if (is_before && ++oldest.overtaken > most) return complaint(state, oldest, id);
    }
  }
  return {};
}

}  // namespace reeve::sim
