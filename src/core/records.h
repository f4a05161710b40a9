// The entities that are stored: what a row of `runs`, `tasks`, `attempts`, `expansions` holds. The
// core keeps these very structs; stores map them to columns; recovery reads them back. A task has a
// row once it has left the state that its workflow gives it: untouched ones are rebuilt from that.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "base/launch.h"
#include "base/outcome.h"
#include "base/packed_text.h"
#include "base/sandbox.h"
#include "base/time.h"
#include "core/estimates.h"
#include "core/hedging.h"
#include "core/run_after.h"
#include "core/task_state.h"
#include "schedule/placement_score.h"
#include "schedule/usage.h"
#include "spec/workflow.h"

namespace reeve::core {

/// Where runs come from; shared by all that came from the same place.
struct RunOrigin {
  std::string directory;  ///< absolute; work directory of its tasks
  std::string submitter;  ///< user name
  friend auto operator<=>(const RunOrigin&, const RunOrigin&) = default;
};

/// Texts that many runs lack.
struct RunTexts {
  std::string name;             ///< "" = the workflow's
  std::string labels;           ///< JSON object, or ""
  std::string idempotency_key;  ///< unique among all runs unless ""
  std::string outputs;          ///< JSON object once it has succeeded, or ""
  std::string cancel_reason;    ///< what the person who cancelled it said
  friend bool operator==(const RunTexts&, const RunTexts&) = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &RunTexts::name), field("labels", &RunTexts::labels),
                      field("idempotency_key", &RunTexts::idempotency_key),
                      field("outputs", &RunTexts::outputs),
                      field("cancel_reason", &RunTexts::cancel_reason)};
  }
};

struct RunRecord {
  RunId id;
  RunState state = RunState::queued;
  bool paused = false;
  bool cancel_requested = false;
  bool interrupted = false;  ///< its engine went away; waits for `reeve resume`
  std::int32_t priority = 0;
  std::uint32_t round = 1;  ///< grows with every `reeve retry`
  Uuid uuid;
  Time submitted_at = kUnset;
  Time started_at = kUnset;
  Time ended_at = kUnset;
  Reason reason;
  std::shared_ptr<const spec::Workflow> workflow;  // shared: a million runs of one workflow
  std::shared_ptr<const RunOrigin> origin;         // shared: as above
  PackedText inputs;                               ///< JSON object after defaults, or "" for {}
  std::unique_ptr<RunTexts> texts;                 ///< null: all empty
  RunAfterList after;                              ///< that it follows; null: none
};

struct Task {
  TaskState state = TaskState::blocked;
  OutcomeClass outcome = OutcomeClass::none;  ///< of the latest attempt that ended
  std::uint8_t flags = 0;                     ///< kTask… below
  std::int8_t percent = -1;                   ///< progress of the running attempt
  std::uint16_t attempt = 0;                  ///< number of the latest attempt, 0: none yet
  std::uint16_t charged = 0;                  ///< retries charged to retry.max
  GroupIndex group;
  std::int32_t code = 0;  ///< exit status or signal of the latest attempt that ended
  Token token;            ///< of the latest attempt
  Time since = kUnset;    ///< when it entered its state; of a final state: its end
  Time wake_at = kNever;  ///< its timer: end of retry_wait, or a limit on its state
  Time queued_at = kUnset;
  Time started_at = kUnset;  ///< of the latest attempt that ran
  Token batch;               ///< of the latest attempt: first token of its batch; {}: was alone
  Reason reason;
};
inline constexpr std::uint8_t kTaskDirty = 1;          ///< in the present step's changes
inline constexpr std::uint8_t kTaskStored = 2;         ///< has a row
inline constexpr std::uint8_t kTaskStopAsked = 4;      ///< a stop of its attempt is under way
inline constexpr std::uint8_t kTaskStopByPerson = 8;   ///< … by a person: ends as cancelled
inline constexpr std::uint8_t kTaskStaged = 16;        ///< handed over beyond the free capacity
inline constexpr std::uint8_t kTaskStopDeadline = 32;  ///< … for a deadline: ends as timed_out
inline constexpr std::uint8_t kTaskForgiven = 64;  ///< failed, but continue-on-error counts it done
inline constexpr std::uint8_t kTaskPreempted = 128;  ///< … to make room: it is queued again
/// The flags that are stored; the others belong to the engine's memory.
inline constexpr std::uint8_t kTaskFlagsStored =
    kTaskStopAsked | kTaskStopByPerson | kTaskStopDeadline | kTaskForgiven | kTaskPreempted;

/// Somebody was let into the sandbox of an attempt.
struct Entry {
  Time at = kUnset;
  std::uint32_t attempt = 0;
  std::uint32_t user_id = 0;
  std::string by;       ///< user name
  std::string command;  ///< words divided by spaces, cut to kEntryCommandBytesMax
  friend bool operator==(const Entry&, const Entry&) = default;
  static constexpr auto fields() {
    return std::tuple{field("at", &Entry::at), field("attempt", &Entry::attempt),
                      field("user_id", &Entry::user_id), field("by", &Entry::by),
                      field("command", &Entry::command)};
  }
};
inline constexpr std::size_t kEntryCommandBytesMax = 1000;
inline constexpr std::size_t kEntriesMax = 20;  ///< the newest; the journal has them all

/// What few tasks have.
struct TaskExtra {
  /// For limits by class; that of `none` counts how often it was stopped to make room.
  std::array<std::uint16_t, kOutcomeClassCount> ends_by_class{};
  std::string message;                 ///< for people
  std::vector<OutputValue> outputs;    ///< of the attempt that succeeded
  std::vector<OutputValue> artifacts;  ///< name → absolute path of the stored file
  std::vector<Entry> entries;          ///< oldest first
  Duration hold{0};  ///< so long the sandbox is kept open when its program fails: `retry --debug`
  Hedging hedging;
  std::uint8_t variant = 0;  ///< of its resources that the latest attempt was given
};

/// A task as it is read back.
struct StoredTask {
  TaskId id;
  Task task;
  std::unique_ptr<TaskExtra> extra;  ///< null: nothing special
};

struct AttemptRecord {
  TaskId task;
  std::uint32_t number = 0;
  Token token;
  PoolId pool;
  Time queued_at = kUnset;
  Time started_at = kUnset;
  Time ended_at = kUnset;
  SandboxTier tier = SandboxTier::none;  ///< that it ran in
  Outcome outcome;
  Usage usage;
  Reason placed;  ///< why there and then
  Reason next;    ///< why it is tried again, or not
  std::string message;
  schedule::PlacementScore score;
};

/// A node that people took out, or let work again.
struct DrainRecord {
  std::string node;
  bool drained = false;
  Time since = kUnset;
  std::string by;
  std::string why;
  friend bool operator==(const DrainRecord&, const DrainRecord&) = default;
  static constexpr auto fields() {
    return std::tuple{field("node", &DrainRecord::node), field("drained", &DrainRecord::drained),
                      field("since", &DrainRecord::since), field("by", &DrainRecord::by),
                      field("why", &DrainRecord::why)};
  }
};

inline constexpr std::uint32_t kNotExpanded = 0xffffffff;
/// A group whose tasks became known only while the run went on. The last record of a group counts.
struct Expansion {
  RunId run;
  GroupIndex group;
  std::uint32_t first = 0;  ///< index of its first task; kNotExpanded: it is to be expanded again
  std::uint32_t count = 0;
  std::string items;  ///< JSON array: the legs or items
};

/// What stores give back for recovery and for `retry`.
struct StoredRun {
  RunRecord record;                   ///< workflow and origin filled
  std::vector<Expansion> expansions;  ///< in the order they happened
  std::vector<StoredTask> tasks;      ///< by index
};
struct Snapshot {
  std::vector<StoredRun> runs;               ///< by id; only those that are not final
  std::vector<EstimateRecord> estimates;     ///< in any order
  std::vector<schedule::UsageRecord> usage;  ///< as above
  std::vector<DrainRecord> drains;           ///< as above
  Token last_token;
  RunId last_run;
  std::uint64_t last_step = 0;
  Time last_now = kUnset;
  Digest last_chain;
};

}  // namespace reeve::core
