#include "store/sqlite/run_reader.h"

#include <fmt/format.h>

#include "store/sqlite/rows.h"

namespace reeve::store::sqlite {

using core::Expansion;
using core::RunRecord;
using core::StoredRun;
using core::StoredTask;

Result<RunReader> RunReader::open(Connection& connection, Unreadable unreadable) {
  TRY_ASSIGN(ReferenceReader references, ReferenceReader::open(connection, unreadable));
  return RunReader(connection, std::move(references));
}

Result<RunReader::Scans> RunReader::open_scans() {
  using Key = RunScan::Key;
  TRY_ASSIGN(RunScan texts,
             RunScan::open(connection_,
                           fmt::format("SELECT {} FROM run_texts WHERE run >= ? ORDER BY run",
                                       kRunTextsColumns),
                           Key::run));
  TRY_ASSIGN(RunScan expansions,
             RunScan::open(connection_,
                           fmt::format("SELECT {} FROM expansions WHERE run >= ? ORDER BY run, id",
                                       kExpansionColumns),
                           Key::run));
  TRY_ASSIGN(
      RunScan tasks,
      RunScan::open(connection_,
                    fmt::format("SELECT {} FROM tasks WHERE id >= ? ORDER BY id", kTaskColumns),
                    Key::packed_task));
  return Scans{std::move(texts), std::move(expansions), std::move(tasks)};
}

Result<RunRecord> RunReader::read_record(const Statement& row) {
  RunRecord record;
  RunReferences references;
  if (!read_run(row, record, references))
    return corrupt(connection_.path(), fmt::format("row {} of table runs", record.id.value));
  TRY(references_.fill(record, references));
  return record;
}

Result<RunRecord> RunReader::record(const Statement& row) {
  TRY_ASSIGN(RunRecord record, read_record(row));
  read_run_texts(row, kRunTextsFirst, record);
  return record;
}

Status RunReader::read_parts(StoredRun& run, Scans& scans) {
  const RunId id = run.record.id;
  TRY_ASSIGN(bool more, scans.expansions.find(id));
  while (more) {
    Expansion& expansion = run.expansions.emplace_back();
    if (!read_expansion(scans.expansions.row(), expansion))
      return corrupt(connection_.path(), fmt::format("an expansion of run {}", id.value));
    TRY_ASSIGN(more, scans.expansions.next());
  }
  TRY_ASSIGN(more, scans.tasks.find(id));
  while (more) {
    StoredTask& task = run.tasks.emplace_back();
    if (!read_task(scans.tasks.row(), task))
      return corrupt(connection_.path(), fmt::format("task {} of run {}", task.id.index, id.value));
    TRY_ASSIGN(more, scans.tasks.next());
  }
  return {};
}

Result<std::vector<StoredRun>> RunReader::open_runs() {
  TRY_ASSIGN(Scans scans, open_scans());
  TRY_ASSIGN(const std::int64_t count,
             connection_.query_integer("SELECT count(*) FROM runs INDEXED BY runs_open "
                                       "WHERE state < 2"));
  TRY_ASSIGN(Statement rows,
             connection_.prepare(fmt::format("SELECT {} FROM runs INDEXED BY runs_open "
                                             "WHERE state < 2 ORDER BY id",
                                             kJoinedRunColumns)));
  std::vector<StoredRun> runs;
  runs.reserve(static_cast<std::size_t>(count));
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return runs;
    StoredRun& run = runs.emplace_back();
    TRY_ASSIGN(run.record, read_record(rows));
    TRY_ASSIGN(const bool has_texts, scans.texts.find(run.record.id));
    if (has_texts) read_run_texts(scans.texts.row(), 0, run.record);
    TRY(read_parts(run, scans));
  }
}

Result<StoredRun> RunReader::whole(RunId run) {
  TRY_ASSIGN(Scans scans, open_scans());
  StoredRun result;
  TRY_ASSIGN(result.record, record(run));
  TRY(read_parts(result, scans));
  return result;
}

Result<RunRecord> RunReader::record(RunId run) {
  TRY_ASSIGN(Statement row,
             connection_.prepare(fmt::format(
                 "SELECT {}, {} FROM runs LEFT JOIN run_texts ON run = runs.id WHERE runs.id=?",
                 kJoinedRunColumns, kRunTextsColumns)));
  row.bind(1, run.value);
  TRY_ASSIGN(const bool found, row.step());
  if (!found) return fail(ErrorCode::not_found, fmt::format("there is no run {}", run.value));
  return record(row);
}

}  // namespace reeve::store::sqlite
