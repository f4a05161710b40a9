// What the views show of one run: counters of each group, and the tasks that deserve a line of
// their own. Filled from a run in memory and kept up to date by its changes, so that a million
// tasks cost no more to look at than ten. Values; the owner locks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "core/effect.h"
#include "core/state.h"

namespace reeve::cli {

/// A task with a line of its own: it runs, waits for its next try or for a person, or has failed.
struct TaskModel {
  std::uint32_t element = 0;  ///< position in its group
  std::string label;          ///< "test[3]"
  core::TaskState state = core::TaskState::blocked;
  std::uint32_t attempt = 0;
  int percent = -1;
  std::string message;
  Time since = kUnset;
  Time started_at = kUnset;
  Time wake_at = kNever;
  Reason reason;
  OutcomeClass outcome = OutcomeClass::none;
  std::int32_t code = 0;
};

struct GroupModel {
  std::string name;
  bool is_fan_out = false;
  bool is_expanded = true;
  std::uint32_t attempts_max = 1;
  std::uint32_t total = 0;
  std::array<std::uint32_t, core::kTaskStateCount> counts{};
  std::uint16_t attempt = 0;  ///< of a single task
  Time started_at = kUnset;   ///< of its first task
  Time ended_at = kUnset;     ///< of its last task so far
  Reason reason;              ///< of a single task, or of the one that was queued last
  std::map<std::uint32_t, TaskModel> tasks;  ///< by element; at most kTasksShownMax

  std::uint32_t count(core::TaskState state) const {
    return counts[static_cast<std::size_t>(state)];
  }
  std::uint32_t finished() const;
  std::uint32_t unsuccessful() const;  ///< failed, timed_out, aborted
  std::uint32_t active() const;        ///< starting, running, validating
  bool is_finished() const { return is_expanded && finished() == total; }
};
inline constexpr std::size_t kTasksShownMax = 64;

struct RunModel {
  RunId id;
  Uuid uuid;
  std::string name;
  core::RunState state = core::RunState::queued;
  bool is_paused = false;
  bool is_interrupted = false;
  bool is_cancelling = false;
  std::uint32_t round = 1;
  Time submitted_at = kUnset;
  Time started_at = kUnset;
  Time ended_at = kUnset;
  Reason reason;
  std::vector<GroupModel> groups;
  std::shared_ptr<const spec::Workflow> workflow;  // shared: the run may leave memory first

  bool is_over() const { return core::is_final(state) || is_interrupted; }
};

/// The unfinished groups that a group needs: "fetch, build and 3 more".
std::string text_of_needs(const RunModel& model, std::size_t group);

class RunTracker {
 public:
  /// Everything anew, from the run as it is.
  void reset(const core::Run& run);
  /// What one commit changed of this run, which is `run` since.
  void apply(const core::Run& run, std::span<const core::TaskChange> changes);
  /// Percentage or message of a running task.
  void update_progress(const core::Run& run, std::uint32_t index);
  const RunModel& model() const { return model_; }

 private:
  void update_record(const core::Run& run);
  void refresh_group(const core::Run& run, GroupIndex group);
  void apply_change(const core::Run& run, const core::TaskChange& change);
  void show_task(const core::Run& run, std::uint32_t index);

  RunModel model_;
};

/// Why something waits, in a few words for a narrow line: "waits for cpu".
std::string short_reason(const Reason& reason);
/// How the latest attempt of a task ended: "exit status 2", "signal 9 (SIGKILL)", "timed out".
std::string short_outcome(OutcomeClass outcome, std::int32_t code);
using api::short_duration;

}  // namespace reeve::cli
