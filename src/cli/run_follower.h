// Follows runs of an engine in this process: keeps what views show, and notes what happened for
// lines. Wakes the thread that prints through a descriptor. Its memory is bounded: of large
// fan-outs only failures and every tenth of progress are noted.
//
// Thread rule: on_committed() is called by the engine's thread, all else by one other thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/fd.h"
#include "cli/run_tracker.h"
#include "cli/view_picture.h"
#include "engine/engine.h"

namespace reeve::cli {

/// Something that is worth a line.
struct Happening {
  enum class Kind : std::uint8_t { started, ended, progress, held };
  Kind kind = Kind::started;
  Time at = kUnset;
  TaskId task;
  std::string label;                                 ///< of the task, or of the group
  core::TaskState state = core::TaskState::blocked;  ///< of the task after it
  std::uint32_t attempt = 0;
  std::uint32_t attempts_max = 1;
  Outcome outcome;          ///< ended: of the attempt; none when there was none
  Duration duration{0};     ///< of the attempt
  Duration retry_after{0};  ///< until the next try
  Reason reason;            ///< of the state
  std::string message;
  std::uint32_t finished = 0;  ///< progress of a group
  std::uint32_t total = 0;
};

/// A task that ended a run badly.
struct FailedTask {
  TaskId task;
  std::string label;
  core::TaskState state = core::TaskState::failed;
  std::uint32_t attempt = 0;
  OutcomeClass outcome = OutcomeClass::none;
  std::int32_t code = 0;
  Reason reason;
  std::string message;
};
inline constexpr std::size_t kFailedTasksKept = 100;

/// What is known of a run that is followed.
struct FollowedRun {
  RunTracker tracker;
  std::vector<FailedTask> failed;  ///< at most kFailedTasksKept
  std::uint64_t failed_count = 0;
  std::uint64_t timed_out_count = 0;
  std::string outputs;   ///< JSON object of the run's outputs once it has succeeded, or ""
  Outcome last_outcome;  ///< of the attempt that ended last
  std::map<std::uint32_t, std::uint32_t> held;    ///< attempt whose hold was told, by task
  std::map<std::uint32_t, std::uint32_t> tenths;  ///< progress that was told, by large group
};

class RunFollower final : public engine::Observer {
 public:
  static Result<std::unique_ptr<RunFollower>> make();

  /// Also of large fan-outs every start and end is noted. Before the engine starts.
  void note_every_task() { notes_every_task_ = true; }
  /// Before the engine starts, or before the run is submitted.
  void follow(const Uuid& uuid);
  void on_committed(const engine::Committed& committed) override;

  /// Readable when something has changed since take_happenings().
  int descriptor() const { return event_.get(); }
  std::vector<Happening> take_happenings();
  std::vector<Picture> take_pictures(int rows);
  /// Numbers of the followed runs that have been seen.
  std::map<RunId, Uuid> numbers() const;
  /// All that were to be followed have been seen and are over.
  bool all_over() const;
  /// What is left when all is over. The engine must have stopped.
  std::vector<const FollowedRun*> runs() const;

  /// Runs that this engine holds beside those that are followed.
  struct Others {
    std::vector<RunId> interrupted;
    std::size_t active = 0;
  };
  Others others() const;

  /// Counts and notes the task if it ended badly.
  static void note_failure(const core::Run& run, FollowedRun& followed, std::uint32_t index);

 private:
  explicit RunFollower(Fd event) : event_(std::move(event)) {}
  struct Slot {
    Uuid uuid;
    std::unique_ptr<FollowedRun> run;  ///< null: not seen yet
  };
  FollowedRun* find(RunId id);
  void adopt(const core::State& state);
  void note_task_changes(const engine::Committed& committed, const core::Run& run,
                         FollowedRun& followed, std::span<const core::TaskChange> changes);
  void note_change(const engine::Committed& committed, const core::Run& run, FollowedRun& followed,
                   const core::TaskChange& change);
  void note_attempts(const engine::Committed& committed);
  void note_hold(const engine::Committed& committed, const core::Run& run, FollowedRun& followed,
                 std::uint32_t index);
  void note_progress(const engine::Committed& committed, FollowedRun& followed, GroupIndex index);
  void look_at_others(const core::State& state);
  void wake();

  bool has_lines(const core::Run& run, std::uint32_t index) const;

  Fd event_;
  bool notes_every_task_ = false;
  mutable std::mutex mutex_;  // guards all below
  std::vector<Slot> slots_;
  std::vector<Happening> happenings_;
  Others others_;
  bool woken_ = false;
};

/// Fan-outs up to this many tasks get a line for each of them.
inline constexpr std::uint32_t kTasksWithLinesMax = 50;

}  // namespace reeve::cli
