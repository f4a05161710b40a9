#include "base/ensure.h"

#include <gtest/gtest.h>

namespace reeve {
namespace {

TEST(Ensure, lets_what_holds_pass_and_looks_at_it_once) {
  int looks = 0;
  ENSURE(++looks == 1);
  EXPECT_EQ(looks, 1);
}

TEST(Ensure, stops_with_what_is_false_where_and_what_to_do) {
  const int two = 2;
  EXPECT_DEATH(ENSURE(two + two == 5),
               "internal error: two \\+ two == 5 is false at .*ensure_test.cc:[0-9]+; stopping. "
               "Nothing acknowledged is lost: start again to recover");
}

}  // namespace
}  // namespace reeve
