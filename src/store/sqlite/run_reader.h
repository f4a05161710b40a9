// Whole runs from their rows: record, texts, expansions, tasks. For the snapshot at start, for one
// run, and for the history. Read within one transaction of the caller's. Thread rule: its
// connection's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/records.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/references.h"
#include "store/sqlite/run_scan.h"

namespace reeve::store::sqlite {

class RunReader {
 public:
  static Result<RunReader> open(Connection& connection, Unreadable unreadable);

  /// All runs that are not final, by id.
  Result<std::vector<core::StoredRun>> open_runs();
  /// One run whole; not_found.
  Result<core::StoredRun> whole(RunId run);
  /// Its record only; not_found.
  Result<core::RunRecord> record(RunId run);
  /// From a row of kJoinedRunColumns followed by kRunTextsColumns.
  Result<core::RunRecord> record(const Statement& row);

 private:
  /// The cursors of one ascending walk.
  struct Scans {
    RunScan texts;
    RunScan expansions;
    RunScan tasks;
  };
  RunReader(Connection& connection, ReferenceReader references)
      : connection_(connection),
        references_(std::move(references)) {}
  Result<Scans> open_scans();
  Result<core::RunRecord> read_record(const Statement& row);
  Status read_parts(core::StoredRun& run, Scans& scans);

  Connection& connection_;
  ReferenceReader references_;
};

}  // namespace reeve::store::sqlite
