// A stored run as the core sees it, for looking at, and the tasks that people name in it. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/core.h"
#include "engine/ports/history.h"

namespace reeve::api {

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

/// `is_held`: no engine works on it, so a run that is not final is shown as interrupted.
Result<LoadedRun> load_run(engine::History& history, RunId run, bool is_held, Time now);

/// The tasks that a name means: a group, one element of it, or one label.
struct TaskChoice {
  GroupIndex group;
  std::optional<std::uint32_t> index;  ///< of the task in its run; none: the whole group
};
Result<TaskChoice> find_task(const core::Run& run, const std::string& name);
/// As find_task, but one task: a fan-out is a failure that says how to name its elements.
Result<std::uint32_t> find_one_task(const core::Run& run, const std::string& name);

}  // namespace reeve::api
