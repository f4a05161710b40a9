// The control groups of the machine that the tests run on. Where it has none that we may use, what
// is tested is that this is said.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/cgroup.h"

namespace reeve::sandbox {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kMebibyte = 1 << 20;

std::string name_of(std::string_view test) {
  return "test-" + std::to_string(::getpid()) + "-" + std::string(test);
}

bool join(const std::vector<std::string>& files) {
  for (const std::string& path : files) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0 || ::write(file, "0", 1) != 1) return false;
    ::close(file);
  }
  return true;
}

bool use_memory(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  volatile char* const bytes_of = static_cast<char*>(memory);
  for (std::size_t i = 0; i < size; i += 4096) bytes_of[i] = 1;
  return true;
}

bool write_file(std::int64_t bytes) {
  std::string path = "/var/tmp/reeve-cgroups-XXXXXX";  // /tmp may be memory
  const int file = ::mkostemp(path.data(), O_CLOEXEC);
  if (file < 0 || ::unlink(path.c_str()) != 0) return false;
  const std::vector<char> block(1 << 16, 'x');
  for (std::int64_t done = 0; done < bytes; done += std::ssize(block))
    if (::write(file, block.data(), block.size()) != std::ssize(block)) return false;
  return true;
}

/// A child in the group. It runs `work`, reports the byte that comes of it, and stays.
class Child {
 public:
  template <class Work>
  Child(const Cgroup& group, const Work& work) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const std::vector<std::string> files = group.join_files();
    pid_ = ::fork();
    if (pid_ == 0) {
      const char report = join(files) ? static_cast<char>(work()) : '!';
      if (::write(ends[1], &report, 1) == 1)
        for (;;) ::pause();
      ::_exit(1);
    }
    ::close(ends[1]);
    report_ = ends[0];
  }
  ~Child() {
    ::close(report_);
    if (pid_ > 0) end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// '\0' when it ended before it had one.
  char report() const {
    char report = 0;
    return ::read(report_, &report, 1) == 1 ? report : '\0';
  }
  /// The signal that ended it, which somebody else sent.
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  void end() {
    ::kill(pid_, SIGKILL);
    wait();
  }

 private:
  pid_t pid_ = -1;
  int report_ = -1;
};

/// Children of children become ours, so that we see them end.
class Adoption {
 public:
  Adoption() { EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0); }
  ~Adoption() {
    wait_for_all();
    EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
  }
  Adoption(const Adoption&) = delete;
  Adoption& operator=(const Adoption&) = delete;
  static void wait_for_all() {
    while (::waitpid(-1, nullptr, 0) > 0) continue;
  }
};

class RealCgroups : public testing::Test {
 protected:
  RealCgroups() : groups(Cgroups::detect()) {}
  ~RealCgroups() override {
    for (const std::string& file : files_made_) EXPECT_NE(::access(file.c_str(), F_OK), 0) << file;
  }

  /// False: the machine cannot, and says so.
  bool can(bool ability, const CgroupLimits& limits) {
    const auto made = groups->make(name_of("can"));
    if (groups->abilities().version == 0) {
      EXPECT_FALSE(made);
      EXPECT_THAT(made.error().text(), HasSubstr(groups->abilities().why_not));
      EXPECT_NE(groups->abilities().why_not, "");
      return false;
    }
    EXPECT_TRUE(made) << made.error().text();
    if (!made) return false;
    const Status held = (*made)->limit(limits);
    EXPECT_EQ(held.has_value(), ability) << (held ? "" : held.error().text());
    if (!held) {
      EXPECT_THAT(held.error().text(), HasSubstr(groups->abilities().why_not));
    }
    return ability && held;
  }
  std::unique_ptr<Cgroup> make(std::string_view test) {
    auto made = groups->make(name_of(test));
    EXPECT_TRUE(made) << made.error().text();
    if (!made) return nullptr;
    const std::vector<std::string> files = (*made)->join_files();
    files_made_.insert(files_made_.end(), files.begin(), files.end());
    return std::move(*made);
  }
  static CgroupUse use_of(Cgroup& group) {
    const auto use = group.use();
    EXPECT_TRUE(use) << use.error().text();
    return use.value_or(CgroupUse{});
  }

  std::unique_ptr<Cgroups> groups;

 private:
  std::vector<std::string> files_made_;
};

TEST_F(RealCgroups, end_and_count_a_process_that_goes_beyond_its_memory) {
  const CgroupLimits limits{32 * kMebibyte, 0, 0};
  if (!can(groups->abilities().memory, limits)) return;
  const auto group = make("memory");
  ASSERT_TRUE(group && group->limit(limits));
  Child greedy(*group, [] { return use_memory(128 * kMebibyte) ? 'y' : 'n'; });
  EXPECT_EQ(greedy.report(), '\0');
  EXPECT_EQ(greedy.wait(), SIGKILL);
  EXPECT_EQ(use_of(*group).oom_kills, 1);
  ASSERT_TRUE(group->reset());
  EXPECT_EQ(use_of(*group).oom_kills, 0);
  ASSERT_TRUE(group->limit({256 * kMebibyte, 0, 0}));
  Child modest(*group, [] { return use_memory(128 * kMebibyte) ? 'y' : 'n'; });
  EXPECT_EQ(modest.report(), 'y');
  EXPECT_EQ(use_of(*group).oom_kills, 0);
}

TEST_F(RealCgroups, count_what_a_process_uses) {
  if (!can(groups->abilities().memory, {64 * kMebibyte, 0, 0})) return;
  const auto group = make("use");
  ASSERT_TRUE(group);
  {
    Child child(*group, [] { return use_memory(16 * kMebibyte) ? 'y' : 'n'; });
    ASSERT_EQ(child.report(), 'y');
    const CgroupUse use = use_of(*group);
    EXPECT_GE(use.memory_bytes, 15 * kMebibyte);
    EXPECT_LE(use.memory_bytes, 32 * kMebibyte);
    EXPECT_GT(use.user_cpu + use.system_cpu, Duration{0});
    EXPECT_EQ(use.processes, groups->abilities().processes ? 1 : 0);
  }
  ASSERT_TRUE(group->reset());
  const CgroupUse use = use_of(*group);
  EXPECT_EQ(use.user_cpu + use.system_cpu, Duration{0});
  EXPECT_EQ(use.processes, 0);
}

char fork_until_refused() {
  char made = '0';
  while (made < '9') {
    const pid_t child = ::fork();
    if (child < 0) return errno == EAGAIN ? made : 'e';
    if (child == 0)
      for (;;) ::pause();
    ++made;
  }
  return made;
}

TEST_F(RealCgroups, refuse_more_processes_than_allowed_and_kill_all_of_them) {
  const CgroupLimits limits{0, 0, 3};
  if (!can(groups->abilities().processes, limits)) return;
  const auto group = make("processes");
  ASSERT_TRUE(group && group->limit(limits));
  const Adoption adoption;
  Child child(*group, fork_until_refused);
  EXPECT_EQ(child.report(), '2');
  EXPECT_EQ(use_of(*group).processes, 3);
  const Status killed = group->kill();
  EXPECT_TRUE(killed) << killed.error().text();
  EXPECT_EQ(child.wait(), SIGKILL);
  Adoption::wait_for_all();
  EXPECT_EQ(use_of(*group).processes, 0);
  Child another(*group, fork_until_refused);
  EXPECT_EQ(another.report(), '2');
  EXPECT_TRUE(group->kill());
  EXPECT_EQ(another.wait(), SIGKILL);
}

/// Each process forks the next and is gone: whoever reads who is there always reads of the past.
char start_chain() {
  constexpr int kGenerationsMax = 20'000;  // should the test die, this ends all the same
  if (::fork() != 0) return 'y';
  for (int generation = 0; generation < kGenerationsMax; ++generation)
    if (::fork() > 0) ::_exit(0);
  ::_exit(0);
}

TEST_F(RealCgroups, kill_those_that_fork_faster_than_one_can_read) {
  const CgroupLimits limits{0, 0, 16};
  if (!can(groups->abilities().processes, limits)) return;
  const auto group = make("chain");
  ASSERT_TRUE(group && group->limit(limits));
  const Adoption adoption;
  Child child(*group, start_chain);
  EXPECT_EQ(child.report(), 'y');
  const Status killed = group->kill();
  EXPECT_TRUE(killed) << killed.error().text();
  EXPECT_EQ(child.wait(), SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0) EXPECT_TRUE(group->kill());
  EXPECT_EQ(use_of(*group).processes, 0);
}

TEST_F(RealCgroups, drop_the_page_cache_of_files) {
  if (!can(groups->abilities().memory, {64 * kMebibyte, 0, 0})) return;
  const auto group = make("cache");
  ASSERT_TRUE(group);
  Child child(*group, [] { return write_file(8 * kMebibyte) ? 'y' : 'n'; });
  EXPECT_EQ(child.report(), 'y');
  EXPECT_LE(use_of(*group).memory_bytes, 4 * kMebibyte);
  child.end();
  const Status reset = group->reset();
  EXPECT_TRUE(reset) << reset.error().text();
  EXPECT_EQ(use_of(*group).oom_kills, 0);
}

TEST_F(RealCgroups, hold_a_processor_limit_however_small) {
  for (const std::int64_t millicores : {500, 1, 64'000, 20, 0}) {
    if (!can(groups->abilities().cpu, {0, millicores, 0})) return;
  }
}

TEST_F(RealCgroups, are_swept_after_a_supervisor_that_died) {
  if (!can(groups->abilities().version > 0, {})) return;
  const std::string name = name_of("sweep");
  const auto made = groups->make(name);
  ASSERT_TRUE(made) << made.error().text();
  const std::vector<std::string> files = (*made)->join_files();
  Child child(**made, [] { return 'y'; });
  ASSERT_EQ(child.report(), 'y');
  groups->sweep(name);
  const auto others = Cgroups::detect();
  const auto taken = others->make(name);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::conflict);
  others->sweep(name);
  EXPECT_EQ(child.wait(), SIGKILL);
  others->sweep(name);
  for (const std::string& file : files) EXPECT_NE(::access(file.c_str(), F_OK), 0) << file;
}

TEST_F(RealCgroups, that_the_kernel_still_holds_are_leaving_until_they_are_gone) {
  if (!can(groups->abilities().version > 0, {})) return;
  auto made = groups->make(name_of("leaving"));
  ASSERT_TRUE(made) << made.error().text();
  const std::vector<std::string> files = (*made)->join_files();
  Child child(**made, [] { return 'y'; });
  ASSERT_EQ(child.report(), 'y');
  EXPECT_FALSE(groups->is_leaving());
  made->reset();
  EXPECT_TRUE(groups->is_leaving()) << "a process is in it";
  groups->remove_leaving();
  EXPECT_EQ(child.wait(), SIGKILL);
  groups->remove_leaving();
  EXPECT_FALSE(groups->is_leaving());
  for (const std::string& file : files) EXPECT_NE(::access(file.c_str(), F_OK), 0) << file;
}

TEST_F(RealCgroups, of_a_dead_process_are_removed_when_they_are_empty) {
  if (!can(groups->abilities().version > 0, {})) return;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const std::string of_the_dead = "." + std::to_string(dead);
  const auto abandoned = groups->make(name_of("empty") + of_the_dead);
  const auto full = groups->make(name_of("full") + of_the_dead);
  const auto ours = groups->make(name_of("ours") + "." + std::to_string(::getpid()));
  ASSERT_TRUE(abandoned && full && ours);
  Child child(**full, [] { return 'y'; });
  ASSERT_EQ(child.report(), 'y');
  Cgroups::detect()->remove_abandoned();
  for (const std::string& file : (*abandoned)->join_files())
    EXPECT_NE(::access(file.c_str(), F_OK), 0) << file;
  for (const auto* kept : {&*full, &*ours})
    for (const std::string& file : (*kept)->join_files())
      EXPECT_EQ(::access(file.c_str(), F_OK), 0) << file;
}

}  // namespace
}  // namespace reeve::sandbox
