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

/// For a row that is there already, by its first column: all others are as the new one says.
std::string update_all(std::string_view columns) {
  std::string sets;
  std::string_view rest = columns;
  const std::string_view key = rest.substr(0, rest.find(", "));
  while (rest.find(", ") != std::string_view::npos) {
    rest.remove_prefix(rest.find(", ") + 2);
    const std::string_view column = rest.substr(0, rest.find(", "));
    sets += fmt::format("{}{}=excluded.{}", sets.empty() ? "" : ", ", column, column);
  }
  // "WHERE true": without it ON would belong to a join.
  return fmt::format("WHERE true ON CONFLICT ({}) DO UPDATE SET {}", key, sets);
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

Result<SqliteStore::Put> SqliteStore::open_put(Connection& connection, std::string_view how,
                                               std::string_view table, std::string_view columns,
                                               std::string_view where) {
  Put put;
  const auto count = static_cast<int>(std::ranges::count(columns, ',')) + 1;
  const std::string feed = fmt::format("new_{}", table);
  TRY_ASSIGN(put.feed, RowFeed::open(connection, feed, count));
  TRY_ASSIGN(put.statement, connection.prepare(fmt::format("{} INTO {} ({}) SELECT * FROM {} {}",
                                                           how, table, columns, feed, where)));
  return put;
}

Status SqliteStore::prepare(Connection& connection, Statements& statements) {
  TRY_ASSIGN(statements.begin, connection.prepare("BEGIN IMMEDIATE"));
  TRY_ASSIGN(statements.commit, connection.prepare("COMMIT"));
  TRY_ASSIGN(statements.data_version, connection.prepare("PRAGMA data_version"));
  // REPLACE would take its texts from a run, and its key from another one.
  TRY_ASSIGN(statements.runs,
             open_put(connection, "INSERT", "runs", kRunColumns, update_all(kRunColumns)));
  TRY_ASSIGN(statements.run_texts, open_put(connection, "INSERT", "run_texts", kRunTextsColumns,
                                            update_all(kRunTextsColumns)));
  TRY_ASSIGN(statements.delete_run_texts, connection.prepare("DELETE FROM run_texts WHERE run=?"));
  TRY_ASSIGN(statements.tasks, open_put(connection, "REPLACE", "tasks", kTaskColumns));
  TRY_ASSIGN(statements.attempts, open_put(connection, "REPLACE", "attempts", kAttemptColumns));
  TRY_ASSIGN(statements.expansions,
             open_put(connection, "INSERT", "expansions", kExpansionColumns));
  TRY_ASSIGN(statements.estimates, open_put(connection, "REPLACE", "estimates", kEstimateColumns));
  TRY_ASSIGN(statements.usage, open_put(connection, "REPLACE", "usage", kUsageColumns));
  TRY_ASSIGN(statements.drains, open_put(connection, "REPLACE", "drains", kDrainColumns));
  TRY_ASSIGN(statements.put_journal,
             connection.prepare("INSERT INTO journal (step, now, last_token, effects, chain, "
                                "events) VALUES (?,?,?,?,?,?)"));
  // CROSS: from the keys to the rows, never the other way round.
  TRY_ASSIGN(statements.find_keys.feed, RowFeed::open(connection, "wanted_keys", 1));
  TRY_ASSIGN(
      statements.find_keys.statement,
      connection.prepare("SELECT wanted_keys.rowid, run FROM wanted_keys CROSS JOIN run_texts "
                         "ON idempotency_key = wanted_keys.c1"));
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
  TRY(statements_.begin.run());
  TRY(check_sole_writer());
  for (const auto& workflow : commit.workflows) TRY(references_.workflow(*workflow));
  TRY(write_runs(commit.runs));
  TRY(write_rows(commit));
  TRY(write_journal(*commit.journal, commit.last_token));
  const auto before = std::chrono::steady_clock::now();
  const Status done = statements_.commit.run();
  last_sync_ = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - before);
  return done;
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

Status SqliteStore::write_rows(const engine::Commit& commit) {
  Statements& put = statements_;
  TRY(put.tasks.write(commit.tasks.size(), [&](std::size_t i, RowValues& row) {
    const engine::TaskRow& task = commit.tasks[i];
    bind_task(row, task.id, *task.task, task.extra, buffer_);
  }));
  TRY(put.attempts.write(commit.attempts.size(), [&](std::size_t i, RowValues& row) {
    bind_attempt(row, commit.attempts[i], buffer_);
  }));
  TRY(put.expansions.write(commit.expansions.size(), [&](std::size_t i, RowValues& row) {
    bind_expansion(row, commit.expansions[i]);
  }));
  TRY(put.estimates.write(commit.estimates.size(), [&](std::size_t i, RowValues& row) {
    bind_estimate(row, *commit.estimates[i]);
  }));
  TRY(put.usage.write(commit.usage.size(), [&](std::size_t i, RowValues& row) {
    bind_usage(row, commit.usage[i], buffer_);
  }));
  return put.drains.write(commit.drains.size(), [&](std::size_t i, RowValues& row) {
    bind_drain(row, commit.drains[i], buffer_);
  });
}

Status SqliteStore::refuse_number(RunId run) const {
  if (run.value <= kRunIdMax) return {};
  return fail(ErrorCode::exhausted,
              fmt::format("{} holds as many runs as it can number: start a new state directory",
                          connection_.path()));
}

Status SqliteStore::write_runs(std::span<const core::RunRecord* const> runs) {
  std::vector<RunReferences> references;
  std::vector<const core::RunRecord*> with_texts;
  references.reserve(runs.size());
  std::uint32_t last = last_run_;
  for (const core::RunRecord* const run : runs) {
    TRY(refuse_number(run->id));
    TRY_ASSIGN(references.emplace_back(), references_.of(*run));
    last = std::max(last, run->id.value);
    if (run->texts != nullptr) {
      with_texts.push_back(run);
    } else if (run->id.value <= last_run_) {
      statements_.delete_run_texts.bind(1, run->id.value);
      TRY(statements_.delete_run_texts.run());
    }
  }
  TRY(statements_.runs.write(runs.size(), [&](std::size_t i, RowValues& row) {
    bind_run(row, *runs[i], references[i], buffer_);
  }));
  TRY(statements_.run_texts.write(with_texts.size(), [&](std::size_t i, RowValues& row) {
    bind_run_texts(row, with_texts[i]->id, *with_texts[i]->texts);
  }));
  last_run_ = last;  // only now: the runs of one commit come in any order
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
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY_ASSIGN(RunReader reader, RunReader::open(connection_, Unreadable::is_error));
  return reader.whole(run);
}

Result<std::vector<RunId>> SqliteStore::find_idempotency_keys(
    std::span<const std::string_view> keys) {
  std::vector<RunId> runs(keys.size());
  TRY(statements_.find_keys.feed->run(
      statements_.find_keys.statement, keys.size(),
      [&](std::size_t i, RowValues& row) { row.bind_text(1, keys[i]); },
      [&](const Statement& found) {
        runs[static_cast<std::size_t>(found.integer(0))] =
            RunId{static_cast<std::uint32_t>(found.integer(1))};
      }));
  return runs;
}

Result<engine::RunEnd> SqliteStore::find_end(RunId run) {
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
