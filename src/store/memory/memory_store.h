// A whole store in memory, for simulation, tests and engines that need to remember nothing: the
// same contract as the SQLite one, and it can be told to fail. Writes to a MemoryDisk that outlives
// it. Workflows are shared with the runs that hold them. Used by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/ports/store.h"
#include "store/memory/memory_disk.h"

namespace reeve::store::memory {

enum class CommitFault : std::uint8_t {
  before,  ///< nothing of it became durable
  after,   ///< all of it did, and the caller sees a failure all the same
};

class MemoryStore final : public engine::Store {
 public:
  explicit MemoryStore(MemoryDisk& disk) : disk_(disk), commits_seen_(disk.commits()) {}

  /// The commit after the next `good` ones fails, and with it all later ones.
  void fail_commit(std::uint64_t good, CommitFault fault);
  std::uint64_t commits() const { return commits_; }  ///< that succeeded on this object

  Status commit(const engine::Commit& commit) override;
  Result<core::Snapshot> load() override;
  Result<core::StoredRun> load_run(RunId run) override;
  Result<engine::RunEnd> find_end(RunId run) override;
  Result<std::vector<RunId>> find_idempotency_keys(std::span<const std::string_view> keys) override;
  Status read_journal(std::uint64_t from_step,
                      const std::function<bool(const engine::JournalRecord&)>& visit) override;
  Result<std::shared_ptr<const spec::Workflow>> load_workflow(const Digest& digest) override;

 private:
  struct Planned {
    std::uint64_t good = 0;
    CommitFault fault = CommitFault::before;
  };
  Status attempt(const engine::Commit& commit);

  MemoryDisk& disk_;
  std::optional<Planned> planned_;
  std::uint64_t commits_seen_;  ///< of the disk: more means that another store writes too
  std::uint64_t commits_ = 0;
  bool failed_ = false;
};

}  // namespace reeve::store::memory
