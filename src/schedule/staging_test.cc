#include "schedule/staging.h"

#include <gtest/gtest.h>

namespace reeve::schedule {
namespace {

constexpr Staging::Kind kKind{DemandId{1}, 0};

TEST(Staging, only_more_of_what_was_taken_last_and_only_if_it_is_short) {
  Staging staging;
  EXPECT_FALSE(staging.may_stage(kKind, 2));
  staging.note(kKind);
  EXPECT_FALSE(staging.may_stage(kKind, 2)) << "nothing is known of how long it takes";
  staging.observe_run_time(std::chrono::milliseconds{1});
  EXPECT_TRUE(staging.may_stage(kKind, 2));
  EXPECT_FALSE(staging.may_stage({DemandId{1}, 1}, 2));
  EXPECT_FALSE(staging.may_stage({DemandId{2}, 0}, 2));
  for (int i = 0; i < 40; ++i) staging.observe_run_time(std::chrono::seconds{1});
  EXPECT_FALSE(staging.may_stage(kKind, 2));
}

TEST(Staging, its_depth_covers_the_latency_of_a_round) {
  const auto depth_at = [](Duration run_time, std::int64_t places) {
    Staging staging;
    staging.observe_run_time(run_time);
    return staging.depth(places);
  };
  EXPECT_EQ(depth_at(std::chrono::milliseconds{100}, 2), 2U);
  EXPECT_EQ(depth_at(std::chrono::milliseconds{2}, 2), 8U);
  EXPECT_EQ(depth_at(std::chrono::microseconds{1}, 1), 61U);
  EXPECT_EQ(depth_at(std::chrono::microseconds{1}, 64), kStagedMax);
  EXPECT_EQ(depth_at(std::chrono::milliseconds{101}, 2), 0U);
}

TEST(Staging, is_first_in_first_out_and_lets_anybody_leave) {
  Staging staging;
  for (std::uint32_t i = 0; i < 3; ++i) staging.push(HolderId{i});
  staging.remove(HolderId{1});
  EXPECT_EQ(staging.front(), HolderId{0});
  staging.pop();
  EXPECT_EQ(staging.front(), HolderId{2});
  staging.pop();
  EXPECT_TRUE(staging.empty());
  EXPECT_DEATH(staging.remove(HolderId{9}), "found");
}

}  // namespace
}  // namespace reeve::schedule
