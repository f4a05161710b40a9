#include "store/memory/memory_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve::store::memory {

using core::Snapshot;
using core::StoredRun;
using core::StoredTask;

namespace {

StoredRun copy_of_run(const DiskRun& run) {
  StoredRun copy;
  copy.record = copy_of(run.record);
  copy.expansions = run.expansions;
  copy.tasks.reserve(run.tasks.size());
  for (const StoredTask& task : run.tasks) {
    if ((task.task.flags & core::kTaskStored) != 0) copy.tasks.push_back(copy_of(task));
  }
  return copy;
}

}  // namespace

void MemoryStore::fail_commit(std::uint64_t good, CommitFault fault) {
  planned_ = Planned{commits_ + good, fault};
}

Status MemoryStore::commit(const engine::Commit& commit) {
  if (failed_) {
    return fail(ErrorCode::conflict,
                "an earlier commit failed, so nothing more is written: open the store again");
  }
  Status done = attempt(commit);
  if (done) {
    ++commits_;
  } else {
    failed_ = true;
  }
  return done;
}

Status MemoryStore::attempt(const engine::Commit& commit) {
  ENSURE(commit.journal != nullptr);
  if (disk_.commits() != commits_seen_)
    return fail(ErrorCode::conflict, "another store has written to the same memory");
  const std::uint64_t last_step = disk_.journal().empty() ? 0 : disk_.journal().back().step;
  ENSURE(commit.journal->step == last_step + 1);
  const bool fails = planned_ && planned_->good == commits_;
  if (fails && planned_->fault == CommitFault::before)
    return fail(ErrorCode::io_failed, "the commit failed as planned, before it was durable");
  TRY(disk_.check(commit));
  disk_.apply(commit);
  commits_seen_ = disk_.commits();
  if (fails) return fail(ErrorCode::io_failed, "the commit failed as planned, once it was durable");
  return {};
}

Result<Snapshot> MemoryStore::load() {
  Snapshot snapshot;
  for (const DiskRun& run : disk_.runs()) {
    if (run.record.id.value != 0 && !core::is_final(run.record.state))
      snapshot.runs.push_back(copy_of_run(run));
  }
  for (const auto& [id, estimate] : disk_.estimates()) snapshot.estimates.push_back(estimate);
  for (const auto& [key, usage] : disk_.usage()) snapshot.usage.push_back(usage);
  for (const auto& [node, drain] : disk_.drains()) snapshot.drains.push_back(drain);
  snapshot.last_token = disk_.last_token();
  snapshot.last_run = RunId{static_cast<std::uint32_t>(disk_.runs().size())};
  if (!disk_.journal().empty()) {
    const engine::JournalRecord& last = disk_.journal().back();
    snapshot.last_step = last.step;
    snapshot.last_now = last.now;
    snapshot.last_chain = last.chain;
  }
  return snapshot;
}

Result<StoredRun> MemoryStore::load_run(RunId run) {
  const DiskRun* const found = disk_.find(run);
  if (found == nullptr)
    return fail(ErrorCode::not_found, fmt::format("there is no run {}", run.value));
  return copy_of_run(*found);
}

Result<engine::RunEnd> MemoryStore::find_end(RunId run) {
  const DiskRun* const found = disk_.find(run);
  if (found == nullptr)
    return fail(ErrorCode::not_found, fmt::format("there is no run {}", run.value));
  return engine::RunEnd{found->record.uuid, found->record.state};
}

Result<std::vector<RunId>> MemoryStore::find_idempotency_keys(
    std::span<const std::string_view> keys) {
  std::vector<RunId> runs;
  runs.reserve(keys.size());
  for (const std::string_view key : keys) {
    const auto found = disk_.idempotency_keys().find(key);
    runs.push_back(found == disk_.idempotency_keys().end() ? RunId{} : found->second);
  }
  return runs;
}

Status MemoryStore::read_journal(std::uint64_t from_step,
                                 const std::function<bool(const engine::JournalRecord&)>& visit) {
  if (!disk_.options().keep_events)
    return fail(ErrorCode::unsupported, "this memory store was told to keep no journal");
  const std::uint64_t first = std::max<std::uint64_t>(from_step, 1);
  // The record before the first is looked at too: its chain value is where the check begins.
  std::uint64_t expected = std::max<std::uint64_t>(first - 1, 1);
  Digest previous;
  for (const engine::JournalRecord& record : disk_.journal()) {
    if (record.step < expected) continue;
    if (record.step != expected) {
      return fail(ErrorCode::corrupt,
                  fmt::format("the memory is damaged: journal record {} is missing", expected));
    }
    if (record.step >= first && engine::chain_digest(previous, record) != record.chain) {
      return fail(ErrorCode::corrupt,
                  fmt::format("the memory is damaged: journal record {} is not what was written",
                              record.step));
    }
    if (record.step >= first && !visit(record)) return {};
    previous = record.chain;
    ++expected;
  }
  return {};
}

Result<std::shared_ptr<const spec::Workflow>> MemoryStore::load_workflow(const Digest& digest) {
  // shared: as in RunRecord
  const auto found = disk_.workflows().find(digest);
  if (found != disk_.workflows().end()) return found->second;
  return fail(ErrorCode::not_found,
              fmt::format("no workflow with digest {} is stored", format_digest(digest)));
}

}  // namespace reeve::store::memory
