// What a service has stored, through its routes for commands (api/stored_wire.h): the same rows as
// those of a directory, so that what shows them need not know the difference. Keeps the run that
// was read last, and reads it again only when it has changed. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/stored_wire.h"
#include "cli/service_link.h"
#include "engine/ports/history.h"

namespace reeve::cli {

class ServiceHistory final : public engine::History {
 public:
  explicit ServiceHistory(ServiceLink& link) : link_(link) {}

  Result<std::vector<engine::RunView>> list_runs(const engine::RunFilter& filter) override;
  Result<engine::RunView> get_run(RunId run) override;
  Result<RunId> find_run(std::string_view reference) override;
  Result<std::vector<core::StoredTask>> list_tasks(RunId run,
                                                   const engine::TaskFilter& filter) override;
  Result<std::vector<core::Expansion>> list_expansions(RunId run) override;
  Result<std::vector<core::AttemptRecord>> list_attempts(TaskId task) override;
  Result<std::vector<core::AttemptRecord>> list_run_attempts(RunId run, std::uint64_t offset,
                                                             std::uint32_t limit) override;
  /// unsupported: the service has routes of its own for that.
  Result<engine::WorkflowUses> list_workflow_uses(RunId after, std::uint32_t runs_max) override;
  Result<engine::WorkflowText> get_workflow(const Digest& digest) override;
  /// Of the run that was read last.
  Result<std::uint64_t> version() override;

  /// Where the service keeps the output of an attempt that was listed before; "" of others.
  std::string log_path(TaskId task, std::uint32_t attempt) const;

 private:
  /// Reads the run, unless it is as it was.
  Status look(RunId run);
  Result<std::vector<core::AttemptRecord>> read_attempts(const std::string& target);

  ServiceLink& link_;
  std::map<RunId, std::vector<core::Expansion>> listed_;  ///< of the runs that were listed last
  std::map<std::pair<TaskId, std::uint32_t>, std::string> logs_;
  RunId run_;
  std::string etag_;
  std::string body_;
  std::uint64_t version_ = 0;
};

/// As a command would name it, in a path.
std::string run_target(RunId run);

}  // namespace reeve::cli
