#include "supervisor/use_meter.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at_milli(int milli) { return Instant{milliseconds(milli + 5000)}; }

TEST(UseMeter, gives_rates_of_the_time_between_two_looks) {
  UseMeter meter;
  const AttemptSample first = meter.sample(
      {.cpu = seconds(3), .memory_bytes = 700, .processes = 2, .read_bytes = 10}, at_milli(0));
  EXPECT_EQ(first.cpu, seconds(3));
  EXPECT_EQ(first.cpu_millicores, 0) << "one look gives no rate";
  const AttemptSample second = meter.sample({.cpu = seconds(3) + milliseconds(750),
                                             .memory_bytes = 500,
                                             .processes = 1,
                                             .read_bytes = 510,
                                             .written_bytes = 4000},
                                            at_milli(500));
  EXPECT_EQ(second.cpu_millicores, 1500);
  EXPECT_EQ(second.read_bytes_per_second, 1000);
  EXPECT_EQ(second.written_bytes_per_second, 8000);
  EXPECT_EQ(second.memory_bytes, 500);
  EXPECT_EQ(second.memory_peak_bytes, 700);
  EXPECT_EQ(meter.memory_peak_bytes(), 700);
}

TEST(UseMeter, sums_do_not_fall) {
  UseMeter meter;
  meter.sample({.cpu = seconds(3), .read_bytes = 10}, at_milli(0));
  const AttemptSample next = meter.sample({.cpu = seconds(1)}, at_milli(1000));
  EXPECT_EQ(next.cpu, seconds(3));
  EXPECT_EQ(next.cpu_millicores, 0);
  EXPECT_EQ(next.read_bytes, 10);
  EXPECT_EQ(meter.sample({.cpu = seconds(5)}, at_milli(1000)).cpu_millicores, 0)
      << "no time has passed";
}

TEST(UseMeter, stalls_are_parts_of_the_last_period) {
  using sandbox::CgroupStalls;
  UseMeter meter;
  EXPECT_EQ(meter.sample({.stalls = CgroupStalls{}}, at_milli(0)).cpu_stalled_per_mille, -1);
  const auto ms = [](int count) { return std::chrono::milliseconds(count); };
  const AttemptSample second =
      meter.sample({.stalls = CgroupStalls{ms(250), ms(0), ms(5000)}}, at_milli(1000));
  EXPECT_EQ(second.cpu_stalled_per_mille, 250);
  EXPECT_EQ(second.memory_stalled_per_mille, 0);
  EXPECT_EQ(second.io_stalled_per_mille, 1000) << "processors are counted one by one";
  EXPECT_EQ(meter.sample({}, at_milli(2000)).processes, 0);
}

TEST(UseOfTree, counts_a_process_and_those_that_it_made) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    std::vector<char> held(20 << 20, 'x');
    for (int i = 0; i < 2; ++i)
      if (::fork() == 0) break;
    while (held[held.size() / 2] != 0) ::pause();
  }
  std::optional<ProcessUse> use;
  do use = use_of_tree(child);
  while (use && use->processes < 3);
  ASSERT_TRUE(use);
  EXPECT_EQ(use->processes, 3);
  EXPECT_GE(use->memory_bytes, 3 * (20 << 20)) << "resident pages count in each of them";
  EXPECT_LT(use->cpu, seconds(60));
  ::kill(-child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(use_of_tree(child), std::nullopt);
}

}  // namespace
}  // namespace reeve::supervisor
