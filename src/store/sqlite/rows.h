// How records become rows and rows become records: the one place that knows the columns, used by
// the store and by the history. Statements are built from the column lists here, so that the order
// of columns, of what is bound and of reading stays one. No state; no thread rule.
#pragma once

#include <string>
#include <string_view>

#include "core/records.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/row_feed.h"

namespace reeve::store::sqlite {

/// Largest run number: its tasks' packed ids stay positive, so that they sort by run.
inline constexpr std::uint32_t kRunIdMax = 0x7fffffff;

/// The packed ids of a run's tasks.
struct TaskRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
TaskRange tasks_of(RunId run);

inline constexpr std::string_view kTaskColumns =
    "id, state, group_index, outcome, code, flags, percent, attempt, charged, reason, reason_a, "
    "reason_b, token, since, wake_at, queued_at, started_at, extra, batch";
/// `buffer` holds the encoded extra until the next row is bound.
void bind_task(RowValues& row, TaskId id, const core::Task& task, const core::TaskExtra* extra,
               std::string& buffer);
/// False: the row cannot be ours.
bool read_task(const Statement& row, core::StoredTask& out);

inline constexpr std::string_view kAttemptColumns =
    "task, number, token, pool, outcome, code, reason, reason_a, reason_b, placed, placed_a, "
    "placed_b, next, next_a, next_b, queued_at, started_at, ended_at, user_cpu, system_cpu, "
    "memory_peak_bytes, read_bytes, written_bytes, context_switches, output_bytes, message, "
    "tier, score";
/// `buffer` holds the encoded score until the next row is bound.
void bind_attempt(RowValues& row, const core::AttemptRecord& attempt, std::string& buffer);
bool read_attempt(const Statement& row, core::AttemptRecord& out);

inline constexpr std::string_view kRunColumns =
    "id, state, paused, cancel_requested, interrupted, priority, round, reason, reason_a, "
    "reason_b, workflow, origin, submitted_at, started_at, ended_at, uuid, inputs, follows";
/// The same where other tables are joined.
inline constexpr std::string_view kJoinedRunColumns =
    "runs.id, state, paused, cancel_requested, interrupted, priority, round, reason, reason_a, "
    "reason_b, workflow, runs.origin, submitted_at, started_at, ended_at, uuid, inputs, follows";
/// Rows of `workflows` and `origins` that a run refers to.
struct RunReferences {
  std::int64_t workflow = 0;
  std::int64_t origin = 0;
};
/// `buffer` holds what it follows, encoded, until the next row is bound.
void bind_run(RowValues& row, const core::RunRecord& run, RunReferences references,
              std::string& buffer);
/// All but workflow, origin and texts.
bool read_run(const Statement& row, core::RunRecord& out, RunReferences& references);
/// From `SELECT state, uuid`.
bool read_run_end(const Statement& row, core::RunState& state, Uuid& uuid);

/// Read together with a run, from column kRunTextsFirst on, as LEFT JOIN run_texts.
inline constexpr int kRunTextsFirst = 18;
inline constexpr std::string_view kRunTextsColumns =
    "run, name, labels, idempotency_key, outputs, cancel_reason";
void bind_run_texts(RowValues& row, RunId run, const core::RunTexts& texts);
void read_run_texts(const Statement& row, int first_column, core::RunRecord& out);

inline constexpr std::string_view kExpansionColumns = "run, group_index, first, count, items";
void bind_expansion(RowValues& row, const core::Expansion& expansion);
bool read_expansion(const Statement& row, core::Expansion& out);

inline constexpr std::string_view kEstimateColumns =
    "id, key, used, workflow, task, seconds_count, seconds_weight, seconds_mean, "
    "seconds_variance, memory_count, memory_weight, memory_mean, memory_variance, ends, failed, "
    "signalled, timed_out, out_of_memory, lost, rejected, start_failed";
void bind_estimate(RowValues& row, const core::EstimateRecord& estimate);
bool read_estimate(const Statement& row, core::EstimateRecord& out);

inline constexpr std::string_view kUsageColumns = "queue, is_user, user, record";
void bind_usage(RowValues& row, const schedule::UsageRecord& usage, std::string& buffer);
/// From `SELECT record`. False: it is not what was written.
bool read_usage(const Statement& row, schedule::UsageRecord& out);

inline constexpr std::string_view kDrainColumns = "node, record";
void bind_drain(RowValues& row, const core::DrainRecord& drain, std::string& buffer);
/// As above.
bool read_drain(const Statement& row, core::DrainRecord& out);

std::string_view bytes_of(const Digest& digest);
std::string_view bytes_of(const Uuid& uuid);
/// False: not of that length.
bool read_digest(std::string_view bytes, Digest& out);
bool read_uuid(std::string_view bytes, Uuid& out);

}  // namespace reeve::store::sqlite
