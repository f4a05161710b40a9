// The workflows that the benchmarks run and the submissions of them. Large graphs are built without
// YAML, because its parsing is no part of what is measured; a store with them cannot be opened
// again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/event.h"
#include "spec/workflow.h"

namespace reeve::bench {

using WorkflowRef = std::shared_ptr<const spec::Workflow>;  // shared: as in core::RunRecord

/// One group of `count` elements.
WorkflowRef array_workflow(std::uint32_t count);
/// `count` tasks, each needs the one before.
WorkflowRef chain_workflow(std::uint32_t count);
/// `layers` layers of `width` tasks; each task needs three of the layer before.
WorkflowRef layered_workflow(std::uint32_t layers, std::uint32_t width);

/// One task with this argument vector, which may write up to 64 GiB.
WorkflowRef command_workflow(const std::vector<std::string>& arguments,
                             SandboxRequest sandbox = {});

/// One task with this text for this shell.
WorkflowRef script_workflow(const std::string& shell, const std::string& text,
                            SandboxRequest sandbox);

/// Submissions of one workflow. Not thread-safe: one per producer.
class Submissions {
 public:
  /// `producer` makes the run ids of several producers distinct.
  Submissions(WorkflowRef workflow, std::uint64_t producer);
  core::SubmitRun next();
  /// As `reeve run -- true` would submit it.
  core::SubmitRun next_bare_command();

 private:
  const WorkflowRef workflow_;
  const std::shared_ptr<const core::RunOrigin> origin_;  // shared: as in core::RunRecord
  const std::uint64_t producer_;
  std::uint64_t count_ = 0;
};

}  // namespace reeve::bench
