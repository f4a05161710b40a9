#include "security/login_limit.h"

#include <gtest/gtest.h>

namespace reeve::security {
namespace {

using std::chrono::seconds;
constexpr Time kFirstFailure{std::chrono::hours{1000}};

TEST(LoginLimiter, waits_get_longer_and_end) {
  LoginLimiter limiter({.free_failures = 3,
                        .first_wait = seconds{1},
                        .longest_wait = seconds{5},
                        .forget_after = seconds{100}});
  Time now = kFirstFailure;
  limiter.failed("a", now);
  limiter.failed("a", now);
  EXPECT_EQ(limiter.wait("a", now), Duration{0});
  for (const int expected : {1, 2, 4, 5, 5}) {
    limiter.failed("a", now);
    EXPECT_EQ(limiter.wait("a", now), seconds{expected});
    EXPECT_EQ(limiter.wait("b", now), Duration{0});
    now += seconds{expected};
    EXPECT_EQ(limiter.wait("a", now), Duration{0});
  }
  now += seconds{100};
  limiter.failed("a", now);  // long ago forgotten
  EXPECT_EQ(limiter.wait("a", now), Duration{0});
}

TEST(LoginLimiter, a_success_forgets) {
  LoginLimiter limiter({.free_failures = 1});
  limiter.failed("a", kFirstFailure);
  EXPECT_GT(limiter.wait("a", kFirstFailure), Duration{0});
  limiter.succeeded("a");
  EXPECT_EQ(limiter.wait("a", kFirstFailure), Duration{0});
}

TEST(LoginLimiter, remembers_no_more_than_it_may_and_the_worst_longest) {
  LoginLimiter limiter({.free_failures = 1, .remembered_max = 100});
  for (int i = 0; i < 20; ++i) limiter.failed("bad", kFirstFailure);
  for (int i = 0; i < 10'000; ++i) limiter.failed("name" + std::to_string(i), kFirstFailure);
  EXPECT_EQ(limiter.remembered(), 100U);
  EXPECT_GT(limiter.wait("bad", kFirstFailure), seconds{100});
}

}  // namespace
}  // namespace reeve::security
