// The history over a MemoryDisk: what the SQLite history tells, for tests and the simulator. Same
// thread as the store that writes to the disk.
#pragma once

#include "engine/ports/history.h"
#include "store/memory/memory_disk.h"

namespace reeve::store::memory {

class MemoryHistory final : public engine::History {
 public:
  explicit MemoryHistory(const MemoryDisk& disk) : disk_(disk) {}

  Result<std::vector<engine::RunView>> list_runs(const engine::RunFilter& filter) override;
  Result<engine::RunView> get_run(RunId run) override;
  Result<RunId> find_run(std::string_view reference) override;
  Result<std::vector<core::StoredTask>> list_tasks(RunId run,
                                                   const engine::TaskFilter& filter) override;
  Result<std::vector<core::Expansion>> list_expansions(RunId run) override;
  Result<std::vector<core::AttemptRecord>> list_attempts(TaskId task) override;
  Result<std::vector<core::AttemptRecord>> list_run_attempts(RunId run, std::uint64_t offset,
                                                             std::uint32_t limit) override;
  Result<engine::WorkflowUses> list_workflow_uses(RunId after, std::uint32_t runs_max) override;
  Result<engine::WorkflowText> get_workflow(const Digest& digest) override;
  Result<std::uint64_t> version() override { return disk_.commits(); }

 private:
  const MemoryDisk& disk_;
};

}  // namespace reeve::store::memory
