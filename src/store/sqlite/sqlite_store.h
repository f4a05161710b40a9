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
#include "store/sqlite/row_feed.h"

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
  /// How long the end of the last commit() took: the log of the database, and its sync to disk.
  Duration last_sync() const { return last_sync_; }
  Result<core::Snapshot> load() override;
  Result<core::StoredRun> load_run(RunId run) override;
  Result<std::vector<RunId>> find_idempotency_keys(std::span<const std::string_view> keys) override;
  Result<engine::RunEnd> find_end(RunId run) override;
  Status read_journal(std::uint64_t from_step,
                      const std::function<bool(const engine::JournalRecord&)>& visit) override;
  Result<std::shared_ptr<const spec::Workflow>> load_workflow(const Digest& digest) override;

 private:
  /// A statement on rows in memory.
  struct Put {
    std::unique_ptr<RowFeed> feed;  ///< goes after the statement on it
    Statement statement;
    Status write(std::size_t rows, const RowFeed::Fill& fill) {
      return feed->run(statement, rows, fill);
    }
  };
  struct Statements {
    Statement begin;
    Statement commit;
    Statement data_version;
    Put runs;
    Put run_texts;
    Put tasks;
    Put attempts;
    Put expansions;
    Put estimates;
    Put usage;
    Put drains;
    Statement delete_run_texts;
    Statement put_journal;
    Put find_keys;
    Statement find_end;
  };
  SqliteStore(Connection connection, ReferenceWriter references)
      : connection_(std::move(connection)),
        references_(std::move(references)) {}
  /// `how`: "REPLACE" or "INSERT"; `where`: what follows the rows, such as what to do about those
  /// that are there.
  static Result<Put> open_put(Connection& connection, std::string_view how, std::string_view table,
                              std::string_view columns, std::string_view where = "");
  static Status prepare(Connection& connection, Statements& statements);
  Status read_position();
  Status write(const engine::Commit& commit);
  Status check_sole_writer();
  Status write_runs(std::span<const core::RunRecord* const> runs);
  Status write_rows(const engine::Commit& commit);
  Status refuse_number(RunId run) const;
  Status write_journal(const engine::JournalRecord& record, Token last_token);

  // Destroyed in reverse order: statements before their connection.
  Connection connection_;
  ReferenceWriter references_;
  Statements statements_;
  std::string buffer_;             ///< what is encoded of the row being written
  std::int64_t data_version_ = 0;  ///< changes when somebody else writes
  std::uint32_t last_run_ = 0;     ///< runs above it have no row
  std::uint64_t last_step_ = 0;
  Duration last_sync_{0};
  bool failed_ = false;  ///< a commit failed: nothing is accepted any more
};

}  // namespace reeve::store::sqlite
