// What is stored, for commands that read: the history of a state directory, and a stored run as the
// core sees it. Owns a read-only connection. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"
#include "core/core.h"
#include "engine/ports/history.h"

namespace reeve::cli {

/// A run in memory, with all its tasks, for looking at.
class LoadedRun {
 public:
  LoadedRun(std::unique_ptr<core::Core> core, RunId id) : core_(std::move(core)), id_(id) {}
  const core::State& state() const { return core_->state(); }
  const core::Run& run() const { return *core_->state().find_run(id_); }

 private:
  std::unique_ptr<core::Core> core_;
  RunId id_;
};

struct Archive {
  StateLayout layout;
  std::unique_ptr<engine::History> history;

  static Result<Archive> open(const Session& session);
  static Result<Archive> open(StateLayout layout);
  /// The engine that works on the directory now.
  std::optional<LockHolder> engine() const { return EngineLock::holder(layout); }
  /// Not final and without an engine: shown as interrupted.
  Result<LoadedRun> load(RunId run);
};

/// "12", "12/build", "last/test[3]".
struct Target {
  RunId run;
  std::string task;  ///< "" for the whole run
};
Result<Target> find_target(Archive& archive, const std::string& text);

/// The tasks that a name means: a group, one element of it, or one label.
struct TaskChoice {
  GroupIndex group;
  std::optional<std::uint32_t> index;  ///< of the task in its run; none: the whole group
};
Result<TaskChoice> find_task(const core::Run& run, const std::string& name);
/// As find_task, but one task: a fan-out is a failure that says how to name its elements.
Result<std::uint32_t> find_one_task(const core::Run& run, const std::string& name);

}  // namespace reeve::cli
