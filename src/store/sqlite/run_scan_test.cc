#include "store/sqlite/run_scan.h"

#include <gtest/gtest.h>

namespace reeve::store::sqlite {
namespace {

TEST(SqliteRunScan, walks_the_rows_of_ascending_runs) {
  auto opened = Connection::open(":memory:", Access::read_write, Duration{0});
  ASSERT_TRUE(opened);
  Connection& connection = *opened;
  ASSERT_TRUE(connection.execute(
      "CREATE TABLE t (id INTEGER PRIMARY KEY);"
      "INSERT INTO t VALUES ((2 << 32)), ((2 << 32) + 7), ((5 << 32) + 1), ((9 << 32))"));
  auto scan = RunScan::open(connection, "SELECT id FROM t WHERE id >= ? ORDER BY id",
                            RunScan::Key::packed_task);
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->find(RunId{1}), false);
  EXPECT_EQ(scan->find(RunId{2}), true);
  EXPECT_EQ(scan->next(), true);
  EXPECT_EQ(scan->row().integer(0), (std::int64_t{2} << 32) + 7);
  EXPECT_EQ(scan->next(), false);
  EXPECT_EQ(scan->find(RunId{3}), false);
  EXPECT_EQ(scan->find(RunId{9}), true);
  EXPECT_EQ(scan->next(), false);
  EXPECT_EQ(scan->find(RunId{10}), false);
}

}  // namespace
}  // namespace reeve::store::sqlite
