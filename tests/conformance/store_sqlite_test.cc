// The store suite over SQLite, and what only a file can suffer: other programs' files, newer and
// older formats, damage, a full disk.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_history.h"
#include "tests/conformance/sqlite_bed.h"
#include "tests/conformance/store_records.h"

namespace reeve::tests {
namespace {

using store::sqlite::Access;
using store::sqlite::Connection;
using store::sqlite::kPageBytes;
using store::sqlite::Migration;
using store::sqlite::SqliteHistory;
using store::sqlite::SqliteStore;
using testing::HasSubstr;

std::unique_ptr<StoreBed> make_sqlite_bed() { return std::make_unique<SqliteBed>(); }

Batch large_batch(std::uint32_t id) {
  Batch batch;
  batch.runs.push_back(run_record(id));
  batch.runs.back().inputs = std::string(20'000, 'x');
  return batch;
}

/// Commits one run after another until that fails; gives the failure.
Error fill(engine::Store& store, Committer& committer) {
  for (std::uint32_t id = 1; id < 100'000; ++id) {
    const Status done = committer.commit(store, large_batch(id));
    if (!done) return done.error();
  }
  ADD_FAILURE() << "it was never full";
  return {};
}

Error open_failure(const std::string& path) {
  const auto opened = SqliteStore::open(path);
  EXPECT_FALSE(opened);
  return opened ? Error{} : opened.error();
}

TEST(ConformanceSqlite, a_full_store_stops_and_keeps_all_that_was_acknowledged) {
  const ScratchDirectory directory;
  const std::string path = directory.path() + "/store.db";
  Committer committer;
  {
    auto store = SqliteStore::open(path, {.pages_max = 200});
    ASSERT_TRUE(store);
    const Error failure = fill(**store, committer);
    EXPECT_EQ(failure.code, ErrorCode::io_failed);
    EXPECT_THAT(failure.message, HasSubstr(path));
    EXPECT_THAT(failure.message, HasSubstr("free some space"));
    EXPECT_FALSE(committer.commit(**store, {}));
  }
  auto store = SqliteStore::open(path);
  ASSERT_TRUE(store);
  const auto snapshot = (*store)->load();
  ASSERT_TRUE(snapshot);
  EXPECT_GT(snapshot->last_step, 20u);
  EXPECT_EQ(snapshot->last_step, committer.step());
  EXPECT_EQ(snapshot->runs.size(), committer.step());
  EXPECT_TRUE(committer.commit(**store, large_batch(snapshot->last_run.value + 1)));
}

TEST(ConformanceSqlite, more_runs_than_can_be_numbered_are_refused) {
  SqliteBed bed;
  auto store = bed.open_store();
  ASSERT_TRUE(store);
  Batch batch;
  batch.runs.push_back(run_record(0x80000000));
  const Status done = Committer().commit(**store, batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::exhausted);
}

TEST(ConformanceSqlite, a_file_of_a_newer_version_is_refused) {
  SqliteBed bed;
  ASSERT_TRUE(bed.open_store());
  bed.execute("PRAGMA user_version = 1000");
  const Error failure = open_failure(bed.file());
  EXPECT_EQ(failure.code, ErrorCode::unsupported);
  EXPECT_THAT(failure.message, HasSubstr("newer Reeve (format 1000"));
  const auto history = SqliteHistory::open(bed.file());
  ASSERT_FALSE(history);
  EXPECT_THAT(history.error().message, HasSubstr("newer Reeve"));
}

TEST(ConformanceSqlite, a_database_of_another_program_is_left_alone) {
  const ScratchDirectory directory;
  const std::string path = directory.path() + "/other.db";
  {
    auto other = Connection::open(path, Access::read_write, Duration{0});
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->execute("CREATE TABLE theirs (x)"));
  }
  const auto size = std::filesystem::file_size(path);
  EXPECT_EQ(open_failure(path).code, ErrorCode::conflict);
  EXPECT_EQ(SqliteHistory::open(path).error().code, ErrorCode::conflict);
  EXPECT_EQ(std::filesystem::file_size(path), size);
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
}

TEST(ConformanceSqlite, a_file_that_is_no_database_is_reported_as_damaged) {
  const ScratchDirectory directory;
  const std::string path = directory.path() + "/store.db";
  std::ofstream(path) << std::string(10'000, 'z');
  const Error failure = open_failure(path);
  EXPECT_EQ(failure.code, ErrorCode::corrupt);
  EXPECT_THAT(failure.message, HasSubstr(path));
  EXPECT_THAT(failure.message, HasSubstr("restore it from a backup"));
}

TEST(ConformanceSqlite, every_damaged_page_is_reported_or_harmless) {
  SqliteBed bed;
  {
    auto store = bed.open_store();
    Committer committer;
    for (std::uint32_t id = 1; id <= 5; ++id)
      ASSERT_TRUE(committer.commit(**store, large_batch(id)));
  }
  const auto pages = static_cast<std::int64_t>(std::filesystem::file_size(bed.file())) / kPageBytes;
  const std::string copy = bed.directory() + "/copy.db";
  int reported = 0;
  for (std::int64_t page = 0; page < pages; ++page) {
    std::filesystem::copy_file(bed.file(), copy, std::filesystem::copy_options::overwrite_existing);
    std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(page * kPageBytes + 100);
    file << std::string(200, '\xa5');
    file.seekp(page * kPageBytes);
    file << std::string(page == 0 ? 0 : 12, '\xa5');
    file.close();
    auto store = SqliteStore::open(copy);
    const auto snapshot = store ? (*store)->load() : tl::unexpected(store.error());
    if (snapshot) continue;  // a page of a table that a start does not read
    ++reported;
    EXPECT_EQ(snapshot.error().code, ErrorCode::corrupt) << snapshot.error().text();
    EXPECT_THAT(snapshot.error().message, HasSubstr(copy));
  }
  EXPECT_GE(reported, 4);
}

TEST(ConformanceSqlite, values_that_no_store_wrote_are_reported_with_their_row) {
  const std::vector<std::pair<std::string, std::string>> harms = {
      {"UPDATE runs SET state = -1", "row 1 of table runs"},
      {"UPDATE runs SET uuid = x'00'", "row 1 of table runs"},
      {"UPDATE runs SET round = -1", "row 1 of table runs"},
      {"UPDATE runs SET workflow = 77", "workflow 77 is missing"},
      {"UPDATE runs SET follows = x'01'", "row 1 of table runs"},
      {"UPDATE runs SET follows = x'0101" + std::string(32, '0') + "070100'",
       "row 1 of table runs"},
      {"UPDATE runs SET follows = x'0101" + std::string(32, '0') + "000107'",
       "row 1 of table runs"},
      {"UPDATE runs SET origin = 77", "origin 77 is missing"},
      {"UPDATE workflows SET source = 'changed'", "not what its digest says"},
      {"UPDATE tasks SET state = 14", "task 3 of run 1"},
      {"UPDATE tasks SET extra = x'ff'", "task 3 of run 1"},
      {"UPDATE tasks SET attempt = 65536", "task 3 of run 1"},
      {"UPDATE expansions SET first = -1", "an expansion of run 1"},
      {"UPDATE journal SET chain = x'00'", "journal record 1"}};
  for (const auto& [harm, named] : harms) {
    SqliteBed bed;
    {
      auto store = bed.open_store();
      Batch batch;
      batch.runs.push_back(run_record(1));
      batch.tasks.push_back(task_row({RunId{1}, 3}, core::TaskState::queued));
      batch.expansions.push_back({RunId{1}, GroupIndex{0}, 0, 1, "[1]"});
      ASSERT_TRUE(Committer().commit(**store, batch));
    }
    bed.execute(harm);
    auto store = bed.open_store();
    ASSERT_TRUE(store);
    const auto snapshot = (*store)->load();
    ASSERT_FALSE(snapshot) << harm;
    EXPECT_EQ(snapshot.error().code, ErrorCode::corrupt) << harm;
    EXPECT_THAT(snapshot.error().message, HasSubstr(named)) << harm;
  }
}

TEST(ConformanceSqlite, a_workflow_that_is_not_accepted_any_more_can_be_listed_but_not_run) {
  SqliteBed bed;
  {
    auto store = bed.open_store();
    auto old = std::make_shared<spec::Workflow>();  // shared: as in RunRecord
    old->name = "old";
    old->source = "words: that no version knows";
    old->digest = digest_of(old->source);
    Batch batch;
    batch.runs.push_back(run_record(1));
    batch.runs.back().workflow = old;
    ASSERT_TRUE(Committer().commit(**store, batch));
  }
  auto store = bed.open_store();
  const auto snapshot = (*store)->load();
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, ErrorCode::unsupported);
  EXPECT_THAT(snapshot.error().message, HasSubstr("stored workflow old"));
  auto history = bed.open_history();
  const auto view = (*history)->get_run(RunId{1});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->record.workflow->name, "old");
}

TEST(ConformanceSqlite, a_history_of_nothing_says_so) {
  const ScratchDirectory directory;
  const auto none = SqliteHistory::open(directory.path() + "/store.db");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  EXPECT_THAT(none.error().message, HasSubstr("no workflow has been run there yet"));
  const std::ofstream empty(directory.path() + "/store.db");
  EXPECT_EQ(SqliteHistory::open(directory.path() + "/store.db").error().code, ErrorCode::not_found);
}

TEST(ConformanceSqlite, a_missing_directory_is_named) {
  const Error failure = open_failure("/nonexistent/store.db");
  EXPECT_THAT(failure.message, HasSubstr("/nonexistent/store.db"));
  EXPECT_THAT(failure.message, HasSubstr("must exist"));
}

TEST(ConformanceSqlite, paths_may_hold_any_character) {
  const ScratchDirectory directory;
  const std::string path = directory.path() + "/a ?b#c%41.db";
  ASSERT_TRUE(SqliteStore::open(path));
  ASSERT_TRUE(Connection::open(path, Access::immutable, Duration{0})
                  ->query_integer("SELECT count(*) FROM runs"));
  EXPECT_TRUE(SqliteHistory::open(path));
}

// ---- formats ----

/// A file as a format was written. When the next comes, these stay as they are and get a sibling.
void expect_opens(int format, SandboxTier tier) {
  SqliteBed bed;
  std::ifstream dump(
      fmt::format(REEVE_SOURCE_DIR "/tests/conformance/formats/store_v{}.sql", format));
  const std::string sql((std::istreambuf_iterator<char>(dump)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(sql.empty());
  bed.execute(sql);
  auto store = bed.open_store();
  ASSERT_TRUE(store) << store.error().text();
  const auto snapshot = (*store)->load();
  ASSERT_TRUE(snapshot) << snapshot.error().text();
  ASSERT_EQ(snapshot->runs.size(), 1u);
  EXPECT_EQ(snapshot->last_token.value, 7u);
  EXPECT_EQ(snapshot->last_run.value, 2u);
  const core::StoredRun& run = snapshot->runs[0];
  EXPECT_EQ(run.record.texts->labels, R"({"team":"sim"})");
  ASSERT_EQ(run.tasks.size(), 2u);
  EXPECT_EQ(run.tasks[0].extra->outputs[0].value, "42");
  EXPECT_EQ(run.expansions.size(), 1u);
  std::uint64_t steps = 0;
  EXPECT_TRUE((*store)->read_journal(1, [&](const auto&) { return ++steps > 0; }));
  EXPECT_EQ(steps, 2u);
  const auto attempts = (*bed.open_history())->list_run_attempts(RunId{1}, 0, 9);
  ASSERT_TRUE(attempts) << attempts.error().text();
  ASSERT_EQ(attempts->size(), 1u);
  EXPECT_EQ(attempts->front().message, "fine");
  EXPECT_EQ(attempts->front().tier, tier);
}

TEST(ConformanceSqlite, a_file_of_format_1_opens_with_all_that_it_holds) {
  expect_opens(1, SandboxTier::none);
}

TEST(ConformanceSqlite, a_file_of_format_2_opens_with_all_that_it_holds) {
  expect_opens(2, SandboxTier::native);
}

TEST(ConformanceSqlite, a_file_of_format_3_opens_with_all_that_it_holds) {
  expect_opens(3, SandboxTier::native);
}

TEST(ConformanceSqlite, a_file_of_format_4_opens_with_all_that_it_holds) {
  expect_opens(4, SandboxTier::native);
}

TEST(ConformanceSqlite, a_file_of_format_5_opens_with_all_that_it_holds) {
  expect_opens(5, SandboxTier::native);
}

TEST(ConformanceSqlite, a_file_of_format_6_opens_with_all_that_it_holds) {
  expect_opens(6, SandboxTier::native);
}

constexpr auto kSteps = std::to_array<Migration>(
    {{1, "PRAGMA application_id = 0x52454556; CREATE TABLE a (x); INSERT INTO a VALUES (41)"},
     {2, "CREATE TABLE b (x); INSERT INTO b SELECT x + 1 FROM a; DROP TABLE a"},
     {3, "ALTER TABLE b ADD COLUMN y DEFAULT 5"}});

TEST(ConformanceSqlite, migrations_run_in_order_from_any_version) {
  for (std::size_t from = 0; from <= kSteps.size(); ++from) {
    const ScratchDirectory directory;
    auto file = Connection::open(directory.path() + "/m.db", Access::read_write, Duration{0});
    ASSERT_TRUE(file);
    for (std::size_t to = 1; to <= from; ++to)
      ASSERT_TRUE(store::sqlite::migrate(*file, std::span(kSteps).first(to)));
    const Status done = store::sqlite::migrate(*file, kSteps);
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(file->query_integer("PRAGMA user_version"), 3);
    EXPECT_EQ(file->query_integer("SELECT x + y FROM b"), 47);
  }
}

TEST(ConformanceSqlite, a_migration_that_fails_changes_nothing) {
  const ScratchDirectory directory;
  auto file = Connection::open(directory.path() + "/m.db", Access::read_write, Duration{0});
  ASSERT_TRUE(store::sqlite::migrate(*file, std::span(kSteps).first(1)));
  const auto broken = std::to_array<Migration>(
      {kSteps[0], {2, "DROP TABLE a; CREATE TABLE c (x); INSERT INTO missing VALUES (1)"}});
  const Status done = store::sqlite::migrate(*file, broken);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("format 2 failed; it is unchanged"));
  EXPECT_EQ(file->query_integer("PRAGMA user_version"), 1);
  EXPECT_EQ(file->query_integer("SELECT x FROM a"), 41);
  EXPECT_TRUE(store::sqlite::migrate(*file, kSteps));
}

TEST(ConformanceSqlite, an_older_file_is_not_for_readers) {
  SqliteBed bed;
  bed.execute("PRAGMA application_id = 0x52454556; CREATE TABLE t (x); PRAGMA user_version = 0");
  EXPECT_EQ(SqliteHistory::open(bed.file()).error().code, ErrorCode::not_found);
  bed.execute("PRAGMA user_version = -1");
  const auto history = SqliteHistory::open(bed.file());
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().code, ErrorCode::unsupported);
  EXPECT_THAT(history.error().message, HasSubstr("start the engine"));
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(sqlite, ConformanceStore, testing::Values(&make_sqlite_bed));
INSTANTIATE_TEST_SUITE_P(sqlite, ConformanceHistory, testing::Values(&make_sqlite_bed));

}  // namespace reeve::tests
