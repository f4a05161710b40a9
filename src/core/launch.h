// Renders what an executor is told: evaluates the templates of a task against its run. Pure; called
// when a StartAttempt is dispatched, so that the step itself does not pay for text.
#pragma once

#include "base/launch.h"
#include "core/effect.h"
#include "core/state.h"

namespace reeve::core {

/// Everything but the values of secrets and the paths of the executor. An error becomes
/// LaunchRejected.
Result<Launch> render_launch(const State& state, const StartAttempt& start);

/// The files that a task declares, with rendered paths, for its outcome.
struct ArtifactPath {
  std::string name;
  std::string path;
  bool required = true;
};
Result<std::vector<ArtifactPath>> render_artifacts(const State& state, TaskId task);
/// Where a task works, which is where relative artifact paths start, and what encloses it there.
struct WorkPlace {
  std::string directory;
  SandboxRequest sandbox;
};
Result<WorkPlace> render_work_place(const State& state, TaskId task);

/// Owns the JSON that a spec::Context points into.
struct ExpressionData {
  spec::Json inputs;
  spec::Json env;
  spec::Json needs;
  spec::Json matrix;
  spec::Json run;
  spec::Json task;
  spec::Context::Status status = spec::Context::Status::success;
  spec::Context context() const;
};
/// What the expressions of a group see; `index` of a task, or none before expansion.
ExpressionData expression_data(const State& state, const Run& run, GroupIndex group,
                               std::optional<std::uint32_t> index);

/// What the workflow's `outputs` see: every group.
ExpressionData run_expression_data(const State& state, const Run& run);

/// "build", "test[3]", "test (ubuntu, 20)": how people call a task.
std::string task_label(const Run& run, std::uint32_t index);

}  // namespace reeve::core
