#include "supervisor/machine_meter.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using std::chrono::seconds;

TEST(MachineMeter, what_reeve_uses_itself_is_not_what_others_use) {
  const MachineTimes before{.busy = seconds{100}, .all = seconds{1000}, .own = seconds{40}};
  EXPECT_EQ(others_between(before, {seconds{102}, seconds{1004}, seconds{41}}), 250);
  EXPECT_EQ(others_between(before, {seconds{102}, seconds{1004}, seconds{42}}), 0);
  EXPECT_EQ(others_between(before, {seconds{104}, seconds{1004}, seconds{40}}), 1000);
  EXPECT_EQ(others_between(before, {seconds{102}, seconds{1004}, seconds{50}}), 0)
      << "counted late";
  EXPECT_EQ(others_between(before, {seconds{102}, seconds{1004}, seconds{20}}), 500)
      << "a process went, and its time with it";
  EXPECT_EQ(others_between(before, before), 0);
}

TEST(MachineMeter, stalls_are_read_from_the_line_of_all) {
  EXPECT_EQ(full_stall("some avg10=90.00 avg60=1.00 avg300=0.00 total=1\n"
                       "full avg10=12.34 avg60=1.00 avg300=0.00 total=1\n"),
            123);
  EXPECT_EQ(full_stall("some avg10=90.00\nfull avg10=100.00 avg60=0.00"), 1000);
  for (const char* const text : {"", "some avg10=90.00", "full", "full avg10=", "full avg10=x.y",
                                 "full avg10=99999999999999999999.9"})
    EXPECT_EQ(full_stall(text), 0) << text;
}

TEST(MachineMeter, memory_that_is_left_is_a_part_of_all) {
  EXPECT_EQ(available_memory("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  140 kB\n"), 140);
  EXPECT_EQ(available_memory("MemTotal: 1000 kB\n"), 1000) << "an old kernel does not say";
  EXPECT_EQ(available_memory("MemTotal: 0 kB\nMemAvailable: 5 kB"), 1000);
  EXPECT_EQ(available_memory(""), 1000);
}

TEST(MachineMeter, a_look_at_this_machine_gives_steps) {
  MachineMeter meter;
  EXPECT_EQ(meter.look(std::nullopt).others, 0) << "nothing to compare with yet";
  const MachineLoad load = meter.look(::getpid());
  for (const std::int32_t part : {load.others, load.memory, load.disks}) {
    EXPECT_EQ(part % kLoadStep, 0);
    EXPECT_GE(part, 0);
    EXPECT_LE(part, 1000);
  }
}

}  // namespace
}  // namespace reeve::supervisor
