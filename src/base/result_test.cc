#include "base/result.h"

#include <cerrno>
#include <set>

#include <gtest/gtest.h>

namespace reeve {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::invalid_argument, "odd");
  return number / 2;
}
Result<int> quarter(int number) {
  TRY_ASSIGN(const int first, half(number));
  TRY_ASSIGN(const int second, half(first));
  return second;
}
Status check(int number) {
  TRY(half(number));
  return {};
}

TEST(ErrorCodeTable, IsInTheOrderOfTheEnumeration) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < error_code_table().size(); ++i) {
    const ErrorCodeInfo& row = error_code_table()[i];
    EXPECT_EQ(static_cast<std::size_t>(row.code), i);
    EXPECT_EQ(&info(row.code), &row);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.http_status >= 400 && row.http_status < 600) << row.name;
    EXPECT_TRUE(row.exit_status > 0 && row.exit_status < 124) << row.name;
  }
  EXPECT_EQ(info(ErrorCode::unsupported).name, "unsupported");
}

TEST(Result, IsPassedOnByTry) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_EQ(quarter(6).error(), (Error{ErrorCode::invalid_argument, "odd", {}}));
  EXPECT_TRUE(check(2));
  EXPECT_FALSE(check(1));
}

TEST(Error, ShowsItsCausesOutermostFirst) {
  Error error = wrap(Error{ErrorCode::corrupt, "inner", {"innermost"}}, "middle").value();
  error = wrap(std::move(error), "outer").value();
  EXPECT_EQ(error.code, ErrorCode::corrupt);
  EXPECT_EQ(error.text(), "outer: middle: inner: innermost");
}

TEST(FailErrno, ChoosesTheCode) {
  EXPECT_EQ(fail_errno(EACCES, "x").value().code, ErrorCode::permission_denied);
  EXPECT_EQ(fail_errno(EPERM, "x").value().code, ErrorCode::permission_denied);
  EXPECT_EQ(fail_errno(ENOENT, "x").value().code, ErrorCode::not_found);
  EXPECT_EQ(fail_errno(EMFILE, "x").value().code, ErrorCode::exhausted);
  EXPECT_EQ(fail_errno(EIO, "x").value().code, ErrorCode::io_failed);
  EXPECT_EQ(fail_errno(ENOENT, "cannot open a").value().text(),
            "cannot open a: No such file or directory");
}

}  // namespace
}  // namespace reeve
