// What is stored, for commands that read: the history of a state directory, and a stored run as the
// core sees it. Owns a read-only connection. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/loaded_run.h"
#include "cli/session.h"
#include "engine/ports/history.h"

namespace reeve::cli {

using api::find_one_task;
using api::find_task;
using api::LoadedRun;
using api::TaskChoice;

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

}  // namespace reeve::cli
