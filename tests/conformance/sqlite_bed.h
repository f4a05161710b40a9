// A SQLite file in a directory of its own, for the store suite and for the tests of what only a
// file can suffer. Removes the directory at its end. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "store/sqlite/connection.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/conformance/store_suite.h"

namespace reeve::tests {

/// A new directory that everybody may enter, removed at the end.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class SqliteBed final : public StoreBed {
 public:
  explicit SqliteBed(store::sqlite::SqliteOptions options = {.busy_timeout = Duration{0}})
      : options_(options) {}

  Result<std::unique_ptr<engine::Store>> open_store() override;
  Result<std::unique_ptr<engine::History>> open_history() override;
  void fail_next_commit(engine::Store& store) override;
  void heal() override { blocker_.reset(); }
  bool flip_journal_byte(std::uint64_t step, JournalPart part, std::size_t offset) override;
  void remove_journal_record(std::uint64_t step) override;

  std::string file() const { return directory_.path() + "/store.db"; }
  const std::string& directory() const { return directory_.path(); }
  /// Runs SQL behind the store's back.
  void execute(const std::string& sql);
  std::int64_t query(const std::string& sql);

 private:
  ScratchDirectory directory_;
  store::sqlite::SqliteOptions options_;
  std::optional<store::sqlite::Connection> blocker_;  ///< holds the write lock
};

}  // namespace reeve::tests
