// Reads a store's file for people and programs, on a connection of its own that cannot write:
// beside a living engine, in another process, also where the directory is read-only. Refuses files
// of other versions. One object per thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/ports/history.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/run_reader.h"

namespace reeve::store::sqlite {

class SqliteHistory final : public engine::History {
 public:
  /// not_found if nothing has been stored at `path`.
  static Result<std::unique_ptr<SqliteHistory>> open(const std::string& path);

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
  Result<std::uint64_t> version() override;

 private:
  explicit SqliteHistory(Connection connection) : connection_(std::move(connection)) {}
  Result<engine::TaskCounts> count_tasks(RunId run);
  Status require_run(RunId run);
  Result<std::vector<core::AttemptRecord>> read_attempts(Statement& rows);

  Connection connection_;
  std::optional<RunReader> reader_;  // after its connection; keeps workflows from call to call
};

}  // namespace reeve::store::sqlite
