// What is stored, for commands that read: the history of a state directory or of a service, and a
// stored run as the core sees it. What a command asks of the engine goes the same two ways. Owns a
// read-only connection. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/loaded_run.h"
#include "cli/log_tail.h"
#include "cli/session.h"
#include "engine/ports/history.h"

namespace reeve::cli {

using api::find_one_task;
using api::find_task;
using api::LoadedRun;
using api::TaskChoice;

class ServiceHistory;
class ServiceLink;

struct Archive {
  StateLayout layout;                    ///< of a service: empty
  std::unique_ptr<ServiceLink> service;  ///< null: a directory
  std::unique_ptr<engine::History> history;

  Archive();
  Archive(Archive&&) noexcept;
  Archive& operator=(Archive&&) noexcept;
  ~Archive();

  /// What --server, --state and the surroundings name.
  static Checked<Archive> open(const Session& session);
  static Result<Archive> open(StateLayout layout);
  /// The engine that works on it now; a service has one, of which no more is known.
  std::optional<LockHolder> engine() const;
  /// Not final and without an engine: shown as interrupted.
  Result<LoadedRun> load(RunId run);
  /// Where the output of an attempt that was listed is, on its machine.
  std::string log_path(TaskId task, const Uuid& run, std::uint32_t attempt) const;
  std::unique_ptr<LogFrames> log(TaskId task, const Uuid& run, std::uint32_t attempt) const;
  /// Has the engine do something: a method of the control socket and its parameters; where those
  /// name a task, also by the name of it, as `label`. Null: no engine is at work.
  Result<std::optional<JsonObject>> ask(std::string_view method, JsonObject params) const;
};

/// "12", "12/build", "last/test[3]".
struct Target {
  RunId run;
  std::string task;  ///< "" for the whole run
};
Result<Target> find_target(Archive& archive, const std::string& text);

}  // namespace reeve::cli
