#include "store/sqlite/sqlite_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ensure.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/run_reader.h"
#include "store/sqlite/schema.h"

namespace reeve::store::sqlite {
namespace {

// A checkpoint every 8 MiB of log: larger ones gain nothing and make single commits wait longer.
constexpr int kCheckpointPages = 1000;
constexpr int kCacheKibibytes = 16 * 1024;
constexpr int kWalBytesKept = 64 << 20;  // a long reader may have let the log grow beyond this

Status configure(Connection& connection, const SqliteOptions& options) {
  // The size must be set before the first page is written, the journal mode outside transactions.
  TRY(connection.execute(
      fmt::format("PRAGMA page_size = {}; PRAGMA journal_mode = WAL; "
                  "PRAGMA synchronous = FULL; PRAGMA secure_delete = OFF; "
                  "PRAGMA cache_size = -{}; PRAGMA wal_autocheckpoint = {}; "
                  "PRAGMA journal_size_limit = {}",
                  kPageBytes, kCacheKibibytes, kCheckpointPages, kWalBytesKept)));
  if (options.pages_max > 0)
    TRY(connection.execute(fmt::format("PRAGMA max_page_count = {}", options.pages_max)));
  return {};
}

/// One record of `SELECT step, now, effects, chain, events`.
bool read_record(const Statement& row, engine::JournalRecord& out) {
  out.step = static_cast<std::uint64_t>(row.integer(0));
  out.now = Time{Duration{row.integer(1)}};
  const bool ok = read_digest(row.bytes(2), out.effects) && read_digest(row.bytes(3), out.chain);
  out.events = row.bytes(4);
  return ok;
}

Result<std::vector<core::EstimateRecord>> read_estimates(Connection& connection) {
  TRY_ASSIGN(Statement rows, connection.prepare(fmt::format("SELECT {} FROM estimates ORDER BY id",
                                                            kEstimateColumns)));
  std::vector<core::EstimateRecord> estimates;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return estimates;
    if (!read_estimate(rows, estimates.emplace_back()))
      return corrupt(connection.path(), fmt::format("row {} of estimates", rows.integer(0)));
  }
}

/// Rows of which the first column is a record, and the second what it is of.
template <class Record>
Result<std::vector<Record>> read_records(Connection& connection, const char* query,
                                         bool (*read)(const Statement&, Record&)) {
  TRY_ASSIGN(Statement rows, connection.prepare(query));
  std::vector<Record> records;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return records;
    if (!read(rows, records.emplace_back()))
      return corrupt(connection.path(), fmt::format("the record of '{}'", rows.bytes(1)));
  }
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path,
                                                       const SqliteOptions& options) {
  TRY_ASSIGN(Connection connection,
             Connection::open(path, Access::read_write, options.busy_timeout));
  // Before the first write: a file that is not ours stays as it is.
  TRY(check_ours(connection));
  TRY(configure(connection, options));
  TRY(migrate(connection, migrations()));
  Statements statements;
  TRY(prepare(connection, statements));
  TRY_ASSIGN(ReferenceWriter references, ReferenceWriter::open(connection));
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(connection), std::move(references)));
  store->statements_ = std::move(statements);
  TRY(store->read_position());
  return store;
}

Status SqliteStore::prepare(Connection& connection, Statements& statements) {
  TRY_ASSIGN(statements.begin, connection.prepare("BEGIN IMMEDIATE"));
  TRY_ASSIGN(statements.commit, connection.prepare("COMMIT"));
  TRY_ASSIGN(statements.data_version, connection.prepare("PRAGMA data_version"));
  TRY_ASSIGN(statements.insert_run, connection.prepare(kInsertRun));
  TRY_ASSIGN(statements.update_run, connection.prepare(kUpdateRun));
  TRY_ASSIGN(statements.put_run_texts, connection.prepare(kPutRunTexts));
  TRY_ASSIGN(statements.delete_run_texts, connection.prepare("DELETE FROM run_texts WHERE run=?"));
  TRY_ASSIGN(statements.put_task, connection.prepare(kPutTask));
  TRY_ASSIGN(statements.put_attempt, connection.prepare(kPutAttempt));
  TRY_ASSIGN(statements.put_expansion, connection.prepare(kPutExpansion));
  TRY_ASSIGN(statements.put_estimate, connection.prepare(kPutEstimate));
  TRY_ASSIGN(statements.put_usage, connection.prepare(kPutUsage));
  TRY_ASSIGN(statements.put_drain, connection.prepare(kPutDrain));
  TRY_ASSIGN(statements.put_journal,
             connection.prepare("INSERT INTO journal (step, now, last_token, effects, chain, "
                                "events) VALUES (?,?,?,?,?,?)"));
  TRY_ASSIGN(statements.begin_lookups, connection.prepare("BEGIN"));
  TRY_ASSIGN(statements.find_key,
             connection.prepare("SELECT run FROM run_texts WHERE idempotency_key=?"));
  TRY_ASSIGN(statements.find_end, connection.prepare("SELECT state, uuid FROM runs WHERE id=?"));
  return {};
}

Status SqliteStore::read_position() {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY_ASSIGN(data_version_, connection_.query_integer("PRAGMA data_version"));
  TRY_ASSIGN(const std::int64_t run, connection_.query_integer("SELECT max(id) FROM runs"));
  TRY_ASSIGN(const std::int64_t step, connection_.query_integer("SELECT max(step) FROM journal"));
  last_run_ = static_cast<std::uint32_t>(run);
  last_step_ = static_cast<std::uint64_t>(step);
  return {};
}

Status SqliteStore::commit(const engine::Commit& commit) {
  if (failed_) {
    return fail(ErrorCode::conflict,
                fmt::format("an earlier commit to {} failed, so nothing more is written: start "
                            "again, which goes on from what is stored",
                            connection_.path()));
  }
  Status done = write(commit);
  if (!done) {
    failed_ = true;
    if (connection_.in_transaction()) static_cast<void>(connection_.execute("ROLLBACK"));
  }
  return done;
}

Status SqliteStore::write(const engine::Commit& commit) {
  ENSURE(commit.journal != nullptr);
  TRY(end_lookups());
  TRY(statements_.begin.run());
  TRY(check_sole_writer());
  for (const auto& workflow : commit.workflows) TRY(references_.workflow(*workflow));
  TRY(write_runs(commit.runs));
  for (const engine::TaskRow& row : commit.tasks) {
    bind_task(statements_.put_task, row.id, *row.task, row.extra, buffer_);
    TRY(statements_.put_task.run());
  }
  for (const core::AttemptRecord& attempt : commit.attempts) {
    bind_attempt(statements_.put_attempt, attempt, buffer_);
    TRY(statements_.put_attempt.run());
  }
  for (const core::Expansion& expansion : commit.expansions) {
    bind_expansion(statements_.put_expansion, expansion);
    TRY(statements_.put_expansion.run());
  }
  for (const core::EstimateRecord* const estimate : commit.estimates) {
    bind_estimate(statements_.put_estimate, *estimate);
    TRY(statements_.put_estimate.run());
  }
  for (const schedule::UsageRecord& usage : commit.usage) {
    bind_usage(statements_.put_usage, usage, buffer_);
    TRY(statements_.put_usage.run());
  }
  for (const core::DrainRecord& drain : commit.drains) {
    bind_drain(statements_.put_drain, drain, buffer_);
    TRY(statements_.put_drain.run());
  }
  TRY(write_journal(*commit.journal, commit.last_token));
  return statements_.commit.run();
}

Status SqliteStore::begin_lookups() {
  if (looks_up_) return {};
  TRY(statements_.begin_lookups.run());
  looks_up_ = true;
  return {};
}

Status SqliteStore::end_lookups() {
  // SQLite ends a transaction itself when a read has failed badly.
  const bool is_open = std::exchange(looks_up_, false) && connection_.in_transaction();
  return is_open ? statements_.commit.run() : Status();
}

Status SqliteStore::check_sole_writer() {
  TRY_ASSIGN(const bool row, statements_.data_version.step());
  const std::int64_t version = row ? statements_.data_version.integer(0) : 0;
  statements_.data_version.reset();
  if (version == data_version_) return {};
  return fail(ErrorCode::conflict,
              fmt::format("another program has written to {}: this engine stops, because what it "
                          "knows is out of date; let only one engine use a state directory",
                          connection_.path()));
}

Status SqliteStore::write_runs(std::span<const core::RunRecord* const> runs) {
  std::uint32_t last = last_run_;
  for (const core::RunRecord* const run : runs) {
    TRY(write_run(*run));
    last = std::max(last, run->id.value);
  }
  last_run_ = last;  // only now: the runs of one commit come in any order
  return {};
}

Status SqliteStore::write_run(const core::RunRecord& run) {
  if (run.id.value > kRunIdMax) {
    return fail(ErrorCode::exhausted,
                fmt::format("{} holds as many runs as it can number: start a new state directory",
                            connection_.path()));
  }
  const bool is_new = run.id.value > last_run_;
  TRY_ASSIGN(const RunReferences references, references_.of(run));
  Statement& statement = is_new ? statements_.insert_run : statements_.update_run;
  bind_run(statement, run, references, buffer_);
  TRY(statement.run());
  if (run.texts != nullptr) {
    bind_run_texts(statements_.put_run_texts, run.id, *run.texts);
    TRY(statements_.put_run_texts.run());
  } else if (!is_new) {
    statements_.delete_run_texts.bind(1, run.id.value);
    TRY(statements_.delete_run_texts.run());
  }
  return {};
}

Status SqliteStore::write_journal(const engine::JournalRecord& record, Token last_token) {
  ENSURE(record.step == last_step_ + 1);
  Statement& statement = statements_.put_journal;
  statement.bind(1, static_cast<std::int64_t>(record.step));
  statement.bind(2, record.now.time_since_epoch().count());
  statement.bind(3, static_cast<std::int64_t>(last_token.value));
  statement.bind_blob(4, bytes_of(record.effects));
  statement.bind_blob(5, bytes_of(record.chain));
  statement.bind_blob(6, record.events);
  TRY(statement.run());
  last_step_ = record.step;
  return {};
}

Result<core::Snapshot> SqliteStore::load() {
  TRY(end_lookups());
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  core::Snapshot snapshot;
  TRY_ASSIGN(Statement last, connection_.prepare("SELECT step, now, last_token, chain FROM journal "
                                                 "ORDER BY step DESC LIMIT 1"));
  TRY_ASSIGN(const bool has_record, last.step());
  if (has_record) {
    snapshot.last_step = static_cast<std::uint64_t>(last.integer(0));
    snapshot.last_now = Time{Duration{last.integer(1)}};
    snapshot.last_token = Token{static_cast<std::uint64_t>(last.integer(2))};
    if (!read_digest(last.bytes(3), snapshot.last_chain))
      return corrupt(connection_.path(), fmt::format("journal record {}", snapshot.last_step));
  }
  last.reset();
  snapshot.last_run = RunId{last_run_};
  TRY_ASSIGN(RunReader reader, RunReader::open(connection_, Unreadable::is_error));
  TRY_ASSIGN(snapshot.runs, reader.open_runs());
  TRY_ASSIGN(snapshot.estimates, read_estimates(connection_));
  TRY_ASSIGN(snapshot.usage,
             read_records(connection_, "SELECT record, queue FROM usage", read_usage));
  TRY_ASSIGN(snapshot.drains,
             read_records(connection_, "SELECT record, node FROM drains", read_drain));
  return snapshot;
}

Result<core::StoredRun> SqliteStore::load_run(RunId run) {
  TRY(end_lookups());
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY_ASSIGN(RunReader reader, RunReader::open(connection_, Unreadable::is_error));
  return reader.whole(run);
}

Result<RunId> SqliteStore::find_idempotency_key(std::string_view key) {
  TRY(begin_lookups());
  Statement& find = statements_.find_key;
  find.bind_text(1, key);
  TRY_ASSIGN(const bool found, find.step());
  if (!found) {
    return fail(ErrorCode::not_found,
                fmt::format("no run was submitted with the idempotency key '{}'", key));
  }
  const RunId run{static_cast<std::uint32_t>(find.integer(0))};
  find.reset();
  return run;
}

Result<engine::RunEnd> SqliteStore::find_end(RunId run) {
  TRY(begin_lookups());
  Statement& find = statements_.find_end;
  find.bind(1, run.value);
  TRY_ASSIGN(const bool found, find.step());
  if (!found) return fail(ErrorCode::not_found, fmt::format("there is no run {}", run.value));
  engine::RunEnd end;
  const bool ok = read_run_end(find, end.state, end.uuid);
  find.reset();
  if (!ok) return corrupt(connection_.path(), fmt::format("row {} of table runs", run.value));
  return end;
}

Status SqliteStore::read_journal(std::uint64_t from_step,
                                 const std::function<bool(const engine::JournalRecord&)>& visit) {
  TRY_ASSIGN(Statement rows, connection_.prepare("SELECT step, now, effects, chain, events FROM "
                                                 "journal WHERE step >= ? ORDER BY step"));
  const std::uint64_t first = std::max<std::uint64_t>(from_step, 1);
  // The record before the first is read too: its chain value is where the check begins.
  rows.bind(1, static_cast<std::int64_t>(first - 1));
  std::uint64_t expected = first == 1 ? 1 : first - 1;
  Digest previous;
  engine::JournalRecord record;
  for (;; ++expected) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return {};
    const bool ok = read_record(rows, record);
    if (record.step != expected) {
      return corrupt(connection_.path(), fmt::format("journal record {} is missing", expected));
    }
    if (!ok || (record.step >= first && engine::chain_digest(previous, record) != record.chain)) {
      return corrupt(connection_.path(),
                     fmt::format("journal record {} is not what was written", record.step));
    }
    previous = record.chain;
    if (record.step >= first && !visit(record)) return {};
  }
}

// The result is shared with nobody here; the port gives workflows in this form.
Result<std::shared_ptr<const spec::Workflow>> SqliteStore::load_workflow(const Digest& digest) {
  TRY_ASSIGN(Statement find, connection_.prepare("SELECT id FROM workflows WHERE digest=?"));
  find.bind_blob(1, bytes_of(digest));
  TRY_ASSIGN(const bool found, find.step());
  if (!found) {
    return fail(ErrorCode::not_found,
                fmt::format("no workflow with digest {} is stored", format_digest(digest)));
  }
  const std::int64_t row = find.integer(0);
  find.reset();
  TRY_ASSIGN(ReferenceReader reader, ReferenceReader::open(connection_, Unreadable::is_error));
  return reader.workflow(row);
}

}  // namespace reeve::store::sqlite
