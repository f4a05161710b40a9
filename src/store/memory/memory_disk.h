// What a memory store keeps: the durable image. It outlives the MemoryStore that writes to it, as a
// disk outlives a process, so a simulated crash is: destroy the store, open another on the same
// disk. Owns copies of everything. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/records.h"
#include "engine/ports/store.h"

namespace reeve::store::memory {

struct MemoryDiskOptions {
  bool keep_events = true;    ///< false: the journal keeps no bodies, and cannot be read
  bool keep_attempts = true;  ///< false: attempts that ended are not kept
};

/// A run and all that belongs to it.
struct DiskRun {
  core::RunRecord record;  ///< id 0: there is no such run
  std::vector<core::Expansion> expansions;
  std::vector<core::StoredTask> tasks;        ///< by index; those without kTaskStored are no rows
  std::vector<core::AttemptRecord> attempts;  ///< in the order in which they were committed
};

class MemoryDisk {
 public:
  explicit MemoryDisk(MemoryDiskOptions options = {}) : options_(options) {}
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  /// conflict if it breaks a rule; nothing has changed then.
  Status check(const engine::Commit& commit) const;
  /// After check().
  void apply(const engine::Commit& commit);

  const DiskRun* find(RunId run) const;                      ///< null: none
  const std::deque<DiskRun>& runs() const { return runs_; }  ///< by id - 1
  const std::map<std::string, RunId, std::less<>>& idempotency_keys() const { return keys_; }
  // shared: as in RunRecord
  const std::map<Digest, std::shared_ptr<const spec::Workflow>>& workflows() const {
    return workflows_;
  }
  /// Tests damage it through this.
  std::vector<engine::JournalRecord>& journal() { return journal_; }
  const std::vector<engine::JournalRecord>& journal() const { return journal_; }
  const MemoryDiskOptions& options() const { return options_; }
  const std::map<std::uint32_t, core::EstimateRecord>& estimates() const { return estimates_; }
  /// By queue, whether it is a user's, and user.
  using UsageKey = std::tuple<std::string, bool, std::string>;
  const std::map<UsageKey, schedule::UsageRecord>& usage() const { return usage_; }
  const std::map<std::string, core::DrainRecord>& drains() const { return drains_; }
  Token last_token() const { return last_token_; }
  std::uint64_t commits() const { return commits_; }

 private:
  void put_run(const core::RunRecord& run);
  void put_task(const engine::TaskRow& row);

  MemoryDiskOptions options_;
  std::deque<DiskRun> runs_;
  std::map<std::string, RunId, std::less<>> keys_;
  std::map<Digest, std::shared_ptr<const spec::Workflow>> workflows_;
  std::vector<engine::JournalRecord> journal_;
  std::map<std::uint32_t, core::EstimateRecord> estimates_;  // by id
  std::map<UsageKey, schedule::UsageRecord> usage_;
  std::map<std::string, core::DrainRecord> drains_;  // by node
  Token last_token_;
  std::uint64_t commits_ = 0;
};

core::RunRecord copy_of(const core::RunRecord& run);
core::StoredTask copy_of(const core::StoredTask& task);

}  // namespace reeve::store::memory
