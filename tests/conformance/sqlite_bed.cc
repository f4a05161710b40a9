#include "tests/conformance/sqlite_bed.h"

#include <sys/stat.h>

#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "store/sqlite/sqlite_history.h"

namespace reeve::tests {

using store::sqlite::Access;
using store::sqlite::Connection;
using store::sqlite::SqliteHistory;
using store::sqlite::SqliteStore;

ScratchDirectory::ScratchDirectory() {
  path_ = testing::TempDir() + "reeve-store-XXXXXX";
  ENSURE(mkdtemp(path_.data()) != nullptr);
  ENSURE(chmod(path_.c_str(), 0755) == 0);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<engine::Store>> SqliteBed::open_store() {
  TRY_ASSIGN(auto store, SqliteStore::open(file(), options_));
  return store;
}

Result<std::unique_ptr<engine::History>> SqliteBed::open_history() {
  TRY_ASSIGN(auto history, SqliteHistory::open(file()));
  return history;
}

void SqliteBed::fail_next_commit(engine::Store&) {
  auto connection = Connection::open(file(), Access::read_write, Duration{0});
  ENSURE(connection);
  ENSURE(connection->execute("BEGIN IMMEDIATE"));
  blocker_ = std::move(connection).value();
}

bool SqliteBed::flip_journal_byte(std::uint64_t step, JournalPart part, std::size_t offset) {
  if (part == JournalPart::now) {
    execute(fmt::format("UPDATE journal SET now = now + 1 - 2 * (now & 1) WHERE step = {}", step));
    return true;
  }
  constexpr std::array<std::string_view, 4> kColumns = {"now", "events", "effects", "chain"};
  const std::string_view column = kColumns[static_cast<std::size_t>(part)];
  auto connection = Connection::open(file(), Access::read_write, Duration{0});
  ENSURE(connection);
  auto row =
      connection->prepare(fmt::format("SELECT {} FROM journal WHERE step = {}", column, step));
  ENSURE(row && row->step().value());
  std::string bytes(row->bytes(0));
  row->reset();
  if (offset >= bytes.size()) return false;
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  auto update =
      connection->prepare(fmt::format("UPDATE journal SET {} = ? WHERE step = {}", column, step));
  ENSURE(update);
  update->bind_blob(1, bytes);
  ENSURE(update->run());
  return true;
}

void SqliteBed::remove_journal_record(std::uint64_t step) {
  execute(fmt::format("DELETE FROM journal WHERE step = {}", step));
}

void SqliteBed::execute(const std::string& sql) {
  auto connection = Connection::open(file(), Access::read_write, Duration{0});
  ENSURE(connection);
  const Status done = connection->execute(sql);
  ENSURE(done);
}

std::int64_t SqliteBed::query(const std::string& sql) {
  auto connection = Connection::open(file(), Access::read_write, Duration{0});
  ENSURE(connection);
  const auto value = connection->query_integer(sql);
  ENSURE(value);
  return *value;
}

}  // namespace reeve::tests
