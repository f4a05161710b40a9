// Why: a code of a closed list and two numbers. Every wait, placement, retry and end carries one,
// so that `reeve explain` never guesses. The table below the enumeration gives name and sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "base/codec.h"

namespace reeve {

/// Stored as numbers: append only.
enum class ReasonCode : std::uint16_t {
  none,
  // why a task or run waits
  needs_pending,     ///< a: needs that are not done; b: all needs
  capacity,          ///< a: asked for; b: kind of shortage, see Shortage
  behind,            ///< a: tasks in front of it in order
  lock_busy,         ///< a: units asked for; b: units in use
  concurrency_busy,  ///< a: limit of the group
  max_parallel,      ///< a: limit
  run_paused,
  task_paused,
  interrupted,  ///< its engine was stopped; `reeve resume` goes on
  approval_pending,
  retry_backoff,   ///< a: microseconds of delay; b: attempt that failed
  executor_down,   ///< a: pool
  unplaceable,     ///< no pool could ever hold it
  held_for_large,  ///< a larger, older task is let through first
  staged,          ///< handed to the executor; starts when a place is free. a: in front of it
  launching,       ///< the executor is starting it
  is_running,
  checking,  ///< collecting and checking what it produced
  // why it was placed
  placed,  ///< a: microseconds waited; b: pool
  // why it ended
  completed,
  exit_status,       ///< a: status
  killed_by_signal,  ///< a: signal
  queue_timeout,     ///< a: limit in microseconds
  start_timeout,     ///< a: limit in microseconds
  run_timeout,       ///< a: limit in microseconds
  idle_timeout,      ///< a: limit in microseconds without output
  deadline_passed,
  memory_limit,            ///< a: limit in bytes
  executor_lost,           ///< the executor knows nothing of the attempt
  output_over_limit,       ///< a: limit in bytes
  artifact_missing,        ///< a declared file was not there
  output_invalid,          ///< the REEVE_OUTPUT file could not be read
  expression_failed,       ///< an expression of the specification could not be evaluated
  command_not_found,       ///< a: errno
  command_not_executable,  ///< a: errno
  could_not_start,         ///< a: errno
  approval_denied,
  // why it was skipped
  need_not_successful,  ///< a: group index of the first such need
  need_not_failed,      ///< wanted after a failure that did not happen; a: group index
  condition_false,
  no_failure,  ///< an on_failure task, and nothing failed
  // why it was cancelled or aborted
  cancelled_by_person,
  fail_fast,          ///< a: index of the task that failed
  replaced_by_newer,  ///< concurrency group that does not queue; a: the newer run
  run_cancelled,
  // why it is tried again, or not
  retry_charged,      ///< a: retries used; b: retries allowed
  retry_free,         ///< not the task's fault: not counted. a: such tries so far; b: allowed
  retry_not_listed,   ///< its outcome is not in `retry.on`
  retries_exhausted,  ///< a: retries used; b: retries allowed
  retried_by_person,
  continued_on_error,  ///< failed, but continue-on-error counts it as done
  task_failed,         ///< of a run; a: index of the first group that failed
  not_permitted,       ///< it was to be less enclosed than its engine permits; why it ended
  // why its sandbox is still there
  held_open,          ///< its program failed; a: until, microseconds of Unix time; b: its status
  hold_released,      ///< a person let it go; b: the status of its program
  image_not_usable,   ///< of why it ended: its image could not be had, or is not sound
  egress_not_usable,  ///< of why it ended: what `network` lists could not be made reachable
  path_not_usable,    ///< of why it ended: where it works, or what it is to be given
  retry_in_vain,      ///< what it names would be missing again
  // second attempts of tasks that take too long
  hedged,       ///< why it was placed: beside one that has run for a (microseconds)
  hedge_lost,   ///< why it ended: the other attempt of its task had ended well
  hedge_other,  ///< why its failure ends nothing: the other attempt goes on
  // why it waits though there is room
  queue_limit,    ///< its queue has as much at work as it may
  rate_limited,   ///< a: until, microseconds of Unix time
  window_closed,  ///< its queue is closed. a: until
  quota_reached,  ///< its user has as much as they may. a: until, or 0: until something ends
  circuit_open,   ///< what is like it has failed too often. a: until, or 0: until a probe ends
  promised,       ///< waits for room, which is promised to it. a: from when on
  others_turn,    ///< other users or queues have had less. a: tasks of its own in front of it
  preempted,      ///< was stopped to make room for the more important
  not_before,     ///< is not to start yet. a: until
  // tasks that share a sandbox start (batch)
  batch_filling,  ///< waits for more of its kind. a: until, microseconds of Unix time
  in_batch,       ///< handed over with others; starts when those before it have ended. a: how many
  batched,        ///< why it was placed: in a batch. a: token of its first attempt; b: its place
  batch_undone,   ///< its batch was lost before it began: it is queued again
  // retries of a whole queue
  retry_budget,  ///< its queue is tried again too often. a: until, microseconds of Unix time
  // tasks that share one execution (single_flight)
  shared_waits,   ///< an identical one is being executed. a: its run; b: its index there
  shared_result,  ///< took over what an identical one gave. a: its run; b: its index there
  // why it was ended: what it took of a disk
  disk_limit,  ///< a: limit in bytes
  disk_short,  ///< a: bytes of the disk that are to stay free
  // nodes that people have taken out
  node_drained,  ///< waits: nothing starts there
  drained_off,   ///< was stopped since its node was drained, and is queued again
  // runs that follow other runs
  after_run,    ///< waits for them. a: the first that has not ended; b: how many have not
  after_unmet,  ///< why it ended: run a did not end as it was to. b: core::AfterCondition
};

inline constexpr std::size_t kReasonCodeCount =
    static_cast<std::size_t>(ReasonCode::after_unmet) + 1;

/// Stored as numbers (in Reason::b of `capacity`): append only.
enum class Shortage : std::uint8_t { none, cpu, memory, disk, gpu, countable };
std::string_view name(Shortage shortage);

struct Reason {
  ReasonCode code = ReasonCode::none;
  std::int32_t b = 0;
  std::int64_t a = 0;
  friend bool operator==(const Reason&, const Reason&) = default;

  static constexpr auto fields() {
    return std::tuple{field("code", &Reason::code), field("b", &Reason::b), field("a", &Reason::a)};
  }
};

struct ReasonInfo {
  ReasonCode code;
  std::string_view name;  ///< the spelling in SQL, JSON, metrics and documents
  /// With {a} and {b}; as {a:duration} (of microseconds), {a:bytes}, {a:signal}, {a:errno},
  /// {b:shortage}, {a:amount} (in the unit of the Shortage in b), {a:time} (of Unix microseconds).
  std::string_view sentence;
};

/// All rows, in the order of the enumeration.
std::span<const ReasonInfo> reason_table();
std::string_view name(ReasonCode code);
/// The sentence with its numbers: "waits 1.5s before it is tried again after attempt 2".
std::string describe(const Reason& reason);

}  // namespace reeve
