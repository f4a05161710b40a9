#include "store/sqlite/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::store::sqlite {
namespace {

using testing::HasSubstr;

Connection open_memory() {
  auto connection = Connection::open(":memory:", Access::read_write, Duration{0});
  EXPECT_TRUE(connection);
  return std::move(connection).value();
}

/// What `SELECT ?` gives for what is bound.
class Echo {
 public:
  Echo() : statement_(connection_.prepare("SELECT ?1, typeof(?1)").value()) {}
  Statement& statement() { return statement_; }
  std::string run() {
    EXPECT_TRUE(statement_.step().value());
    std::string out(statement_.bytes(1));
    out += " " + std::string(statement_.bytes(0));
    EXPECT_FALSE(statement_.step().value());
    return out;
  }

 private:
  Connection connection_ = open_memory();
  Statement statement_;
};

TEST(SqliteConnection, a_parameter_keeps_its_value_until_another_is_bound) {
  Echo echo;
  EXPECT_EQ(echo.run(), "null ");
  echo.statement().bind(1, 5);
  EXPECT_EQ(echo.run(), "integer 5");
  EXPECT_EQ(echo.run(), "integer 5");
  echo.statement().bind(1, 5);
  EXPECT_EQ(echo.run(), "integer 5");
  echo.statement().bind_null(1);
  EXPECT_EQ(echo.run(), "null ");
  echo.statement().bind(1, 5);
  EXPECT_EQ(echo.run(), "integer 5");
  echo.statement().bind_text(1, "text");
  EXPECT_EQ(echo.run(), "text text");
  echo.statement().bind(1, 5);
  EXPECT_EQ(echo.run(), "integer 5");
  echo.statement().bind_blob(1, {});
  EXPECT_EQ(echo.run(), "blob ");
  echo.statement().bind_text(1, {});
  EXPECT_EQ(echo.run(), "text ");
  echo.statement().bind_text_or_null(1, {});
  EXPECT_EQ(echo.run(), "null ");
}

TEST(SqliteConnection, a_value_that_is_too_large_is_reported_when_the_statement_runs) {
  Echo echo;
  const char one = 'x';
  echo.statement().bind_text(1, {&one, std::size_t{1} << 31});
  const auto failed = echo.statement().step();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(failed.error().message, HasSubstr("too large"));
  echo.statement().bind(1, 6);
  EXPECT_EQ(echo.run(), "integer 6");
}

TEST(SqliteConnection, failures_carry_what_sqlite_says) {
  Connection connection = open_memory();
  const auto unknown = connection.prepare("SELECT * FROM absent");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::corrupt);
  EXPECT_THAT(unknown.error().text(), HasSubstr("no such table: absent"));
  EXPECT_FALSE(connection.execute("CREATE"));
  ASSERT_TRUE(connection.execute("CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES (1)"));
  const Status twice = connection.execute("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::conflict);
  EXPECT_EQ(connection.query_integer("SELECT x FROM t"), 1);
  EXPECT_EQ(connection.query_integer("SELECT x FROM t WHERE x = 2"), 0);
}

TEST(SqliteConnection, every_kind_of_failure_says_what_to_do) {
  constexpr int kFull = 13;
  constexpr int kNoMemory = 7;
  constexpr int kReadIo = 10 | (1 << 8);
  constexpr int kLocked = 6;
  const auto of = [](int code) { return error_of(nullptr, code, "/x/store.db"); };
  EXPECT_EQ(of(kFull).code, ErrorCode::io_failed);
  EXPECT_THAT(of(kFull).message, HasSubstr("free some space"));
  EXPECT_EQ(of(kNoMemory).code, ErrorCode::exhausted);
  EXPECT_EQ(of(kReadIo).code, ErrorCode::io_failed);
  EXPECT_THAT(of(kReadIo).message, HasSubstr("check the disk"));
  EXPECT_EQ(of(kLocked).code, ErrorCode::conflict);
  for (const int code : {kFull, kNoMemory, kReadIo, kLocked})
    EXPECT_THAT(of(code).message, HasSubstr("/x/store.db"));
}

TEST(SqliteConnection, a_read_transaction_ends_with_its_object) {
  Connection connection = open_memory();
  {
    const auto transaction = ReadTransaction::begin(connection);
    ASSERT_TRUE(transaction);
    EXPECT_TRUE(connection.in_transaction());
    EXPECT_FALSE(ReadTransaction::begin(connection));
  }
  EXPECT_FALSE(connection.in_transaction());
}

}  // namespace
}  // namespace reeve::store::sqlite
