// What happens to a SQLite store when its process or its disk fails under it: kill -9 at random
// moments, a read-only directory, a file system without room. Each in a child process, because it
// dies, loses its rights or mounts something.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/ensure.h"
#include "store/sqlite/sqlite_history.h"
#include "tests/conformance/sqlite_bed.h"
#include "tests/conformance/store_records.h"

namespace reeve::tests {
namespace {

using store::sqlite::SqliteHistory;
using store::sqlite::SqliteStore;
using testing::HasSubstr;
using testing::StartsWith;

/// A child process that runs `work` with the writing end of a pipe.
class Child {
 public:
  explicit Child(const std::function<void(int)>& work) {
    std::array<int, 2> ends{};
    ENSURE(pipe2(ends.data(), O_CLOEXEC) == 0);
    pid_ = fork();
    ENSURE(pid_ >= 0);
    if (pid_ == 0) {
      close(ends[0]);
      work(ends[1]);
      _exit(0);
    }
    close(ends[1]);
    reading_ = ends[0];
  }
  ~Child() {
    close(reading_);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill_now() const { kill(pid_, SIGKILL); }
  /// The next eight bytes as a number, or 0 at the end.
  std::uint64_t read_number() const {
    std::uint64_t number = 0;
    return read(reading_, &number, sizeof(number)) == sizeof(number) ? number : 0;
  }
  /// All that it says until it ends.
  std::string read_text() const {
    std::string out;
    std::array<char, 4096> buffer{};
    for (;;) {
      const ssize_t got = read(reading_, buffer.data(), buffer.size());
      if (got <= 0) return out;
      out.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  pid_t pid_ = 0;
  int reading_ = -1;
};

void say(int pipe, const std::string& text) {
  ENSURE(write(pipe, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

/// What commit number `step` writes: each row says which commit it belongs to.
Batch batch_of_step(std::uint64_t step) {
  const auto number = static_cast<std::uint32_t>(step);
  Batch batch;
  batch.runs.push_back(run_record(1));
  batch.runs.back().priority = static_cast<std::int32_t>(step);
  for (std::uint32_t i = 0; i < 20; ++i)
    batch.tasks.push_back(task_row({RunId{1}, number * 20 + i}, core::TaskState::running));
  batch.attempts.push_back(attempt_record({RunId{1}, number}, 1, kUnset));
  batch.last_token = Token{step};
  return batch;
}

/// Commits for ever and tells the number of each commit once it is acknowledged.
void commit_until_killed(const std::string& path, int pipe) {
  auto store = SqliteStore::open(path);
  ENSURE(store);
  Committer committer((*store)->load().value());
  for (;;) {
    const std::uint64_t step = committer.step() + 1;
    ENSURE(committer.commit(**store, batch_of_step(step), std::string(step % 3000, 'e')));
    ENSURE(write(pipe, &step, sizeof(step)) == sizeof(step));
  }
}

TEST(ConformanceCrash, nothing_acknowledged_is_lost_when_the_process_is_killed) {
  const SqliteBed bed;
  std::mt19937 random(20'261'123);
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 25; ++round) {
    {
      const Child child([&](int pipe) { commit_until_killed(bed.file(), pipe); });
      const auto wanted = 1 + random() % 60;
      for (std::uint64_t i = 0; i < wanted; ++i) acknowledged = child.read_number();
      child.kill_now();
      while (const std::uint64_t more = child.read_number()) acknowledged = more;
    }
    auto store = SqliteStore::open(bed.file());
    ASSERT_TRUE(store) << store.error().text();
    const auto snapshot = (*store)->load();
    ASSERT_TRUE(snapshot) << snapshot.error().text();
    // One commit more may have become durable without being acknowledged.
    ASSERT_GE(snapshot->last_step, acknowledged);
    ASSERT_LE(snapshot->last_step, acknowledged + 1);
    const std::uint64_t step = snapshot->last_step;
    EXPECT_EQ(snapshot->last_token.value, step);
    ASSERT_EQ(snapshot->runs.size(), 1u);
    EXPECT_EQ(snapshot->runs[0].record.priority, static_cast<std::int32_t>(step));
    EXPECT_EQ(snapshot->runs[0].tasks.size(), 20 * step);
    std::uint64_t records = 0;
    const Status read = (*store)->read_journal(1, [&](const auto&) { return ++records > 0; });
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(records, step);
    auto history = SqliteHistory::open(bed.file());
    ASSERT_TRUE(history);
    EXPECT_EQ((*history)->list_run_attempts(RunId{1}, 0, 1'000'000)->size(), step);
  }
}

TEST(ConformanceCrash, a_history_works_beside_a_living_engine_in_another_process) {
  const SqliteBed bed;
  const Child child([&](int pipe) { commit_until_killed(bed.file(), pipe); });
  ASSERT_EQ(child.read_number(), 1u);
  auto history = SqliteHistory::open(bed.file());
  ASSERT_TRUE(history) << history.error().text();
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t version = *(*history)->version();
    const std::uint64_t told = child.read_number();
    const auto view = (*history)->get_run(RunId{1});
    ASSERT_TRUE(view) << view.error().text();
    // One read sees one commit whole: the counts belong to the record beside them.
    const auto step = static_cast<std::uint64_t>(view->record.priority);
    EXPECT_GE(step, told);
    EXPECT_EQ(view->counts.stored[static_cast<std::size_t>(core::TaskState::running)], 20 * step);
    // Whatever is told after the record was read was committed after the version was.
    while (child.read_number() <= step) continue;
    EXPECT_NE(*(*history)->version(), version);
  }
  child.kill_now();
}

/// Gives up root, for whom nothing is read-only.
void become_nobody() {
  constexpr uid_t kNobody = 65534;
  if (geteuid() == 0) ENSURE(setresgid(kNobody, kNobody, kNobody) == 0);
  if (geteuid() == 0) ENSURE(setresuid(kNobody, kNobody, kNobody) == 0);
}

/// What opening a store and a history says, to somebody who may not write.
std::string said_to_nobody(const SqliteBed& bed) {
  chmod(bed.file().c_str(), 0444);
  chmod(bed.directory().c_str(), 0555);
  const Child child([&](int pipe) {
    become_nobody();
    auto store = SqliteStore::open(bed.file());
    if (store) {
      say(pipe, "was opened");
    } else {
      say(pipe, std::string(info(store.error().code).name) + ": " + store.error().text());
    }
    auto history = SqliteHistory::open(bed.file());
    say(pipe, "\n" + (history ? std::to_string((*history)->list_runs({})->size())
                              : history.error().text()));
  });
  const std::string said = child.read_text();
  chmod(bed.directory().c_str(), 0755);
  chmod(bed.file().c_str(), 0644);
  return said;
}

TEST(ConformanceCrash, a_read_only_directory_can_be_read_but_not_written) {
  const SqliteBed bed;
  {
    auto store = SqliteStore::open(bed.file());
    ASSERT_TRUE(Committer().commit(**store, batch_of_step(1)));
  }
  const std::string said = said_to_nobody(bed);
  EXPECT_THAT(said, StartsWith("permission_denied: " + bed.file()));
  EXPECT_THAT(said, HasSubstr("make it writable or choose another state directory"));
  EXPECT_THAT(said, testing::EndsWith("\n1"));
}

TEST(ConformanceCrash, what_a_killed_engine_left_can_be_read_before_another_starts) {
  const SqliteBed bed;
  {
    const Child child([&](int pipe) { commit_until_killed(bed.file(), pipe); });
    ASSERT_EQ(child.read_number(), 1u);
    child.kill_now();
  }
  ASSERT_EQ(access((bed.file() + "-wal").c_str(), F_OK), 0);
  EXPECT_THAT(said_to_nobody(bed), testing::EndsWith("\n1"));
  auto history = SqliteHistory::open(bed.file());
  ASSERT_TRUE(history) << history.error().text();
  EXPECT_EQ((*history)->list_runs({})->size(), 1u);
}

/// In a mount namespace of its own; where the machine forbids that, says so.
void fill_a_small_file_system(const std::string& directory, int pipe) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return say(pipe, "no mount namespace here");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=2m") != 0)
    return say(pipe, "no tmpfs here");
  const std::string path = directory + "/store.db";
  Committer committer;
  {
    auto store = SqliteStore::open(path);
    ENSURE(store);
    for (;;) {
      const Status done = committer.commit(**store, {}, std::string(30'000, 'e'));
      if (done) continue;
      say(pipe, std::string(info(done.error().code).name) + ": " + done.error().text() + "\n");
      break;
    }
  }
  // Room again: a larger file system with the same contents.
  if (mount("tmpfs", directory.c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0)
    return say(pipe, "no remount here");
  auto store = SqliteStore::open(path);
  if (!store) return say(pipe, store.error().text());
  const auto snapshot = (*store)->load();
  say(pipe, snapshot && snapshot->last_step == committer.step() ? "all there" : "lost");
}

TEST(ConformanceCrash, a_file_system_without_room_stops_the_store_and_loses_nothing) {
  const ScratchDirectory directory;
  const Child child([&](int pipe) { fill_a_small_file_system(directory.path(), pipe); });
  const std::string said = child.read_text();
  if (said.starts_with("no ")) return;  // the limit on pages shows the same in store_sqlite_test
  EXPECT_THAT(said, StartsWith("io_failed: the disk or quota"));
  EXPECT_THAT(said, testing::EndsWith("\nall there"));
}

}  // namespace
}  // namespace reeve::tests
