#include "core/task_state.h"

#include <array>

#include "base/ensure.h"

namespace reeve::core {
namespace {

using enum TaskState;

constexpr std::array<std::string_view, kTaskStateCount> kNames{
    "blocked",    "queued",    "starting",          "running",   "validating",
    "retry_wait", "paused",    "awaiting_approval", "succeeded", "failed",
    "timed_out",  "cancelled", "aborted",           "skipped"};

constexpr auto kTransitions = std::to_array<TaskTransition>({
    {blocked, queued, "its needs are met"},
    {blocked, awaiting_approval, "its needs are met and it is an approval"},
    {blocked, skipped, "a need or its condition says that it is not wanted"},
    {blocked, failed, "its condition or fan-out could not be evaluated"},
    {blocked, timed_out, "the deadline passed"},
    {blocked, cancelled, "a person cancelled it or its run"},
    {blocked, aborted, "its fan-out failed fast, or a newer run replaced its run"},
    {queued, starting, "a place was free and it was first in order"},
    {queued, succeeded, "an identical task has succeeded, and it takes over what that gave"},
    {queued, paused, "a person paused it"},
    {queued, timed_out, "its queue limit or the deadline passed"},
    {queued, cancelled, "a person cancelled it or its run"},
    {queued, aborted, "its fan-out failed fast, or a newer run replaced its run"},
    {starting, running, "the executor reports its first instruction"},
    {starting, retry_wait,
     "it could not be started, or the executor lost it, and it is tried again"},
    {starting, failed, "it could not be started and is not tried again"},
    {starting, timed_out, "it was not started within its limit"},
    {starting, cancelled, "a person cancelled it before it ran"},
    {starting, aborted, "the engine stopped it before it ran"},
    {running, validating, "its process ended and its declared files are collected"},
    {running, succeeded, "its process ended with status 0"},
    {running, failed, "its process failed and is not tried again"},
    {running, retry_wait, "its process failed and is tried again"},
    {running, timed_out, "it exceeded a limit on its time and is not tried again"},
    {running, cancelled, "it ended after a person cancelled it"},
    {running, aborted, "it ended after the engine stopped it"},
    {validating, succeeded, "all that it declared was there"},
    {validating, failed, "its result was not accepted, or it had failed, and is not tried again"},
    {validating, timed_out, "it had exceeded a limit on its time and is not tried again"},
    {validating, retry_wait, "its result was not accepted, or it had failed, and is tried again"},
    {validating, cancelled, "a person cancelled it meanwhile"},
    {validating, aborted, "the engine gave it up meanwhile"},
    {retry_wait, queued, "its back-off is over"},
    {retry_wait, paused, "a person paused it"},
    {retry_wait, timed_out, "the deadline passed"},
    {retry_wait, cancelled, "a person cancelled it or its run"},
    {retry_wait, aborted, "its fan-out failed fast, or a newer run replaced its run"},
    {paused, queued, "a person resumed it"},
    {paused, timed_out, "the deadline passed"},
    {paused, cancelled, "a person cancelled it or its run"},
    {paused, aborted, "its fan-out failed fast, or a newer run replaced its run"},
    {awaiting_approval, succeeded, "it was approved"},
    {awaiting_approval, failed, "it was denied"},
    {awaiting_approval, timed_out, "nobody answered in time, or the deadline passed"},
    {awaiting_approval, cancelled, "a person cancelled it or its run"},
    {awaiting_approval, aborted, "its fan-out failed fast, or a newer run replaced its run"},
    {succeeded, blocked, "a person retries the run from here or from before it"},
    {failed, blocked, "a person retries it"},
    {timed_out, blocked, "a person retries it"},
    {cancelled, blocked, "a person retries it"},
    {aborted, blocked, "a person retries it"},
    {skipped, blocked, "a person retries what it depends on"},
});

constexpr auto kAllowed = [] {
  std::array<std::array<bool, kTaskStateCount>, kTaskStateCount> allowed{};
  for (const TaskTransition& row : kTransitions)
    allowed[static_cast<std::size_t>(row.from)][static_cast<std::size_t>(row.to)] = true;
  return allowed;
}();

constexpr std::array<std::string_view, 5> kRunNames{"queued", "running", "succeeded", "failed",
                                                    "cancelled"};

}  // namespace

std::string_view name(TaskState state) {
  const auto index = static_cast<std::size_t>(state);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::span<const TaskTransition> task_transitions() { return kTransitions; }

bool is_allowed(TaskState from, TaskState to) {
  return kAllowed[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

std::string task_states_document() {
  std::string out =
      "# Task states\n\n"
      "Generated from the table in `src/core/task_state.cc`; a test keeps the two equal and shows\n"
      "that every row has been exercised.\n\n"
      "| from | to | when |\n|---|---|---|\n";
  for (const TaskTransition& row : kTransitions) {
    out.append("| `").append(name(row.from)).append("` | `").append(name(row.to));
    out.append("` | ").append(row.when).append(" |\n");
  }
  return out;
}

std::string_view name(RunState state) {
  const auto index = static_cast<std::size_t>(state);
  return index < kRunNames.size() ? kRunNames[index] : "unknown";
}

}  // namespace reeve::core
