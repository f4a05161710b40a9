// The states of tasks and runs, and the one table of task transitions that is the truth for code,
// documents (docs/task-states.md is generated from it) and tests (every row must be exercised).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace reeve::core {

/// Stored as numbers: append only.
enum class TaskState : std::uint8_t {
  blocked,   ///< its needs are not met
  queued,    ///< waits for a place
  starting,  ///< handed to an executor
  running,
  validating,  ///< its process ended well; what it produced is being collected and checked
  retry_wait,  ///< waits for its next try
  paused,      ///< taken out of the queue by a person
  awaiting_approval,
  succeeded,
  failed,
  timed_out,
  cancelled,  ///< by a person
  aborted,    ///< by the engine
  skipped,
};
inline constexpr std::size_t kTaskStateCount = 14;

constexpr bool is_final(TaskState state) { return state >= TaskState::succeeded; }
/// An executor knows of an attempt of it.
constexpr bool is_live(TaskState state) {
  return state == TaskState::starting || state == TaskState::running;
}
std::string_view name(TaskState state);

struct TaskTransition {
  TaskState from;
  TaskState to;
  std::string_view when;  ///< one clause for the documents
};
std::span<const TaskTransition> task_transitions();
bool is_allowed(TaskState from, TaskState to);
/// docs/task-states.md, whole.
std::string task_states_document();

enum class RunState : std::uint8_t {
  queued,  ///< waits for its concurrency group, or nothing of it has started
  running,
  succeeded,
  failed,
  cancelled,
};
constexpr bool is_final(RunState state) { return state >= RunState::succeeded; }
std::string_view name(RunState state);

}  // namespace reeve::core
