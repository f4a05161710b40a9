// Recovery and the end: what a new engine makes of the rows, what is left when the world rests, and
// whether the store gives back what was written.
#include <fmt/format.h>

#include "core/explain.h"
#include "sim/checker.h"

namespace reeve::sim {

using core::TaskState;

namespace {

/// The part of a task that must survive a crash.
std::string durable_part(const core::Task& task) {
  return fmt::format(
      "{} outcome {} flags {} attempt {} charged {} group {} code {} token {} "
      "since {} wake {} queued {} started {} reason {}",
      name(task.state), name(task.outcome), task.flags & core::kTaskFlagsStored, task.attempt,
      task.charged, task.group.value, task.code, task.token.value, format_time(task.since),
      format_time(task.wake_at), format_time(task.queued_at), format_time(task.started_at),
      name(task.reason.code));
}

bool is_equal(const core::Task& a, const core::Task& b) {
  return a.state == b.state && a.outcome == b.outcome &&
         (a.flags & core::kTaskFlagsStored) == (b.flags & core::kTaskFlagsStored) &&
         a.attempt == b.attempt && a.charged == b.charged && a.group == b.group &&
         a.code == b.code && a.token == b.token && a.since == b.since && a.wake_at == b.wake_at &&
         a.queued_at == b.queued_at && a.started_at == b.started_at && a.batch == b.batch &&
         a.reason == b.reason;
}

bool is_equal(const core::RunAfterList& list, const std::vector<core::RunAfter>& image) {
  return list == nullptr ? image.empty() : *list == image;
}

}  // namespace

/// What took over another's result: that was executed, and ended well, and both allow it.
void Checker::check_shared(const engine::TaskRow& row, const RunImage& run) {
  const Reason& reason = row.task->reason;
  const RunImage* const from = model_.find(RunId{static_cast<std::uint32_t>(reason.a)});
  const auto index = static_cast<std::size_t>(std::max(reason.b, 0));
  if (from == nullptr || index >= from->tasks.size()) {
    complain("shared", row.id, "took over the result of a task that is not there");
    return;
  }
  const TaskImage& leader = from->tasks[index];
  const AttemptImage* const attempt = model_.find_attempt(leader.decided_by);
  if (attempt == nullptr || !attempt->outcome.is_success())
    complain("shared", row.id, "took over a result though that did not succeed");
  if (!run.policy_of(row.task->group).single_flight ||
      !from->policy_of(leader.row.group).single_flight)
    complain("shared", row.id, "took over a result without single_flight");
}

void Checker::compare_run(const core::Run& run, const RunImage& image) {
  const std::uint32_t id = run.record.id.value;
  if (run.record.state != image.state || run.record.round != image.round ||
      run.record.paused != image.paused || run.record.uuid != image.uuid ||
      run.record.cancel_requested != image.cancel_requested ||
      !is_equal(run.record.after, image.after) || run.tasks.size() != image.tasks.size())
    basics_.verdict.fail("recovery", fmt::format("run {} is not recovered as it was", id));
  for (std::uint32_t i = 0; i < std::min(run.tasks.size(), image.tasks.size()); ++i) {
    const core::TaskExtra* extra = run.extra(i);
    const core::Companion second = extra != nullptr ? extra->hedging.companion : core::Companion{};
    if (second != image.tasks[i].hedging.companion)
      complain("recovery", {run.record.id, i}, "its second attempt is not recovered as it was");
    if (image.tasks[i].stored && !is_equal(run.tasks[i], image.tasks[i].row))
      complain("recovery", {run.record.id, i},
               fmt::format("is recovered as\n  {}, but was stored as\n  {}",
                           durable_part(run.tasks[i]), durable_part(image.tasks[i].row)));
  }
}

void Checker::on_recovered(const core::State& after, const core::State* before) {
  fairness_.forget();
  is_recovering_ = true;
  std::size_t open = 0;
  for (const auto& [id, image] : model_.runs()) {
    if (core::is_final(image.state)) continue;
    ++open;
    const core::Run* run = after.find_run(id);
    if (run == nullptr)
      basics_.verdict.fail("recovery", fmt::format("run {} is not recovered", id.value));
    else
      compare_run(*run, image);
  }
  if (after.run_count() != open)
    basics_.verdict.fail(
        "recovery", fmt::format("{} runs are recovered, {} were open", after.run_count(), open));
  if (before != nullptr) compare_states(after, *before);
}

void Checker::compare_states(const core::State& after, const core::State& before) {
  before.each_run([&](const core::Run& old) {
    if (core::is_final(old.record.state)) return;
    const core::Run* run = after.find_run(old.record.id);
    if (run == nullptr || run->tasks.size() != old.tasks.size()) {
      basics_.verdict.fail("recovery", fmt::format("run {} has lost tasks", old.record.id.value));
      return;
    }
    for (std::uint32_t i = 0; i < old.tasks.size(); ++i) {
      if ((old.tasks[i].flags & core::kTaskStored) != 0 && !is_equal(run->tasks[i], old.tasks[i]))
        complain("recovery", {old.record.id, i},
                 fmt::format("is recovered as\n  {}, but was in memory\n  {}",
                             durable_part(run->tasks[i]), durable_part(old.tasks[i])));
    }
    for (std::uint32_t g = 0; g < old.groups.size(); ++g) {
      const core::Group& a = old.groups[g];
      const core::Group& b = run->groups[g];
      if (a.expanded != b.expanded || a.done != b.done || a.failed != b.failed ||
          a.cancelled != b.cancelled || a.skipped != b.skipped || a.count != b.count)
        basics_.verdict.fail(
            "recovery", fmt::format("group {} of run {} is not as it was", g, old.record.id.value));
    }
  });
}

void Checker::on_rest(const std::function<std::string(const RunImage&)>& may_wait) {
  for (const auto& [id, uuid] : acknowledged_) {
    const RunImage* run = model_.find(id);
    if (run == nullptr || run->uuid != uuid)
      basics_.verdict.fail("lost_work",
                           fmt::format("run {} was acknowledged and is gone", id.value));
  }
  for (const auto& [id, run] : model_.runs()) {
    if (core::is_final(run.state) || !may_wait(run).empty()) continue;
    basics_.verdict.fail("ends_at_last",
                         fmt::format("run {} never ends\n{}", id.value, Model::describe(run)));
  }
  if (!alive_.empty())
    basics_.verdict.fail("leftovers", fmt::format("{} processes never end", alive_.size()));
}

void Checker::check_explanations(const core::State& state, Time now) {
  // Of a run with many tasks some at each commit, others at the next.
  constexpr std::size_t kTasksAtOnce = 48;
  state.each_run([&](const core::Run& run) {
    const std::size_t stride = run.tasks.size() / kTasksAtOnce + 1;
    const auto first = static_cast<std::uint32_t>(model_.commits() % stride);
    for (std::uint32_t i = first; i < run.tasks.size(); i += static_cast<std::uint32_t>(stride)) {
      const core::Explanation why = core::explain_task(state, {run.record.id, i}, now);
      if (why.sentence.empty() ||
          (why.reason.code == ReasonCode::none && run.tasks[i].state != TaskState::succeeded))
        complain("explained", {run.record.id, i},
                 fmt::format("is {} and cannot say why", name(run.tasks[i].state)));
    }
    if (core::explain_run(state, run.record.id, now).sentence.empty())
      basics_.verdict.fail("explained",
                           fmt::format("run {} cannot say what it does", run.record.id.value));
  });
}

void Checker::check_store(engine::Store& store) {
  for (const auto& [id, image] : model_.runs()) {
    const Result<core::StoredRun> stored = store.load_run(id);
    if (!stored || stored->record.state != image.state || stored->record.uuid != image.uuid ||
        stored->record.round != image.round || !is_equal(stored->record.after, image.after)) {
      basics_.verdict.fail("store", fmt::format("run {} is not stored as it was", id.value));
      continue;
    }
    std::size_t rows = 0;
    for (const TaskImage& task : image.tasks) rows += task.stored ? 1 : 0;
    if (stored->tasks.size() != rows)
      basics_.verdict.fail("store", fmt::format("run {} has {} rows, {} were written", id.value,
                                                stored->tasks.size(), rows));
    for (const core::StoredTask& task : stored->tasks) {
      const TaskImage* known = model_.find(task.id);
      if (known == nullptr || !is_equal(task.task, known->row))
        complain("store", task.id, "is not stored as it was");
    }
  }
}

}  // namespace reeve::sim
