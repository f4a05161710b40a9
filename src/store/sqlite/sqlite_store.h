// The durable store in one SQLite file (docs/storage-format.md): WAL, synchronous=FULL, one commit
// is one transaction. Owns its writing connection. Refuses files that it does not know, a second
// writer, and everything after a failed commit. Workflows that it reads are shared by all runs of
// them. Used by one thread, the engine's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/ports/store.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/references.h"

namespace reeve::store::sqlite {

struct SqliteOptions {
  /// How long to wait for another program that holds the file, such as a backup.
  Duration busy_timeout = std::chrono::seconds{5};
  /// Largest size of the file in pages of kPageBytes; 0: no limit.
  std::int64_t pages_max = 0;
};
inline constexpr int kPageBytes = 8192;

class SqliteStore final : public engine::Store {
 public:
  /// Creates the file if there is none, and migrates an older one.
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path,
                                                   const SqliteOptions& options = {});

  Status commit(const engine::Commit& commit) override;
  Result<core::Snapshot> load() override;
  Result<core::StoredRun> load_run(RunId run) override;
  Result<engine::RunEnd> find_end(RunId run) override;
  Result<RunId> find_idempotency_key(std::string_view key) override;
  Status read_journal(std::uint64_t from_step,
                      const std::function<bool(const engine::JournalRecord&)>& visit) override;
  Result<std::shared_ptr<const spec::Workflow>> load_workflow(const Digest& digest) override;

 private:
  struct Statements {
    Statement begin;
    Statement commit;
    Statement data_version;
    Statement insert_run;
    Statement update_run;
    Statement put_run_texts;
    Statement delete_run_texts;
    Statement put_task;
    Statement put_attempt;
    Statement put_expansion;
    Statement put_estimate;
    Statement put_usage;
    Statement put_drain;
    Statement put_journal;
    Statement find_key;
    Statement find_end;
    Statement begin_lookups;
  };
  SqliteStore(Connection connection, ReferenceWriter references)
      : connection_(std::move(connection)),
        references_(std::move(references)) {}
  static Status prepare(Connection& connection, Statements& statements);
  Status read_position();
  Status write(const engine::Commit& commit);
  Status check_sole_writer();
  /// Keys are looked up in one read transaction until something else is done: taking the file's
  /// locks anew for each cost more than the look-up.
  Status begin_lookups();
  Status end_lookups();
  Status write_runs(std::span<const core::RunRecord* const> runs);
  Status write_run(const core::RunRecord& run);
  Status write_journal(const engine::JournalRecord& record, Token last_token);

  // Destroyed in reverse order: statements before their connection.
  Connection connection_;
  ReferenceWriter references_;
  Statements statements_;
  std::string buffer_;             ///< what is encoded for the row being written
  std::int64_t data_version_ = 0;  ///< changes when somebody else writes
  std::uint32_t last_run_ = 0;     ///< runs above it have no row
  std::uint64_t last_step_ = 0;
  bool looks_up_ = false;  ///< the read transaction is open
  bool failed_ = false;    ///< a commit failed: nothing is accepted any more
};

}  // namespace reeve::store::sqlite
