#include "store/sqlite/schema.h"

#include <array>

#include <fmt/format.h>

#include "core/task_state.h"

namespace reeve::store::sqlite {
namespace {

// Times are microseconds since 1970 and null when unset. Enumerations are their numbers. The tables
// that every task writes to have no index besides their key.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE workflows (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  source TEXT NOT NULL
) STRICT;

CREATE TABLE origins (
  id INTEGER PRIMARY KEY,
  directory TEXT NOT NULL,
  submitter TEXT NOT NULL,
  UNIQUE (directory, submitter)
) STRICT;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  interrupted INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  round INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  reason_a INTEGER NOT NULL,
  reason_b INTEGER NOT NULL,
  workflow INTEGER NOT NULL REFERENCES workflows,
  origin INTEGER NOT NULL REFERENCES origins,
  submitted_at INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  uuid BLOB NOT NULL,
  inputs TEXT
) STRICT;
CREATE INDEX runs_open ON runs (id) WHERE state < 2;

CREATE TABLE run_texts (
  run INTEGER PRIMARY KEY REFERENCES runs,
  name TEXT,
  labels TEXT,
  idempotency_key TEXT,
  outputs TEXT,
  cancel_reason TEXT
) STRICT;
CREATE UNIQUE INDEX run_texts_idempotency_key ON run_texts (idempotency_key)
  WHERE idempotency_key IS NOT NULL;

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  group_index INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  code INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  percent INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  reason_a INTEGER NOT NULL,
  reason_b INTEGER NOT NULL,
  token INTEGER NOT NULL,
  since INTEGER,
  wake_at INTEGER,
  queued_at INTEGER,
  started_at INTEGER,
  extra BLOB
) STRICT;

CREATE TABLE attempts (
  task INTEGER NOT NULL,
  number INTEGER NOT NULL,
  token INTEGER NOT NULL,
  pool INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  code INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  reason_a INTEGER NOT NULL,
  reason_b INTEGER NOT NULL,
  placed INTEGER NOT NULL,
  placed_a INTEGER NOT NULL,
  placed_b INTEGER NOT NULL,
  next INTEGER NOT NULL,
  next_a INTEGER NOT NULL,
  next_b INTEGER NOT NULL,
  queued_at INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  user_cpu INTEGER NOT NULL,
  system_cpu INTEGER NOT NULL,
  memory_peak_bytes INTEGER NOT NULL,
  read_bytes INTEGER NOT NULL,
  written_bytes INTEGER NOT NULL,
  context_switches INTEGER NOT NULL,
  output_bytes INTEGER NOT NULL,
  message TEXT,
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE expansions (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs,
  group_index INTEGER NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  items TEXT NOT NULL
) STRICT;
CREATE INDEX expansions_run ON expansions (run);

CREATE TABLE journal (
  step INTEGER PRIMARY KEY,
  now INTEGER NOT NULL,
  last_token INTEGER NOT NULL,
  effects BLOB NOT NULL,
  chain BLOB NOT NULL,
  events BLOB NOT NULL
) STRICT;

PRAGMA application_id = 0x52454556;
)sql";

/// Attempts of format 1 were never enclosed: tier none.
constexpr const char* kVersion2 = "ALTER TABLE attempts ADD COLUMN tier INTEGER NOT NULL DEFAULT 0";

/// The shares of failures are of the classes of OutcomeClass, `failed` that of `exited`.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE estimates (
  id INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  used INTEGER NOT NULL,
  workflow TEXT NOT NULL,
  task TEXT NOT NULL,
  seconds_count INTEGER NOT NULL,
  seconds_weight REAL NOT NULL,
  seconds_mean REAL NOT NULL,
  seconds_variance REAL NOT NULL,
  memory_count INTEGER NOT NULL,
  memory_weight REAL NOT NULL,
  memory_mean REAL NOT NULL,
  memory_variance REAL NOT NULL,
  ends REAL NOT NULL,
  failed REAL NOT NULL,
  signalled REAL NOT NULL,
  timed_out REAL NOT NULL,
  out_of_memory REAL NOT NULL,
  lost REAL NOT NULL,
  rejected REAL NOT NULL,
  start_failed REAL NOT NULL
) STRICT;
)sql";

/// The first token of the batch of a task's latest attempt; 0: it was alone.
constexpr const char* kVersion4 = "ALTER TABLE tasks ADD COLUMN batch INTEGER NOT NULL DEFAULT 0";

/// What decided where it ran, and when: as the codec writes it. NULL: nothing in particular.
constexpr const char* kVersion5 = "ALTER TABLE attempts ADD COLUMN score BLOB";

/// What users and queues had, and which nodes people took out: schedule::UsageRecord and
/// core::DrainRecord as the codec writes them.
constexpr const char* kVersion6 = R"sql(
CREATE TABLE usage (
  queue TEXT NOT NULL,
  is_user INTEGER NOT NULL,
  user TEXT NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (queue, is_user, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE drains (
  node TEXT PRIMARY KEY,
  record BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

/// What a run follows: a list of core::RunAfter as the codec writes it. NULL: nothing.
constexpr const char* kVersion7 = "ALTER TABLE runs ADD COLUMN follows BLOB";

// The partial index runs_open is written for these numbers.
static_assert(static_cast<int>(core::RunState::succeeded) == 2);
static_assert(!core::is_final(core::RunState::running));

constexpr auto kMigrations = std::to_array<Migration>({{1, kVersion1},
                                                       {2, kVersion2},
                                                       {3, kVersion3},
                                                       {4, kVersion4},
                                                       {5, kVersion5},
                                                       {6, kVersion6},
                                                       {7, kVersion7}});

struct FileVersion {
  std::int64_t application = 0;
  std::int64_t version = 0;
  bool has_tables = false;
};

Result<FileVersion> version_of(Connection& connection) {
  FileVersion found;
  TRY_ASSIGN(found.application, connection.query_integer("PRAGMA application_id"));
  TRY_ASSIGN(found.version, connection.query_integer("PRAGMA user_version"));
  TRY_ASSIGN(const std::int64_t tables,
             connection.query_integer("SELECT count(*) FROM sqlite_schema"));
  found.has_tables = tables > 0;
  return found;
}

/// Ours or empty, and not from the future.
Status check_known(const FileVersion& found, std::int64_t newest, const std::string& path,
                   std::int64_t application_id = kApplicationId) {
  if (found.application != application_id && (found.application != 0 || found.has_tables)) {
    return fail(ErrorCode::conflict,
                fmt::format("{} is a database of another program: choose another place", path));
  }
  if (found.version > newest) {
    return fail(ErrorCode::unsupported,
                fmt::format("{} was written by a newer Reeve (format {}, this one knows up to {}): "
                            "use that version, or a newer one",
                            path, found.version, newest));
  }
  return {};
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Status migrate(Connection& connection, std::span<const Migration> steps,
               std::int64_t application_id) {
  const std::int64_t newest = steps.back().to;
  TRY_ASSIGN(FileVersion found, version_of(connection));
  TRY(check_known(found, newest, connection.path(), application_id));
  while (found.version < newest) {
    TRY(connection.execute("BEGIN IMMEDIATE"));
    // Another process may have been faster between the look above and the lock.
    const auto one_step = [&]() -> Status {
      TRY_ASSIGN(found, version_of(connection));
      TRY(check_known(found, newest, connection.path(), application_id));
      for (const Migration& step : steps) {
        if (step.to != found.version + 1) continue;
        TRY(connection.execute(step.sql));
        TRY(connection.execute(fmt::format("PRAGMA user_version = {}", step.to)));
        found.version = step.to;
        break;
      }
      return connection.execute("COMMIT");
    };
    if (Status done = one_step(); !done) {
      if (connection.in_transaction()) static_cast<void>(connection.execute("ROLLBACK"));
      return tl::unexpected(wrap(std::move(done).error(),
                                 fmt::format("bringing {} up to format {} failed; it is unchanged",
                                             connection.path(), found.version + 1)));
    }
  }
  return {};
}

Status check_ours(Connection& connection) {
  TRY_ASSIGN(const FileVersion found, version_of(connection));
  return check_known(found, migrations().back().to, connection.path());
}

Status check_version(Connection& connection) {
  const std::int64_t newest = migrations().back().to;
  TRY_ASSIGN(const FileVersion found, version_of(connection));
  TRY(check_known(found, newest, connection.path()));
  if (found.version == newest) return {};
  if (found.version == 0) {
    return fail(ErrorCode::not_found,
                fmt::format("nothing is stored in {} yet: no engine has finished starting there",
                            connection.path()));
  }
  return fail(ErrorCode::unsupported,
              fmt::format("{} is of an older format ({}, this Reeve reads {}): start the engine "
                          "on it once, which brings it up to date",
                          connection.path(), found.version, newest));
}

}  // namespace reeve::store::sqlite
