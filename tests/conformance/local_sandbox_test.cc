// Attempts in sandboxes: what they are given, what is kept from them, and how all of it ends.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/cgroup.h"
#include "supervisor/state_lock.h"
#include "tests/conformance/local_place.h"

namespace reeve::tests {
namespace {

using testing::HasSubstr;
using testing::Not;

class LocalSandbox : public LocalPlace {
 protected:
  LocalSandbox() : LocalPlace(SandboxTier::native) {}

  void kill_supervisor() {
    const pid_t pid = supervisor();
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    wait_for_process_end(pid);
  }
};

TEST_F(LocalSandbox, its_tier_is_recorded) {
  const AttemptEnd end = run(script("true"));
  EXPECT_TRUE(end.outcome.is_success()) << end.message;
  EXPECT_EQ(end.tier, SandboxTier::native);
}

TEST_F(LocalSandbox, inherits_nothing_of_the_environment_but_what_finds_programs) {
  ::setenv("REEVE_TEST_SECRET", "sesame", 1);
  Launch launch = script("env | cut -d= -f1 | sort | tr '\\n' ' '");
  launch.environment = {{"GREETING", "hello"}};
  kill_supervisor();  // the next one is greeted with the variable set
  EXPECT_TRUE(wait([](const Seen& seen) { return seen.ups == 2; }));
  run(launch);
  ::unsetenv("REEVE_TEST_SECRET");
  EXPECT_THAT(log_of(launch), Not(HasSubstr("SECRET")));
  EXPECT_THAT(log_of(launch), HasSubstr("GREETING HOME "));
}

TEST_F(LocalSandbox, does_not_see_the_engines_state) {
  const Launch launch = script("ls -A state; echo x > state/x");
  run(launch);
  EXPECT_THAT(log_of(launch), HasSubstr("Read-only file system"));
  EXPECT_THAT(log_of(launch), Not(HasSubstr("supervisor")));
}

TEST_F(LocalSandbox, writes_into_its_work_directory_as_that_ones_owner) {
  EXPECT_TRUE(run(script("mkdir -p a/b; echo 1 > a/b/c; chmod 700 a; rm -r a; echo 2 > d"))
                  .outcome.is_success());
  struct stat about {};
  ASSERT_EQ(::stat(bed_.path("d").c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, ::geteuid());
}

TEST_F(LocalSandbox, is_given_what_it_asks_for) {
  const std::string given = bed_.path("") + "/../given-" + std::to_string(::getpid());
  std::filesystem::create_directories(given);
  std::ofstream(given + "/file") << "content\n";
  Launch launch = script("cat \"$GIVEN/file\"; echo x > \"$GIVEN/more\"");
  launch.environment = {{"GIVEN", std::filesystem::canonical(given).string()}};
  EXPECT_NE(run(launch).outcome.code, 0);
  EXPECT_THAT(log_of(launch), HasSubstr("No such file"));
  launch = script(launch.script);
  launch.environment = {{"GIVEN", std::filesystem::canonical(given).string()}};
  launch.sandbox.readable = {given};
  run(launch);
  EXPECT_THAT(log_of(launch), HasSubstr("content"));
  EXPECT_THAT(log_of(launch), HasSubstr("Read-only file system"));
  launch = script(launch.script);
  launch.environment = {{"GIVEN", std::filesystem::canonical(given).string()}};
  launch.sandbox.writable = {given};
  EXPECT_TRUE(run(launch).outcome.is_success());
  EXPECT_TRUE(std::filesystem::exists(given + "/more"));
  std::filesystem::remove_all(given);
}

TEST_F(LocalSandbox, what_it_cannot_be_given_is_named) {
  Launch launch = script("true");
  launch.sandbox.readable = {"/not/there"};
  AttemptEnd end = run(launch);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::rejected) << "it would never go better";
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::path_not_usable);
  EXPECT_THAT(end.message, HasSubstr("cannot give the sandbox /not/there: No such file"));
  EXPECT_THAT(end.message, HasSubstr("take it out of `readable`"));
  launch = script("true");
  launch.sandbox.writable = {"/dev/shm"};
  end = run(launch);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::rejected) << "it would never go better";
  EXPECT_THAT(end.message, HasSubstr("a sandbox has its own /dev/shm"));
}

TEST_F(LocalSandbox, works_in_its_own_root_where_that_is_asked_for) {
  Launch launch = script("exec 2>&1; pwd; ls -d usr; echo x > file");
  launch.work_directory = "/";
  EXPECT_NE(run(launch).outcome.code, 0);
  EXPECT_THAT(log_of(launch), HasSubstr("/\nusr\n"));
  EXPECT_THAT(log_of(launch), HasSubstr("Read-only file system"));
}

TEST_F(LocalSandbox, can_open_its_streams_by_name) {
  const Launch launch = script("echo one > /dev/stdout; echo two | tee /dev/stderr");
  EXPECT_TRUE(run(launch).outcome.is_success());
  EXPECT_THAT(log_of(launch), HasSubstr("one"));
  EXPECT_THAT(log_of(launch), HasSubstr("two\ntwo\n"));
}

TEST_F(LocalSandbox, ends_whatever_it_left_with_its_main_process) {
  const Launch launch = script(
      "setsid sh -c 'trap \"\" TERM HUP; env -i sleep 1000' < /dev/null > /dev/null 2>&1 & "
      "sleep 1000 > /dev/null 2>&1 & exit 3");
  EXPECT_EQ(run(launch).outcome.code, 3);
  EXPECT_TRUE(bed_.processes().empty());
}

TEST_F(LocalSandbox, a_signal_reaches_the_program_and_the_grace_ends_it) {
  Launch polite = script("trap 'exit 4' TERM; echo ::progress 1; while :; do sleep 0.01; done");
  start(polite);
  wait_for_progress(polite);
  executor_->stop(polite.token, engine::StopMode::terminate, std::chrono::hours(1));
  executor_->flush();
  EXPECT_EQ(end_of(polite).outcome.code, 4);
  Launch stubborn = script("trap '' TERM; echo ::progress 1; while :; do sleep 0.01; done");
  start(stubborn);
  wait_for_progress(stubborn);
  executor_->stop(stubborn.token, engine::StopMode::terminate, std::chrono::milliseconds(50));
  executor_->flush();
  EXPECT_EQ(end_of(stubborn).outcome.kind, OutcomeClass::signalled);
  EXPECT_EQ(end_of(stubborn).outcome.code, SIGKILL);
}

TEST_F(LocalSandbox, memory_beyond_its_limit_is_out_of_memory_or_the_limit_is_refused) {
  const auto groups = sandbox::Cgroups::detect();
  Launch launch = script("head -c 300m /dev/zero | tail -n 1 | wc -c");
  launch.resources.memory_bytes = std::int64_t{64} << 20;
  const AttemptEnd end = run(launch);
  if (groups->abilities().memory) {
    EXPECT_EQ(end.outcome.kind, OutcomeClass::out_of_memory) << end.message;
    EXPECT_EQ(end.outcome.reason.a, launch.resources.memory_bytes);
  } else {
    EXPECT_EQ(end.outcome.kind, OutcomeClass::rejected);
    EXPECT_THAT(end.message, HasSubstr("cannot be limited"));
  }
  // The next one in the same sandbox begins with a clean account.
  Launch next = script("true");
  next.work_directory = launch.work_directory;
  EXPECT_TRUE(run(next).outcome.is_success());
}

TEST_F(LocalSandbox, what_cannot_be_executed_is_told_as_without_one) {
  EXPECT_EQ(run(command({"no-such-program"})).outcome.code, 127);
  std::ofstream(bed_.path("plain")) << "not executable";
  EXPECT_EQ(run(command({"./plain"})).outcome.code, 126);
}

TEST_F(LocalSandbox, many_at_once_do_not_meet) {
  set_cpus(16);
  std::vector<Launch> launches;
  for (int i = 0; i < 64; ++i) {
    launches.push_back(
        script("echo $REEVE_TASK_INDEX > /tmp/mine; ls /proc | grep -c '^[0-9]' > "
               "/dev/null; test \"$(cat /tmp/mine)\" = $REEVE_TASK_INDEX"));
    executor_->start(launches.back());
  }
  executor_->flush();
  for (const Launch& launch : launches) EXPECT_TRUE(end_of(launch).outcome.is_success());
}

/// Each round kills the supervisor after another number of starts.
TEST_F(LocalSandbox, a_killed_supervisor_leaves_no_process) {
  constexpr int kRounds = 12;
  for (int round = 1; round <= kRounds; ++round) {
    const pid_t pid = supervisor();
    const std::size_t before = recorder_->seen().starts.size();
    std::vector<Launch> launches;
    for (int i = 0; i < 6; ++i) {
      launches.push_back(script("(setsid sleep 1000 &); sleep 0.002"));
      executor_->start(launches.back());
    }
    executor_->flush();
    const std::size_t starts = before + static_cast<std::size_t>(round) % 4;
    ASSERT_TRUE(wait([&](const Seen& seen) { return seen.starts.size() >= starts; }));
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(wait([&](const Seen& seen) { return seen.ups == round + 1; }));
    EXPECT_TRUE(bed_.processes().empty());
  }
}

}  // namespace
}  // namespace reeve::tests
