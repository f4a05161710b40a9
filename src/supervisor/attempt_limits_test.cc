#include "supervisor/attempt_limits.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::supervisor {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kGiB = std::int64_t{1} << 30;

sandbox::CgroupAbilities all() {
  sandbox::CgroupAbilities abilities;
  abilities.version = 1;
  abilities.memory = abilities.cpu = abilities.processes = true;
  return abilities;
}

TEST(AttemptLimits, leave_the_machine_something_where_nothing_was_asked) {
  EXPECT_EQ(limits_of({}, all(), 16 * kGiB).memory_bytes, 15 * kGiB);
  EXPECT_EQ(memory_max_unasked(512 * kMiB), 448 * kMiB);
  EXPECT_EQ(memory_max_unasked(256 * kGiB), 254 * kGiB);
  EXPECT_EQ(memory_max_unasked(100 * kMiB), 50 * kMiB);
}

TEST(AttemptLimits, are_what_was_asked_for) {
  Resources asked;
  asked.memory_bytes = 64 * kMiB;
  asked.cpu_millicores = 2500;
  EXPECT_EQ(limits_of(asked, all(), kGiB),
            (sandbox::CgroupLimits{64 * kMiB, 0, kProcessesMax, 250}));
  asked.cpu_millicores = 1;
  EXPECT_EQ(limits_of(asked, all(), kGiB).cpu_weight, 1);
  asked.cpu_millicores = 1'000'000;
  EXPECT_EQ(limits_of(asked, all(), kGiB).cpu_weight, 10'000);
}

TEST(AttemptLimits, demand_of_a_machine_only_what_the_attempt_demands) {
  EXPECT_EQ(limits_of({}, {}, kGiB), sandbox::CgroupLimits{});
  Resources asked;
  asked.memory_bytes = 1;
  asked.cpu_millicores = 100;
  EXPECT_EQ(limits_of(asked, {}, kGiB), (sandbox::CgroupLimits{1, 0, 0, 0}));
}

RC_GTEST_PROP(AttemptLimits, never_give_one_attempt_the_whole_machine, (std::uint32_t mebibytes)) {
  const std::int64_t machine = (std::int64_t{mebibytes} + 1) * kMiB;
  const std::int64_t most = memory_max_unasked(machine);
  RC_ASSERT(most < machine);
  RC_ASSERT(most >= machine / 2);
}

}  // namespace
}  // namespace reeve::supervisor
