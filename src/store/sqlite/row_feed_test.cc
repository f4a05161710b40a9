#include "store/sqlite/row_feed.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace reeve::store::sqlite {
namespace {

/// A table in memory that is written to by a feed of three columns.
class FeedTest : public testing::Test {
 protected:
  Status put(std::size_t rows, const RowFeed::Fill& fill) {
    return feed_->run(insert_, rows, fill);
  }
  /// All values with their types, in order.
  std::string all() {
    Statement rows = connection_
                         .prepare(
                             "SELECT quote(a) || ' ' || quote(b) || ' ' || quote(c) FROM t "
                             "ORDER BY rowid")
                         .value();
    std::string out;
    while (rows.step().value()) out += std::string(rows.bytes(0)) + "\n";
    return out;
  }

  Connection connection_ = [] {
    auto made = Connection::open(":memory:", Access::read_write, Duration{0}).value();
    EXPECT_TRUE(made.execute("CREATE TABLE t (a UNIQUE, b, c)"));
    return made;
  }();
  std::unique_ptr<RowFeed> feed_ = RowFeed::open(connection_, "fed", 3).value();
  Statement insert_ = connection_.prepare("INSERT INTO t (a, b, c) SELECT * FROM fed").value();
};

TEST_F(FeedTest, values_of_each_kind_arrive_as_they_are_in_the_order_of_rows) {
  const std::vector<std::string> names{"", "one", std::string("nul\0in it", 9)};
  ASSERT_TRUE(put(names.size(), [&](std::size_t i, RowValues& row) {
    row.bind(1, static_cast<std::int64_t>(i) - 1);
    row.bind_text_or_null(2, names[i]);
    if (i == 1)
      row.bind_real(3, 0.5);
    else
      row.bind_blob(3, names[i]);
  }));
  EXPECT_EQ(all(), "-1 NULL X''\n0 'one' 0.5\n1 'nul' X'6E756C00696E206974'\n");
}

TEST_F(FeedTest, one_buffer_serves_all_rows) {
  std::string buffer;
  ASSERT_TRUE(put(1000, [&](std::size_t i, RowValues& row) {
    buffer = std::string(i % 50, 'x');
    row.bind(1, static_cast<std::int64_t>(i));
    row.bind_text(2, buffer);
    row.bind_null(3);
  }));
  EXPECT_EQ(connection_.query_integer("SELECT count(*) FROM t WHERE length(b) = a % 50"), 1000);
}

TEST_F(FeedTest, without_rows_nothing_is_run) {
  ASSERT_TRUE(put(0, [](std::size_t, RowValues&) { FAIL() << "there is no row"; }));
  EXPECT_EQ(all(), "");
}

TEST_F(FeedTest, a_row_that_is_refused_takes_the_others_with_it_and_the_next_run_works) {
  const auto same = [](std::size_t, RowValues& row) { row.bind(1, 7); };
  const Status twice = put(2, same);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::conflict);
  EXPECT_EQ(all(), "");
  ASSERT_TRUE(put(1, same));
  EXPECT_EQ(all(), "7 NULL NULL\n");
}

TEST_F(FeedTest, is_read_from_its_beginning_by_each_statement) {
  Statement sum = connection_.prepare("INSERT INTO t (a) SELECT sum(c1) FROM fed").value();
  const auto counting = [](std::size_t i, RowValues& row) {
    row.bind(1, static_cast<std::int64_t>(i));
  };
  ASSERT_TRUE(feed_->run(sum, 5, counting));
  ASSERT_TRUE(feed_->run(sum, 3, counting));
  EXPECT_EQ(all(), "10 NULL NULL\n3 NULL NULL\n");
}

}  // namespace
}  // namespace reeve::store::sqlite
