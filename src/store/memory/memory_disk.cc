#include "store/memory/memory_disk.h"

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve::store::memory {

using core::RunRecord;
using core::StoredTask;

RunRecord copy_of(const RunRecord& run) {
  RunRecord copy;
  copy.id = run.id;
  copy.state = run.state;
  copy.paused = run.paused;
  copy.cancel_requested = run.cancel_requested;
  copy.interrupted = run.interrupted;
  copy.priority = run.priority;
  copy.round = run.round;
  copy.uuid = run.uuid;
  copy.submitted_at = run.submitted_at;
  copy.started_at = run.started_at;
  copy.ended_at = run.ended_at;
  copy.reason = run.reason;
  copy.workflow = run.workflow;
  copy.origin = run.origin;
  copy.inputs = run.inputs;
  if (run.texts != nullptr) copy.texts = std::make_unique<core::RunTexts>(*run.texts);
  copy.after = core::copy_of(run.after);
  return copy;
}

StoredTask copy_of(const StoredTask& task) {
  StoredTask copy{task.id, task.task, nullptr};
  if (task.extra != nullptr) copy.extra = std::make_unique<core::TaskExtra>(*task.extra);
  return copy;
}

const DiskRun* MemoryDisk::find(RunId run) const {
  if (run.value == 0 || run.value > runs_.size()) return nullptr;
  const DiskRun& found = runs_[run.value - 1];
  return found.record.id == run ? &found : nullptr;
}

Status MemoryDisk::check(const engine::Commit& commit) const {
  for (const RunRecord* const run : commit.runs) {
    if (run->texts == nullptr || run->texts->idempotency_key.empty()) continue;
    const auto holder = keys_.find(run->texts->idempotency_key);
    if (holder == keys_.end() || holder->second == run->id) continue;
    return fail(ErrorCode::conflict, fmt::format("run {} has the idempotency key '{}' already",
                                                 holder->second.value, holder->first));
  }
  return {};
}

void MemoryDisk::apply(const engine::Commit& commit) {
  for (const auto& workflow : commit.workflows) workflows_.emplace(workflow->digest, workflow);
  for (const RunRecord* const run : commit.runs) put_run(*run);
  for (const engine::TaskRow& row : commit.tasks) put_task(row);
  for (const core::Expansion& expansion : commit.expansions) {
    ENSURE(find(expansion.run) != nullptr);
    runs_[expansion.run.value - 1].expansions.push_back(expansion);
  }
  if (options_.keep_attempts) {
    for (const core::AttemptRecord& attempt : commit.attempts) {
      ENSURE(find(attempt.task.run) != nullptr);
      runs_[attempt.task.run.value - 1].attempts.push_back(attempt);
    }
  }
  for (const core::EstimateRecord* const estimate : commit.estimates)
    estimates_.insert_or_assign(estimate->id.value, *estimate);
  for (const schedule::UsageRecord& usage : commit.usage)
    usage_.insert_or_assign({usage.queue, usage.is_user, usage.user}, usage);
  for (const core::DrainRecord& drain : commit.drains) drains_.insert_or_assign(drain.node, drain);
  journal_.push_back(*commit.journal);
  if (!options_.keep_events) {
    journal_.back().events = {};
    journal_.erase(journal_.begin(), journal_.end() - 1);
  }
  last_token_ = commit.last_token;
  ++commits_;
}

void MemoryDisk::put_run(const RunRecord& run) {
  ENSURE(run.id.value > 0 && run.workflow != nullptr && run.origin != nullptr);
  if (run.id.value > runs_.size()) runs_.resize(run.id.value);
  const auto workflow = workflows_.emplace(run.workflow->digest, run.workflow).first;
  RunRecord& held = runs_[run.id.value - 1].record;
  if (held.texts != nullptr) keys_.erase(held.texts->idempotency_key);
  held = copy_of(run);
  held.workflow = workflow->second;  // one copy for all runs of it, as after a real restart
  if (held.texts != nullptr && !held.texts->idempotency_key.empty())
    keys_.emplace(held.texts->idempotency_key, held.id);
}

void MemoryDisk::put_task(const engine::TaskRow& row) {
  ENSURE(find(row.id.run) != nullptr);
  std::vector<StoredTask>& tasks = runs_[row.id.run.value - 1].tasks;
  if (row.id.index >= tasks.size()) tasks.resize(std::size_t{row.id.index} + 1);
  StoredTask& held = tasks[row.id.index];
  held.id = row.id;
  held.task = *row.task;
  held.task.flags =
      static_cast<std::uint8_t>((row.task->flags & core::kTaskFlagsStored) | core::kTaskStored);
  if (row.extra == nullptr) {
    held.extra.reset();
  } else {
    held.extra = std::make_unique<core::TaskExtra>(*row.extra);
  }
}

}  // namespace reeve::store::memory
