#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ensure.h"
#include "sandbox/cgroup.h"
#include "sandbox/test_fake_cgroups.h"

namespace reeve::sandbox {
namespace {

using std::chrono_literals::operator""us;
using testing::ElementsAre;
using testing::HasSubstr;

std::string in_a(std::string_view file) { return "cg/ours/reeve.a/" + std::string(file); }

/// A machine with version 2, delegated to us alone, and group "a", whose files were there.
class CgroupV2 : public testing::Test {
 protected:
  CgroupV2() {
    fake.make_v2();
    fake.make_v2_group("cg/ours/reeve.a");
  }
  Cgroup& group() {
    if (made_) return *made_;
    groups_ = Cgroups::detect(fake.root());
    auto made = groups_->make("a");
    ENSURE(made);
    made_ = std::move(*made);
    return *made_;
  }
  CgroupUse use() {
    const auto use = group().use();
    EXPECT_TRUE(use) << use.error().text();
    return use.value_or(CgroupUse{});
  }
  std::string refusal() {
    const auto use = group().use();
    return use ? "" : use.error().text();
  }
  CgroupAbilities abilities() const { return Cgroups::detect(fake.root())->abilities(); }
  /// Where a group comes to be.
  std::vector<std::string> places() const {
    const auto groups = Cgroups::detect(fake.root());
    const auto made = groups->make("b");
    if (!made) return {made.error().text()};
    return (*made)->join_files();
  }
  std::string me() const { return std::to_string(::getpid()) + "\n"; }

  FakeCgroups fake;

 private:
  std::unique_ptr<Cgroups> groups_;
  std::unique_ptr<Cgroup> made_;
};

TEST_F(CgroupV2, can_all_where_nothing_is_missing) {
  const CgroupAbilities can = abilities();
  EXPECT_EQ(can.why_not, "");
  EXPECT_EQ(can.version, 2);
  EXPECT_TRUE(can.memory && can.cpu && can.processes && can.io);
}

TEST_F(CgroupV2, moves_this_process_into_a_leaf_when_it_is_alone) {
  EXPECT_THAT(places(), ElementsAre(fake.path("cg/ours/reeve.b/cgroup.procs")));
  EXPECT_EQ(fake.read("cg/ours/reeve.self/cgroup.procs"), "0");
}

TEST_F(CgroupV2, a_process_that_is_in_the_leaf_already_stays) {
  fake.write("proc/self/cgroup", "0::/ours/reeve.self\n");
  EXPECT_THAT(places(), ElementsAre(fake.path("cg/ours/reeve.b/cgroup.procs")));
  EXPECT_EQ(fake.read("cg/ours/reeve.self/cgroup.procs"), "");
}

TEST_F(CgroupV2, the_root_of_all_may_have_processes) {
  fake.write("proc/self/cgroup", "0::/\n");
  fake.remove("cg/cgroup.events");
  fake.write("cg/cgroup.procs", "1\n" + me());
  EXPECT_THAT(places(), ElementsAre(fake.path("cg/reeve.b/cgroup.procs")));
}

TEST_F(CgroupV2, makes_groups_beside_its_own_when_others_are_in_that) {
  fake.write("cg/ours/cgroup.procs", me() + "1\n");
  EXPECT_THAT(places(), ElementsAre(fake.path("cg/reeve.b/cgroup.procs")));
  EXPECT_EQ(fake.read("cg/ours/reeve.self/cgroup.procs"), "");
}

TEST_F(CgroupV2, others_in_the_uppermost_group_that_is_seen_are_in_the_way) {
  fake.write("proc/self/cgroup", "0::/\n");
  fake.write("cg/cgroup.procs", "1\n2\n" + me());
  const CgroupAbilities can = abilities();
  EXPECT_EQ(can.version, 0);
  EXPECT_EQ(can.why_not, "other processes (2) are in our own group " + fake.path("cg") +
                             "; start it alone in a group of its own: run as root, or let systemd "
                             "delegate (Delegate=yes)");
  EXPECT_THAT(places(), ElementsAre("control groups cannot be used here: " + can.why_not));
}

TEST_F(CgroupV2, without_rights_says_what_would_give_them) {
  fake.make_read_only("cg/ours");
  fake.make_read_only("cg");
  const AsNobody nobody;
  const CgroupAbilities can = abilities();
  EXPECT_EQ(can.version, 0);
  EXPECT_THAT(can.why_not,
              testing::StartsWith("no write access to " + fake.path("cg/ours") +
                                  ": Permission denied; start it alone in a group of its own"));
}

TEST_F(CgroupV2, names_the_file_that_would_have_to_be_writable_to_move_processes) {
  ASSERT_EQ(::chmod(fake.path("cg/ours").c_str(), 0777), 0);
  ASSERT_EQ(::chmod(fake.path("cg/ours/cgroup.procs").c_str(), 0444), 0);
  fake.make_read_only("cg");
  const AsNobody nobody;
  EXPECT_THAT(abilities().why_not,
              testing::StartsWith("no write access to " + fake.path("cg/ours/cgroup.procs")));
}

TEST_F(CgroupV2, enables_the_controllers_that_are_available) {
  fake.write("cg/ours/cgroup.subtree_control", "cpu memory pids\n");
  EXPECT_TRUE(abilities().io);
  EXPECT_EQ(fake.read("cg/ours/cgroup.subtree_control"), "+io");
}

TEST_F(CgroupV2, names_the_controller_that_is_not_there_and_refuses_its_limit) {
  fake.write("cg/ours/cgroup.controllers", "cpuset memoryx pids\n");
  fake.write("cg/ours/cgroup.subtree_control", "pids\n");
  const std::string missing =
      "memory: the controller is not available in " + fake.path("cg/ours") +
      "; cpu: the controller is not available in " + fake.path("cg/ours") +
      "; io: the controller is not available in " + fake.path("cg/ours") +
      "; let systemd delegate all controllers (Delegate=yes), or enable them in "
      "cgroup.subtree_control of the groups above";
  EXPECT_EQ(abilities().why_not, missing);
  const Status refused = group().limit({1, 0, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_EQ(refused.error().text(), "this machine cannot hold a memory limit: " + missing);
  EXPECT_EQ(fake.read(in_a("pids.max")), "max\n");
  EXPECT_TRUE(group().limit({0, 0, 5}));
  EXPECT_EQ(fake.read(in_a("pids.max")), "5");
  fake.write(in_a("cpu.stat"), "user_usec 7\nsystem_usec 8\n");
  EXPECT_EQ(use().system_cpu, 8us);
}

TEST_F(CgroupV2, names_the_file_that_is_missing_from_the_group_above) {
  fake.remove("cg/ours/cgroup.subtree_control");
  const CgroupAbilities can = abilities();
  EXPECT_FALSE(can.memory || can.cpu || can.processes || can.io);
  EXPECT_THAT(can.why_not,
              HasSubstr("memory: cannot read " + fake.path("cg/ours/cgroup.subtree_control")));
}

TEST_F(CgroupV2, says_so_when_the_mount_does_not_show_its_group) {
  fake.write("proc/self/cgroup", "0::/../other\n");
  EXPECT_EQ(abilities().why_not, "our own group is outside of what is mounted at " +
                                     fake.path("cg") + "; mount the whole hierarchy there");
}

TEST_F(CgroupV2, memory_decides_where_a_machine_has_both_versions) {
  fake.write("proc/self/cgroup", "2:cpu:/\n0::/ours\n");
  fake.write("proc/self/mountinfo",
             "36 31 0:33 / /cpu rw - cgroup cgroup rw,cpu\n"
             "37 31 0:34 / /cg rw - cgroup2 cgroup2 rw\n");
  fake.write("cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(abilities().version, 2);
  fake.write("cg/ours/cgroup.controllers", "pids\n");
  EXPECT_EQ(abilities().version, 1);
}

TEST_F(CgroupV2, writes_its_limits_and_takes_them_away) {
  ASSERT_TRUE(group().limit({1 << 20, 1500, 7}));
  EXPECT_EQ(fake.read(in_a("memory.max")), "1048576");
  EXPECT_EQ(fake.read(in_a("memory.swap.max")), "0");
  EXPECT_EQ(fake.read(in_a("cpu.max")), "150000 100000");
  EXPECT_EQ(fake.read(in_a("pids.max")), "7");
  ASSERT_TRUE(group().limit({0, 2, 0}));
  EXPECT_EQ(fake.read(in_a("memory.max")), "max");
  EXPECT_EQ(fake.read(in_a("memory.swap.max")), "max");
  EXPECT_EQ(fake.read(in_a("cpu.max")), "2000 1000000");
  EXPECT_EQ(fake.read(in_a("pids.max")), "max");
  ASSERT_TRUE(group().limit({}));
  EXPECT_EQ(fake.read(in_a("cpu.max")), "max 100000");
  ASSERT_TRUE(group().limit({0, 0, 0, 250}));
  EXPECT_EQ(fake.read(in_a("cpu.weight")), "250");
  ASSERT_TRUE(group().limit({}));
  EXPECT_EQ(fake.read(in_a("cpu.weight")), "100");
}

TEST_F(CgroupV2, knows_how_long_it_was_stalled) {
  EXPECT_EQ(group().stalls(), CgroupStalls{});
  fake.write(in_a("memory.pressure"),
             "some avg10=1.00 avg60=0.50 avg300=0.10 total=1500\n"
             "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  EXPECT_EQ(group().stalls(), (CgroupStalls{Duration{0}, Duration{1500}, Duration{0}}));
  fake.write(in_a("io.pressure"), "some total=x\n");
  EXPECT_FALSE(group().stalls()) << "what cannot be read is not known";
  fake.remove(in_a("io.pressure"));
  EXPECT_FALSE(group().stalls()) << "psi=0";
}

TEST_F(CgroupV2, a_kernel_without_swap_has_nothing_to_forbid) {
  fake.remove(in_a("memory.swap.max"));
  ASSERT_TRUE(group().limit({1 << 20, 0, 0}));
  EXPECT_EQ(fake.read(in_a("memory.max")), "1048576");
  fake.replace_by_directory(in_a("memory.swap.max"));
  const Status refused = group().limit({2 << 20, 0, 0});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr(fake.path(in_a("memory.swap.max"))));
  EXPECT_EQ(fake.read(in_a("memory.max")), "1048576");
}

void write_v2_counters(const FakeCgroups& fake) {
  fake.write(in_a("memory.stat"),
             "anon 4096\nfile 900\nkernel 50\nkernel_stack 16\nshmem 100\nslab_reclaimable 20\n");
  fake.write(in_a("memory.events"), "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n");
  fake.write(in_a("cpu.stat"), "usage_usec 12000\nuser_usec 5000\nsystem_usec 7000\n");
  fake.write(in_a("pids.current"), "4\n");
  fake.write(in_a("io.stat"),
             "8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=9 dios=0\n8:16 \n"
             "8:32 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n");
}

TEST_F(CgroupV2, reads_its_use) {
  group();
  write_v2_counters(fake);
  EXPECT_EQ(use(), (CgroupUse{5000us, 7000us, 4226, 4, 11, 22, 3}));
}

TEST_F(CgroupV2, counts_from_its_last_reset) {
  group();
  write_v2_counters(fake);
  ASSERT_TRUE(group().reset());
  EXPECT_EQ(use(), (CgroupUse{0us, 0us, 4226, 4, 0, 0, 0}));
  fake.write(in_a("cpu.stat"), "user_usec 5001\nsystem_usec 7000\n");
  fake.write(in_a("io.stat"), "8:0 rbytes=10 wbytes=120\n");
  EXPECT_EQ(use(), (CgroupUse{1us, 0us, 4226, 4, 0, 98, 0}));
}

TEST_F(CgroupV2, drops_page_cache_when_it_is_worth_the_time) {
  fake.write(in_a("memory.stat"), "anon 1\nfile 4194404\nshmem 100\n");
  ASSERT_TRUE(group().reset());
  EXPECT_EQ(fake.read(in_a("memory.reclaim")), "");
  fake.write(in_a("memory.stat"), "anon 1\nfile 4194405\nshmem 100\n");
  ASSERT_TRUE(group().reset());
  EXPECT_EQ(fake.read(in_a("memory.reclaim")), "4194305");
  fake.remove(in_a("memory.reclaim"));
  EXPECT_TRUE(group().reset());
}

TEST_F(CgroupV2, names_the_file_whose_content_is_not_what_it_should_be) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"pids.current", "max\n"},
      {"cpu.stat", "usage_usec 1\nuser_usec 1\n"},
      {"cpu.stat", "user_usec 1\nsystem_usec 1.5\n"},
      {"memory.stat", "anon 1\n"},
      {"memory.stat", "anon 9223372036854775807\nshmem 9223372036854775807\n"},
      {"memory.stat", "anon 1\nshmem 1\nkernel \x1b\n"},
      {"memory.events", "oom_kill -3\n"},
      {"io.stat", "8:0 rbytes= wbytes=1\n"},
      {"io.stat", "8:0 rbytes=9223372036854775807\n8:1 rbytes=1\n"},
  };
  group();
  for (const auto& [file, text] : cases) {
    const std::string before = fake.read(in_a(file));
    fake.write(in_a(file), text);
    EXPECT_THAT(refusal(), HasSubstr(fake.path(in_a(file)))) << text;
    EXPECT_THAT(refusal(), testing::Not(HasSubstr("\x1b")));
    fake.write(in_a(file), before);
    EXPECT_EQ(refusal(), "");
  }
}

TEST_F(CgroupV2, is_killed_by_the_kernel_where_that_can) {
  group();
  fake.write(in_a("cgroup.procs"), "not read\n");
  ASSERT_TRUE(group().kill());
  EXPECT_EQ(fake.read(in_a("cgroup.kill")), "1");
  EXPECT_EQ(fake.read(in_a("pids.max")), "max");
}

TEST_F(CgroupV2, is_killed_one_by_one_where_the_kernel_is_older) {
  fake.remove(in_a("cgroup.kill"));
  ASSERT_TRUE(group().limit({0, 0, 9}));
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  fake.write(in_a("cgroup.procs"), std::to_string(child) + "\n");
  ASSERT_TRUE(group().kill());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(fake.read(in_a("pids.max")), "9");
}

TEST_F(CgroupV2, never_sweeps_the_leaf_that_it_is_in) {
  const auto groups = Cgroups::detect(fake.root());
  groups->sweep("");
  EXPECT_EQ(fake.read("cg/ours/reeve.self/cgroup.kill"), "");
  EXPECT_EQ(fake.read(in_a("cgroup.kill")), "1");
}

}  // namespace
}  // namespace reeve::sandbox
