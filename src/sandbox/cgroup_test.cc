#include "sandbox/cgroup.h"

#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/ensure.h"
#include "sandbox/cgroup_limits.h"
#include "sandbox/test_fake_cgroups.h"

namespace reeve::sandbox {
namespace {

using std::chrono_literals::operator""us;
using testing::HasSubstr;

constexpr std::string_view kMemory = "cg/memory/ours/reeve.a/";
constexpr std::string_view kCpu = "cg/cpu,cpuacct/ours/reeve.a/";
constexpr std::string_view kPids = "cg/pids/ours/reeve.a/";
constexpr std::string_view kBlkio = "cg/blkio/ours/reeve.a/";

std::string in(std::string_view directory, std::string_view file) {
  return std::string(directory) + std::string(file);
}

/// A machine with version 1, and group "a", whose files were there.
class CgroupV1 : public testing::Test {
 protected:
  CgroupV1() {
    fake.make_v1();
    fake.make_v1_group("a");
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

  FakeCgroups fake;

 private:
  std::unique_ptr<Cgroups> groups_;
  std::unique_ptr<Cgroup> made_;
};

TEST_F(CgroupV1, can_all_where_nothing_is_missing) {
  const auto groups = Cgroups::detect(fake.root());
  EXPECT_EQ(groups->abilities().why_not, "");
  EXPECT_EQ(groups->abilities().version, 1);
  EXPECT_TRUE(groups->abilities().memory && groups->abilities().cpu &&
              groups->abilities().processes && groups->abilities().io);
}

TEST_F(CgroupV1, is_joined_once_per_hierarchy) {
  EXPECT_THAT(group().join_files(),
              testing::ElementsAre(fake.path(in(kMemory, "tasks")), fake.path(in(kCpu, "tasks")),
                                   fake.path(in(kPids, "tasks")), fake.path(in(kBlkio, "tasks"))));
}

TEST_F(CgroupV1, writes_its_limits_and_takes_them_away) {
  ASSERT_TRUE(group().limit({1 << 20, 1500, 7}));
  EXPECT_EQ(fake.read(in(kMemory, "memory.limit_in_bytes")), "1048576");
  EXPECT_EQ(fake.read(in(kMemory, "memory.memsw.limit_in_bytes")), "1048576");
  EXPECT_EQ(fake.read(in(kCpu, "cpu.cfs_quota_us")), "150000");
  EXPECT_EQ(fake.read(in(kCpu, "cpu.cfs_period_us")), "100000");
  EXPECT_EQ(fake.read(in(kPids, "pids.max")), "7");
  ASSERT_TRUE(group().limit({}));
  EXPECT_EQ(fake.read(in(kMemory, "memory.limit_in_bytes")), "-1");
  EXPECT_EQ(fake.read(in(kMemory, "memory.memsw.limit_in_bytes")), "-1");
  EXPECT_EQ(fake.read(in(kCpu, "cpu.cfs_quota_us")), "-1");
  EXPECT_EQ(fake.read(in(kPids, "pids.max")), "max");
}

TEST_F(CgroupV1, a_quota_below_the_least_of_the_kernel_gets_a_longer_period) {
  ASSERT_TRUE(group().limit({0, 3, 0}));
  EXPECT_EQ(fake.read(in(kCpu, "cpu.cfs_quota_us")), "3000");
  EXPECT_EQ(fake.read(in(kCpu, "cpu.cfs_period_us")), "1000000");
}

TEST_F(CgroupV1, weighs_processors_as_shares) {
  ASSERT_TRUE(group().limit({0, 0, 0, 250}));
  EXPECT_EQ(fake.read(in(kCpu, "cpu.shares")), "2560");
  ASSERT_TRUE(group().limit({}));
  EXPECT_EQ(fake.read(in(kCpu, "cpu.shares")), "1024");
  EXPECT_EQ(cpu_shares(1), 10);
  EXPECT_EQ(group().limit({0, 0, 0, 10'001}).error().code, ErrorCode::invalid_argument);
}

TEST_F(CgroupV1, writes_only_the_limits_that_change) {
  ASSERT_TRUE(group().limit({1 << 20, 1500, 7}));
  fake.write(in(kMemory, "memory.limit_in_bytes"), "untouched");
  fake.write(in(kCpu, "cpu.cfs_quota_us"), "untouched");
  ASSERT_TRUE(group().limit({1 << 20, 1500, 8}));
  EXPECT_EQ(fake.read(in(kMemory, "memory.limit_in_bytes")), "untouched");
  EXPECT_EQ(fake.read(in(kCpu, "cpu.cfs_quota_us")), "untouched");
  EXPECT_EQ(fake.read(in(kPids, "pids.max")), "8");
}

TEST_F(CgroupV1, after_a_failure_all_limits_are_written_again) {
  ASSERT_TRUE(group().limit({1 << 20, 1500, 7}));
  fake.replace_by_directory(in(kPids, "pids.max"));
  const Status refused = group().limit({1 << 20, 1500, 8});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr(fake.path(in(kPids, "pids.max"))));
  fake.remove(in(kPids, "pids.max"));
  fake.write(in(kPids, "pids.max"), "max");
  fake.write(in(kCpu, "cpu.cfs_quota_us"), "-1");
  ASSERT_TRUE(group().limit({1 << 20, 1500, 7}));
  EXPECT_EQ(fake.read(in(kPids, "pids.max")), "7");
  EXPECT_EQ(fake.read(in(kCpu, "cpu.cfs_quota_us")), "150000");
}

TEST_F(CgroupV1, raises_the_limit_with_swap_before_the_one_without) {
  ASSERT_TRUE(group().limit({1 << 20, 0, 0}));
  fake.replace_by_directory(in(kMemory, "memory.limit_in_bytes"));
  EXPECT_FALSE(group().limit({2 << 20, 0, 0}));
  EXPECT_EQ(fake.read(in(kMemory, "memory.memsw.limit_in_bytes")), "2097152");
  EXPECT_FALSE(group().limit({}));
  EXPECT_EQ(fake.read(in(kMemory, "memory.memsw.limit_in_bytes")), "-1");
}

TEST_F(CgroupV1, lowers_the_limit_with_swap_after_the_one_without) {
  ASSERT_TRUE(group().limit({2 << 20, 0, 0}));
  fake.replace_by_directory(in(kMemory, "memory.limit_in_bytes"));
  EXPECT_FALSE(group().limit({1 << 20, 0, 0}));
  EXPECT_EQ(fake.read(in(kMemory, "memory.memsw.limit_in_bytes")), "2097152");
}

TEST_F(CgroupV1, a_machine_that_does_not_count_swap_says_so) {
  fake.remove("cg/memory/ours/memory.memsw.limit_in_bytes");
  ASSERT_TRUE(group().limit({1 << 20, 0, 0}));
  EXPECT_EQ(fake.read(in(kMemory, "memory.limit_in_bytes")), "1048576");
  EXPECT_EQ(Cgroups::detect(fake.root())->abilities().why_not,
            "memory: swap is not counted; start the kernel with swapaccount=1");
}

TEST_F(CgroupV1, refuses_negative_limits) {
  const Status refused = group().limit({0, -1, 0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().text(), HasSubstr("cpu limit is negative"));
}

void write_counters(const FakeCgroups& fake) {
  fake.write(in(kMemory, "memory.stat"),
             "cache 900\nrss 1\ntotal_cache 9000\ntotal_rss 4096\ntotal_shmem 100\n"
             "total_swap 20\ntotal_rss_huge 7\n");
  fake.write(in(kMemory, "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  fake.write(in(kCpu, "cpuacct.usage_user"), "5000999\n");
  fake.write(in(kCpu, "cpuacct.usage_sys"), "7000000\n");
  fake.write(in(kPids, "pids.current"), "4\n");
  fake.write(in(kBlkio, "blkio.throttle.io_service_bytes_recursive"),
             "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n"
             "8:16 Read 1\n8:16 Write 2\nTotal 33\n");
}

TEST_F(CgroupV1, reads_its_use) {
  group();
  write_counters(fake);
  EXPECT_EQ(use(), (CgroupUse{5000us, 7000us, 4216, 4, 11, 22, 3}));
}

TEST_F(CgroupV1, counts_from_its_last_reset) {
  group();
  write_counters(fake);
  ASSERT_TRUE(group().reset());
  EXPECT_EQ(use(), (CgroupUse{0us, 0us, 4216, 4, 0, 0, 0}));
  fake.write(in(kCpu, "cpuacct.usage_sys"), "9000000\n");
  fake.write(in(kMemory, "memory.oom_control"), "oom_kill 4\n");
  EXPECT_EQ(use(), (CgroupUse{0us, 2000us, 4216, 4, 0, 0, 1}));
  fake.write(in(kCpu, "cpuacct.usage_sys"), "1\n");
  EXPECT_EQ(use().system_cpu, 0us);
}

TEST_F(CgroupV1, drops_page_cache_when_it_is_worth_the_time) {
  const std::string stat = in(kMemory, "memory.stat");
  fake.write(stat, "total_cache 4194404\ntotal_rss 1\ntotal_shmem 100\n");
  ASSERT_TRUE(group().reset());
  EXPECT_EQ(fake.read(in(kMemory, "memory.force_empty")), "");
  fake.write(stat, "total_cache 4194405\ntotal_rss 1\ntotal_shmem 100\n");
  ASSERT_TRUE(group().reset());
  EXPECT_EQ(fake.read(in(kMemory, "memory.force_empty")), "0");
}

TEST_F(CgroupV1, a_group_that_was_there_counts_from_zero) {
  write_counters(fake);
  EXPECT_EQ(use(), (CgroupUse{0us, 0us, 4216, 4, 0, 0, 0}));
}

TEST_F(CgroupV1, reads_ticks_where_the_kernel_does_not_split_nanoseconds) {
  fake.remove("cg/cpu,cpuacct/ours/cpuacct.usage_user");
  group();
  fake.write(in(kCpu, "cpuacct.stat"), "user 3\nsystem 2\n");
  const Duration tick{1'000'000 / ::sysconf(_SC_CLK_TCK)};
  EXPECT_EQ(use().user_cpu, 3 * tick);
  EXPECT_EQ(use().system_cpu, 2 * tick);
}

struct Hostile {
  std::string_view directory;
  std::string_view file;
  std::string_view text;
};

TEST_F(CgroupV1, names_the_file_whose_content_is_not_what_it_should_be) {
  const Hostile cases[] = {
      {kPids, "pids.current", ""},
      {kPids, "pids.current", "max\n"},
      {kPids, "pids.current", "-1\n"},
      {kPids, "pids.current", "4 5\n"},
      {kPids, "pids.current", "99999999999999999999\n"},
      {kPids, "pids.current", "\x1b[31m1\n"},
      {kCpu, "cpuacct.usage_user", "0x10\n"},
      {kCpu, "cpuacct.usage_sys", " 1\n"},
      {kMemory, "memory.stat", "rss 4\n"},
      {kMemory, "memory.stat", "total_rss\n"},
      {kMemory, "memory.stat", "total_rss x\n"},
      {kMemory, "memory.stat", "total_rss 9223372036854775807\ntotal_shmem 1\n"},
      {kMemory, "memory.oom_control", "under_oom 0\n"},
      {kBlkio, "blkio.throttle.io_service_bytes_recursive", "8:0 Read much\n"},
  };
  for (const Hostile& one : cases) {
    const std::string file = in(one.directory, one.file);
    group();
    const std::string before = fake.read(file);
    fake.write(file, one.text);
    EXPECT_THAT(refusal(), HasSubstr(fake.path(file))) << one.text;
    EXPECT_THAT(refusal(), testing::Not(HasSubstr("\x1b")));
    fake.write(file, before);
    EXPECT_EQ(refusal(), "");
  }
}

TEST_F(CgroupV1, names_the_file_that_is_gone) {
  group();
  fake.remove(in(kMemory, "memory.stat"));
  EXPECT_THAT(refusal(), HasSubstr(fake.path(in(kMemory, "memory.stat"))));
}

TEST_F(CgroupV1, names_the_controller_that_is_not_there_and_refuses_its_limit) {
  fake.write("proc/self/cgroup", "3:cpu,cpuacct:/ours\n2:pids:/ours\n");
  const std::string missing =
      "memory: the controller is not mounted; blkio: the controller is not mounted; mount it below "
      "/sys/fs/cgroup";
  const auto groups = Cgroups::detect(fake.root());
  EXPECT_EQ(groups->abilities().why_not, missing);
  EXPECT_FALSE(groups->abilities().memory);
  EXPECT_TRUE(groups->abilities().cpu);
  const Status refused = group().limit({1, 1, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_EQ(refused.error().text(), "this machine cannot hold a memory limit: " + missing);
  EXPECT_EQ(fake.read(in(kPids, "pids.max")), "max\n");
  EXPECT_TRUE(group().limit({0, 100, 1}));
  EXPECT_EQ(use().memory_bytes, 0);
}

TEST_F(CgroupV1, names_the_file_that_the_kernel_does_not_have) {
  fake.remove("cg/cpu,cpuacct/ours/cpu.cfs_quota_us");
  EXPECT_EQ(Cgroups::detect(fake.root())->abilities().why_not,
            "cpu: no file " + fake.path("cg/cpu,cpuacct/ours/cpu.cfs_quota_us") +
                "; use a kernel that has it built in");
}

TEST_F(CgroupV1, without_rights_says_what_would_give_them) {
  for (const char* const hierarchy : {"memory", "cpu,cpuacct", "pids", "blkio"})
    fake.make_read_only(std::string("cg/") + hierarchy + "/ours");
  const AsNobody nobody;
  const auto groups = Cgroups::detect(fake.root());
  const CgroupAbilities& abilities = groups->abilities();
  EXPECT_EQ(abilities.version, 0);
  EXPECT_FALSE(abilities.memory || abilities.cpu || abilities.processes || abilities.io);
  EXPECT_THAT(abilities.why_not, HasSubstr("memory: no write access to " +
                                           fake.path("cg/memory/ours") + ": Permission denied"));
  EXPECT_THAT(abilities.why_not,
              testing::EndsWith("; run as root, or let systemd delegate (Delegate=yes)"));
  const auto made = groups->make("a");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::unsupported);
  EXPECT_THAT(made.error().text(), HasSubstr("run as root"));
}

TEST_F(CgroupV1, finds_its_group_where_a_part_of_the_hierarchy_is_mounted) {
  fake.write("proc/self/cgroup", "2:pids:/docker/ab/ours\n1:memory:/elsewhere\n");
  fake.write("proc/self/mountinfo",
             "34 31 0:31 /docker/ab /cg/my\\040pids rw - cgroup cgroup rw,pids\n"
             "35 31 0:32 /docker/ab /cg/memory rw - cgroup cgroup rw,memory\n");
  fake.write("cg/my pids/ours/cgroup.procs", "");
  const auto groups = Cgroups::detect(fake.root());
  EXPECT_TRUE(groups->abilities().processes);
  EXPECT_THAT(groups->abilities().why_not,
              HasSubstr("memory: our own group is outside of what is mounted at " +
                        fake.path("cg/memory")));
}

TEST_F(CgroupV1, removes_its_directories) {
  fake.remove("cg/memory/ours/reeve.a");
  const auto groups = Cgroups::detect(fake.root());
  ASSERT_TRUE(groups->make("b"));
  for (const char* const hierarchy : {"memory", "cpu,cpuacct", "pids", "blkio"})
    EXPECT_NE(::access(fake.path(std::string("cg/") + hierarchy + "/ours/reeve.b").c_str(), F_OK),
              0);
}

TEST_F(CgroupV1, refuses_names_that_are_paths_or_taken) {
  const auto groups = Cgroups::detect(fake.root());
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("a\nb"), std::string("a\0b", 3),
        std::string(201, 'a'), std::string("self"), std::string("trial")}) {
    const auto made = groups->make(name);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, ErrorCode::invalid_argument);
  }
  const auto first = groups->make("a");
  ASSERT_TRUE(first);
  const auto second = groups->make("a");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
}

TEST_F(CgroupV1, does_not_take_over_a_group_with_processes) {
  fake.write(in(kPids, "cgroup.procs"), "1\n");
  const auto groups = Cgroups::detect(fake.root());
  const auto made = groups->make("a");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::conflict);
  EXPECT_THAT(made.error().text(), HasSubstr(fake.path("cg/pids/ours/reeve.a")));
}

/// A process that does nothing until it is killed.
pid_t start_idle_process() {
  const pid_t child = ::fork();
  if (child != 0) return child;
  for (;;) ::pause();
}

int signal_that_ended(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST_F(CgroupV1, kills_what_is_in_it_and_holds_its_limit_on) {
  ASSERT_TRUE(group().limit({0, 0, 9}));
  const pid_t in_one = start_idle_process();
  const pid_t in_other = start_idle_process();
  const pid_t below = start_idle_process();
  fake.write(in(kMemory, "cgroup.procs"), std::to_string(in_one) + "\n");
  fake.write(in(kPids, "cgroup.procs"), std::to_string(in_one) + "\n" + std::to_string(in_other) +
                                            "\n" + std::to_string(::getpid()) + "\n");
  fake.write(in(kPids, "deep/deeper/cgroup.procs"), std::to_string(below) + "\n");
  fake.write(in(kPids, "deep/cgroup.procs"), "");
  ASSERT_TRUE(group().kill());
  EXPECT_EQ(signal_that_ended(in_one), SIGKILL);
  EXPECT_EQ(signal_that_ended(in_other), SIGKILL);
  EXPECT_EQ(signal_that_ended(below), SIGKILL);
  EXPECT_EQ(fake.read(in(kPids, "pids.max")), "9");
}

TEST_F(CgroupV1, signals_nobody_for_a_list_that_is_not_one_of_processes) {
  for (const char* const text : {"0\n", "-1\n", "x\n", "99999999999\n"}) {
    fake.write(in(kMemory, "cgroup.procs"), "");
    group();
    fake.write(in(kMemory, "cgroup.procs"), text);
    const Status killed = group().kill();
    ASSERT_FALSE(killed) << text;
    EXPECT_THAT(killed.error().text(), HasSubstr(fake.path(in(kMemory, "cgroup.procs"))));
  }
}

TEST_F(CgroupV1, sweeps_what_has_the_prefix_and_is_nobodys) {
  const pid_t dead_supervisors = start_idle_process();
  const pid_t ours = start_idle_process();
  const pid_t others = start_idle_process();
  group();
  fake.write(in(kPids, "cgroup.procs"), std::to_string(ours) + "\n");
  const auto groups = Cgroups::detect(fake.root());
  fake.write("cg/pids/ours/reeve.b/cgroup.procs", std::to_string(others) + "\n");
  fake.write("cg/pids/ours/reeve.a1/cgroup.procs", std::to_string(dead_supervisors) + "\n");
  fake.write("cg/blkio/ours/reeve.a2/empty/x", "");
  fake.remove("cg/blkio/ours/reeve.a2/empty/x");
  groups->sweep("a1");
  groups->sweep("a2");
  EXPECT_EQ(signal_that_ended(dead_supervisors), SIGKILL);
  EXPECT_NE(::access(fake.path("cg/blkio/ours/reeve.a2").c_str(), F_OK), 0);
  EXPECT_EQ(::waitpid(ours, nullptr, WNOHANG), 0);
  EXPECT_EQ(::waitpid(others, nullptr, WNOHANG), 0);
  ::kill(ours, SIGKILL);
  ::kill(others, SIGKILL);
  signal_that_ended(ours);
  signal_that_ended(others);
}

TEST(Cgroups, a_machine_without_any_says_so) {
  const FakeCgroups fake;
  EXPECT_THAT(Cgroups::detect(fake.root())->abilities().why_not,
              testing::AllOf(HasSubstr("/proc/self/cgroup"), testing::EndsWith("; mount /proc")));
  fake.write("proc/self/cgroup", "");
  fake.write("proc/self/mountinfo", "22 1 0:1 / / rw,relatime - ext4 /dev/vda rw\n");
  const auto groups = Cgroups::detect(fake.root());
  EXPECT_EQ(groups->abilities().version, 0);
  EXPECT_EQ(groups->abilities().why_not,
            "no control groups are mounted; mount cgroup2 at /sys/fs/cgroup");
  const auto made = groups->make("a");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::unsupported);
  groups->sweep("");
}

RC_GTEST_PROP(Cgroups, any_bytes_in_proc_are_read_or_refused,
              (const std::string& cgroup, const std::string& mountinfo)) {
  const FakeCgroups fake;
  fake.write("proc/self/cgroup", cgroup + "\n1:memory:/..\n0::/" + cgroup);
  fake.write("proc/self/mountinfo",
             "1 2 3:4 / /\\04 rw - cgroup2 x rw\n1 2 3:4 / " + mountinfo + " - cgroup x memory");
  const auto groups = Cgroups::detect(fake.root());
  RC_ASSERT(groups->abilities().version == 0);
  RC_ASSERT(!groups->abilities().why_not.empty());
}

}  // namespace
}  // namespace reeve::sandbox
