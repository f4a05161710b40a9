#include "store/sqlite/rows.h"

#include <algorithm>
#include <concepts>
#include <limits>

#include "base/codec.h"

namespace reeve::store::sqlite {
namespace {

using core::AttemptRecord;
using core::Expansion;
using core::RunRecord;
using core::RunTexts;
using core::StoredTask;
using core::Task;
using core::TaskExtra;

constexpr std::int64_t microseconds(Time time) { return time.time_since_epoch().count(); }

void bind_time(RowValues& row, int parameter, Time time, Time null_means = kUnset) {
  if (time == null_means) {
    row.bind_null(parameter);
  } else {
    row.bind(parameter, microseconds(time));
  }
}

Time read_time(const Statement& row, int column, Time null_means = kUnset) {
  if (row.is_null(column)) return null_means;
  return Time{Duration{row.integer(column)}};
}

void bind_reason(RowValues& row, int parameter, const Reason& reason) {
  row.bind(parameter, static_cast<std::int64_t>(reason.code));
  row.bind(parameter + 1, reason.a);
  row.bind(parameter + 2, reason.b);
}

/// An integer of the width of its member; false if it does not fit.
template <std::integral T>
bool read_integer(const Statement& row, int column, T& out) {
  const std::int64_t value = row.integer(column);
  out = static_cast<T>(value);
  if constexpr (std::same_as<T, std::uint64_t>) return true;
  return static_cast<std::int64_t>(out) == value;
}

template <class Enum>
bool read_enum(const Statement& row, int column, std::size_t count, Enum& out) {
  const std::int64_t value = row.integer(column);
  out = static_cast<Enum>(value);
  return value >= 0 && static_cast<std::size_t>(value) < count;
}

bool read_reason(const Statement& row, int column, Reason& out) {
  return read_enum(row, column, std::numeric_limits<std::uint16_t>::max(), out.code) &&
         read_integer(row, column + 1, out.a) && read_integer(row, column + 2, out.b);
}

std::string encode_extra(const TaskExtra& extra) {
  std::string out;
  Writer writer(out);
  writer.varint(extra.ends_by_class.size());
  for (const std::uint16_t ends : extra.ends_by_class) writer.varint(ends);
  encode(writer, extra.message);
  encode(writer, extra.outputs);
  encode(writer, extra.artifacts);
  // Few tasks have these: the others are as they were before there were such.
  const bool hedged = extra.hedging != core::Hedging{};
  const bool varied = extra.variant != 0;
  if (extra.entries.empty() && extra.hold == Duration{0} && !hedged && !varied) return out;
  encode(writer, extra.entries);
  encode(writer, extra.hold);
  if (hedged || varied) encode(writer, extra.hedging);
  if (varied) encode(writer, extra.variant);
  return out;
}

bool decode_extra(std::string_view bytes, TaskExtra& out) {
  Reader reader(bytes);
  std::uint64_t classes = 0;
  if (!reader.varint(classes) || classes > out.ends_by_class.size()) return false;
  for (std::uint64_t i = 0; i < classes; ++i) {
    if (!decode(reader, out.ends_by_class[i])) return false;
  }
  if (!decode(reader, out.message) || !decode(reader, out.outputs) ||
      !decode(reader, out.artifacts))
    return false;
  if (reader.at_end()) return true;
  if (!decode(reader, out.entries) || !decode(reader, out.hold)) return false;
  if (reader.at_end()) return true;
  if (!decode(reader, out.hedging)) return false;
  if (reader.at_end()) return true;
  return decode(reader, out.variant) && reader.at_end();
}

template <class T>
std::string_view bytes_of_array(const T& value) {
  return {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()};
}

template <class T>
bool read_array(std::string_view bytes, T& out) {
  if (bytes.size() != out.bytes.size()) return false;
  std::ranges::transform(bytes, out.bytes.begin(),
                         [](char c) { return static_cast<std::uint8_t>(c); });
  return true;
}

}  // namespace

std::string_view bytes_of(const Digest& digest) { return bytes_of_array(digest); }
std::string_view bytes_of(const Uuid& uuid) { return bytes_of_array(uuid); }
bool read_digest(std::string_view bytes, Digest& out) { return read_array(bytes, out); }
bool read_uuid(std::string_view bytes, Uuid& out) { return read_array(bytes, out); }

TaskRange tasks_of(RunId run) {
  return {
      static_cast<std::int64_t>(TaskId{run, 0}.packed()),
      static_cast<std::int64_t>(TaskId{run, std::numeric_limits<std::uint32_t>::max()}.packed())};
}

void bind_task(RowValues& row, TaskId id, const Task& task, const TaskExtra* extra,
               std::string& buffer) {
  row.bind(1, static_cast<std::int64_t>(id.packed()));
  row.bind(2, static_cast<std::int64_t>(task.state));
  row.bind(3, task.group.value);
  row.bind(4, static_cast<std::int64_t>(task.outcome));
  row.bind(5, task.code);
  row.bind(6, task.flags & core::kTaskFlagsStored);
  row.bind(7, task.percent);
  row.bind(8, task.attempt);
  row.bind(9, task.charged);
  bind_reason(row, 10, task.reason);
  row.bind(13, static_cast<std::int64_t>(task.token.value));
  bind_time(row, 14, task.since);
  bind_time(row, 15, task.wake_at, kNever);
  bind_time(row, 16, task.queued_at);
  bind_time(row, 17, task.started_at);
  if (extra == nullptr) {
    row.bind_null(18);
  } else {
    buffer = encode_extra(*extra);
    row.bind_blob(18, buffer);
  }
  row.bind(19, static_cast<std::int64_t>(task.batch.value));
}

bool read_task(const Statement& row, StoredTask& out) {
  out.id = TaskId::from_packed(static_cast<std::uint64_t>(row.integer(0)));
  Task& task = out.task;
  const bool ok = read_enum(row, 1, core::kTaskStateCount, task.state) &&
                  read_integer(row, 2, task.group.value) &&
                  read_enum(row, 3, kOutcomeClassCount, task.outcome) &&
                  read_integer(row, 4, task.code) && read_integer(row, 5, task.flags) &&
                  read_integer(row, 6, task.percent) && read_integer(row, 7, task.attempt) &&
                  read_integer(row, 8, task.charged) && read_reason(row, 9, task.reason) &&
                  read_integer(row, 12, task.token.value) &&
                  read_integer(row, 18, task.batch.value);
  task.flags |= core::kTaskStored;
  task.since = read_time(row, 13);
  task.wake_at = read_time(row, 14, kNever);
  task.queued_at = read_time(row, 15);
  task.started_at = read_time(row, 16);
  if (!ok) return false;
  if (row.is_null(17)) return true;
  out.extra = std::make_unique<TaskExtra>();
  return decode_extra(row.bytes(17), *out.extra);
}

void bind_attempt(RowValues& row, const AttemptRecord& attempt, std::string& buffer) {
  row.bind(1, static_cast<std::int64_t>(attempt.task.packed()));
  row.bind(2, attempt.number);
  row.bind(3, static_cast<std::int64_t>(attempt.token.value));
  row.bind(4, attempt.pool.value);
  row.bind(5, static_cast<std::int64_t>(attempt.outcome.kind));
  row.bind(6, attempt.outcome.code);
  bind_reason(row, 7, attempt.outcome.reason);
  bind_reason(row, 10, attempt.placed);
  bind_reason(row, 13, attempt.next);
  bind_time(row, 16, attempt.queued_at);
  bind_time(row, 17, attempt.started_at);
  bind_time(row, 18, attempt.ended_at);
  row.bind(19, attempt.usage.user_cpu.count());
  row.bind(20, attempt.usage.system_cpu.count());
  row.bind(21, attempt.usage.memory_peak_bytes);
  row.bind(22, attempt.usage.read_bytes);
  row.bind(23, attempt.usage.written_bytes);
  row.bind(24, attempt.usage.context_switches);
  row.bind(25, attempt.usage.output_bytes);
  row.bind_text_or_null(26, attempt.message);
  row.bind(27, static_cast<std::int64_t>(attempt.tier));
  if (attempt.score == schedule::PlacementScore{}) return row.bind_null(28);
  buffer.clear();
  Writer out(buffer);
  encode(out, attempt.score);
  row.bind_blob(28, buffer);
}

bool read_attempt(const Statement& row, AttemptRecord& out) {
  out.task = TaskId::from_packed(static_cast<std::uint64_t>(row.integer(0)));
  const bool ok = read_integer(row, 1, out.number) && read_integer(row, 2, out.token.value) &&
                  read_integer(row, 3, out.pool.value) &&
                  read_enum(row, 4, kOutcomeClassCount, out.outcome.kind) &&
                  read_integer(row, 5, out.outcome.code) &&
                  read_reason(row, 6, out.outcome.reason) && read_reason(row, 9, out.placed) &&
                  read_reason(row, 12, out.next) && read_enum(row, 26, kSandboxTierCount, out.tier);
  out.queued_at = read_time(row, 15);
  out.started_at = read_time(row, 16);
  out.ended_at = read_time(row, 17);
  out.usage.user_cpu = Duration{row.integer(18)};
  out.usage.system_cpu = Duration{row.integer(19)};
  out.usage.memory_peak_bytes = row.integer(20);
  out.usage.read_bytes = row.integer(21);
  out.usage.written_bytes = row.integer(22);
  out.usage.context_switches = row.integer(23);
  out.usage.output_bytes = row.integer(24);
  out.message = row.bytes(25);
  if (!ok || row.is_null(27)) return ok;
  Reader score(row.bytes(27));
  return decode(score, out.score) && score.at_end();
}

namespace {

template <class Record>
void bind_encoded(RowValues& row, int parameter, const Record& record, std::string& buffer) {
  buffer.clear();
  Writer out(buffer);
  encode(out, record);
  row.bind_blob(parameter, buffer);
}

template <class Record>
bool read_encoded(std::string_view bytes, Record& out) {
  Reader record(bytes);
  return decode(record, out) && record.at_end();
}

}  // namespace

void bind_usage(RowValues& row, const schedule::UsageRecord& usage, std::string& buffer) {
  row.bind_text(1, usage.queue);
  row.bind(2, usage.is_user ? 1 : 0);
  row.bind_text(3, usage.user);
  bind_encoded(row, 4, usage, buffer);
}

bool read_usage(const Statement& row, schedule::UsageRecord& out) {
  return read_encoded(row.bytes(0), out);
}

void bind_drain(RowValues& row, const core::DrainRecord& drain, std::string& buffer) {
  row.bind_text(1, drain.node);
  bind_encoded(row, 2, drain, buffer);
}

bool read_drain(const Statement& row, core::DrainRecord& out) {
  return read_encoded(row.bytes(0), out);
}

namespace {

constexpr std::size_t kRunStateCount = static_cast<std::size_t>(core::RunState::cancelled) + 1;

/// As the codec writes a list of core::RunAfter.
bool read_after(std::string_view bytes, core::RunAfterList& out) {
  out = std::make_unique<std::vector<core::RunAfter>>();
  if (!read_encoded(bytes, *out) || out->size() > core::kRunAfterMax) return false;
  return std::ranges::all_of(*out, [](const core::RunAfter& each) {
    return static_cast<std::size_t>(each.condition) < core::kAfterConditionCount &&
           static_cast<std::size_t>(each.ended) < kRunStateCount;
  });
}

}  // namespace

void bind_run(RowValues& row, const RunRecord& run, RunReferences references, std::string& buffer) {
  row.bind(1, run.id.value);
  row.bind(2, static_cast<std::int64_t>(run.state));
  row.bind(3, run.paused ? 1 : 0);
  row.bind(4, run.cancel_requested ? 1 : 0);
  row.bind(5, run.interrupted ? 1 : 0);
  row.bind(6, run.priority);
  row.bind(7, run.round);
  bind_reason(row, 8, run.reason);
  row.bind(11, references.workflow);
  row.bind(12, references.origin);
  bind_time(row, 13, run.submitted_at);
  bind_time(row, 14, run.started_at);
  bind_time(row, 15, run.ended_at);
  row.bind_blob(16, bytes_of(run.uuid));
  row.bind_text_or_null(17, run.inputs.view());
  if (run.after == nullptr) return row.bind_null(18);
  bind_encoded(row, 18, *run.after, buffer);
}

bool read_run_end(const Statement& row, core::RunState& state, Uuid& uuid) {
  return read_enum(row, 0, kRunStateCount, state) && read_array(row.bytes(1), uuid);
}

bool read_run(const Statement& row, RunRecord& out, RunReferences& references) {
  const bool ok = read_integer(row, 0, out.id.value) && out.id.value <= kRunIdMax &&
                  read_enum(row, 1, kRunStateCount, out.state) &&
                  read_integer(row, 5, out.priority) && read_integer(row, 6, out.round) &&
                  read_reason(row, 7, out.reason) && read_array(row.bytes(15), out.uuid);
  out.paused = row.integer(2) != 0;
  out.cancel_requested = row.integer(3) != 0;
  out.interrupted = row.integer(4) != 0;
  references = {row.integer(10), row.integer(11)};
  out.submitted_at = read_time(row, 12);
  out.started_at = read_time(row, 13);
  out.ended_at = read_time(row, 14);
  out.inputs = row.bytes(16);
  return ok && (row.is_null(17) || read_after(row.bytes(17), out.after));
}

void bind_run_texts(RowValues& row, RunId run, const RunTexts& texts) {
  row.bind(1, run.value);
  row.bind_text_or_null(2, texts.name);
  row.bind_text_or_null(3, texts.labels);
  row.bind_text_or_null(4, texts.idempotency_key);
  row.bind_text_or_null(5, texts.outputs);
  row.bind_text_or_null(6, texts.cancel_reason);
}

void read_run_texts(const Statement& row, int first_column, RunRecord& out) {
  if (row.is_null(first_column)) return;
  out.texts = std::make_unique<RunTexts>();
  out.texts->name = row.bytes(first_column + 1);
  out.texts->labels = row.bytes(first_column + 2);
  out.texts->idempotency_key = row.bytes(first_column + 3);
  out.texts->outputs = row.bytes(first_column + 4);
  out.texts->cancel_reason = row.bytes(first_column + 5);
}

void bind_expansion(RowValues& row, const Expansion& expansion) {
  row.bind(1, expansion.run.value);
  row.bind(2, expansion.group.value);
  row.bind(3, expansion.first);
  row.bind(4, expansion.count);
  row.bind_text(5, expansion.items);
}

bool read_expansion(const Statement& row, Expansion& out) {
  out.items = row.bytes(4);
  return read_integer(row, 0, out.run.value) && read_integer(row, 1, out.group.value) &&
         read_integer(row, 2, out.first) && read_integer(row, 3, out.count);
}

namespace {

/// Columns of the moments of an estimate, from the first of each on.
constexpr int kSecondsFirst = 5;
constexpr int kMemoryFirst = 9;
constexpr int kEnds = 13;

void bind_moments(RowValues& row, int first_column, const schedule::LogMoments& moments) {
  row.bind(first_column + 1, moments.count);
  row.bind_real(first_column + 2, moments.weight);
  row.bind_real(first_column + 3, moments.mean);
  row.bind_real(first_column + 4, moments.variance);
}

bool read_moments(const Statement& row, int first_column, schedule::LogMoments& out) {
  out.weight = row.real(first_column + 1);
  out.mean = row.real(first_column + 2);
  out.variance = row.real(first_column + 3);
  return read_integer(row, first_column, out.count);
}

}  // namespace

void bind_estimate(RowValues& row, const core::EstimateRecord& record) {
  const schedule::Estimate& estimate = record.estimate;
  row.bind(1, record.id.value);
  row.bind(2, static_cast<std::int64_t>(record.key));
  row.bind(3, static_cast<std::int64_t>(record.used));
  row.bind_text(4, record.workflow);
  row.bind_text(5, record.task);
  bind_moments(row, kSecondsFirst, estimate.seconds);
  bind_moments(row, kMemoryFirst, estimate.memory_bytes);
  row.bind_real(kEnds + 1, estimate.ends);
  // Of OutcomeClass::none there is no column: nothing ends so.
  for (int i = 1; i < static_cast<int>(kOutcomeClassCount); ++i)
    row.bind_real(kEnds + 1 + i, estimate.failures[static_cast<std::size_t>(i)]);
}

bool read_estimate(const Statement& row, core::EstimateRecord& out) {
  schedule::Estimate& estimate = out.estimate;
  out.workflow = row.bytes(3);
  out.task = row.bytes(4);
  estimate.ends = row.real(kEnds);
  for (int i = 1; i < static_cast<int>(kOutcomeClassCount); ++i)
    estimate.failures[static_cast<std::size_t>(i)] = row.real(kEnds + i);
  return read_integer(row, 0, out.id.value) && read_integer(row, 1, out.key) &&
         read_integer(row, 2, out.used) && read_moments(row, kSecondsFirst, estimate.seconds) &&
         read_moments(row, kMemoryFirst, estimate.memory_bytes);
}

}  // namespace reeve::store::sqlite
