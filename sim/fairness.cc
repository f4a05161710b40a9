#include "sim/fairness.h"

#include <fmt/format.h>

#include "schedule/ready_queue.h"

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

bool Fairness::waits_for_place_only(const RunImage& run, GroupIndex index) {
  const spec::TaskGroup& group = run.spec_of(index);
  if (!run.policy_of(index).locks.empty() || run.workflow->concurrency) return false;
  return !group.detail || (!group.detail->concurrency && group.detail->max_parallel == 0);
}

void Fairness::find_oldest(const core::State& state, const Model& model, Waiting& found) {
  state.each_run([&](const core::Run& run) {
    if (run.record.paused || run.record.interrupted || !run.admitted) return;
    const RunImage* image = model.find(run.record.id);
    if (image == nullptr) return;
    for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
      const core::Group& group = run.groups[g];
      if (!group.released || group.open == 0 || !waits_for_place_only(*image, {g})) continue;
      if (!state.pools.front().ledger.could_ever_fit(image->policy_of({g}).resources)) continue;
      for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
        const core::Task& task = run.tasks[i];
        if (task.state != core::TaskState::queued) continue;
        const Kind kind = kind_of(*image, {g});
        const auto [place, is_first] =
            found.try_emplace(kind, Oldest{{run.record.id, i}, task.queued_at, 0});
        if (!is_first && task.queued_at < place->second.queued_at)
          place->second = {{run.record.id, i}, task.queued_at, 0};
        break;  // the others of the group are as old or wait for a retry
      }
    }
  });
}

std::string Fairness::on_issued(const core::State& state, const Model& model,
                                const std::vector<Token>& issued) {
  if (issued.empty()) return {};
  Waiting now;
  find_oldest(state, model, now);
  for (auto& [kind, oldest] : now) {
    const auto before = waiting_.find(kind);
    if (before != waiting_.end() && before->second.task == oldest.task &&
        before->second.queued_at == oldest.queued_at)
      oldest.overtaken = before->second.overtaken;
  }
  waiting_ = std::move(now);
  for (const Token token : issued) {
    const TaskId id = model.attempts().at(token).task;
    const RunImage& run = *model.find(id.run);
    const core::Task& task = run.tasks[id.index].row;
    const Kind kind = kind_of(run, task.group);
    for (auto& [other, oldest] : waiting_) {
      const bool is_before = std::tuple{-other.priority, other.deadline, oldest.queued_at} <
                             std::tuple{-kind.priority, kind.deadline, task.queued_at};
      if (!is_before || ++oldest.overtaken <= schedule::kOvertakesMax) continue;
      return fmt::format("task {}.{} was passed over {} times, last by {}.{}",
                         oldest.task.run.value, oldest.task.index, oldest.overtaken, id.run.value,
                         id.index);
    }
  }
  return {};
}

}  // namespace reeve::sim
