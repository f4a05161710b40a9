// The local executor when engines and supervisors die.

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "supervisor/files.h"
#include "supervisor/paths.h"
#include "supervisor/socket.h"
#include "tests/conformance/local_place.h"

namespace reeve::tests {

using std::chrono::hours;
using std::chrono::milliseconds;

class LocalRecovery : public LocalPlace {
 protected:
  /// The present supervisor, killed and gone.
  void kill_supervisor() {
    const pid_t pid = supervisor();
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    wait_for_process_end(pid);
  }
};

TEST_F(LocalRecovery, a_killed_supervisor_is_replaced_and_its_attempts_are_gone) {
  const Launch plain = script("echo ::progress 1; exec sleep 1000");
  const Launch daemon = script(
      "(setsid sh -c 'echo $$ > pid; exec sleep 1000' < /dev/null > /dev/null 2>&1 &) ; "
      "while ! test -s pid; do :; done; echo ::progress 1; trap '' TERM; sleep 1000");
  start(plain);
  start(daemon);
  wait_for_progress(plain);
  wait_for_progress(daemon);
  kill_supervisor();
  EXPECT_TRUE(wait([](const Seen& seen) { return seen.ups == 2; }));
  EXPECT_EQ(recorder_->seen().downs.size(), 1U);
  EXPECT_EQ(probe(plain.token), Liveness::unknown);
  EXPECT_EQ(probe(daemon.token), Liveness::unknown);
  EXPECT_TRUE(bed_.processes().empty()) << "before it answered, it ended what was left";
  EXPECT_TRUE(run(script("true")).outcome.is_success());
}

/// Each round kills after another number of starts; what was not reported is gone, not running.
TEST_F(LocalRecovery, killed_at_many_moments_it_leaves_nothing_running) {
  constexpr int kRounds = 16;
  constexpr std::size_t kAttempts = 8;
  for (int round = 1; round <= kRounds; ++round) {
    const pid_t pid = supervisor();
    const std::size_t before = recorder_->seen().starts.size();
    std::vector<Launch> launches;
    for (std::size_t i = 0; i < kAttempts; ++i) {
      launches.push_back(
          script("echo >> ran.$REEVE_TASK_INDEX; (setsid sleep 1000 &); sleep 0.002"));
      executor_->start(launches.back());
    }
    executor_->flush();
    const std::size_t starts = before + static_cast<std::size_t>(round) % kAttempts;
    ASSERT_TRUE(wait([&](const Seen& seen) { return seen.starts.size() >= starts; }));
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(wait([&](const Seen& seen) { return seen.ups == round + 1; }));
    for (const Launch& launch : launches) executor_->probe(launch.token);
    executor_->flush();
    for (const Launch& launch : launches) {
      ASSERT_TRUE(wait([&](const Seen& seen) { return seen.liveness.contains(launch.token); }));
      EXPECT_EQ(recorder_->seen().liveness.at(launch.token).back(), Liveness::unknown);
      EXPECT_LE(bed_.times_run(Token{launch.task.index}), 1);
    }
    EXPECT_TRUE(bed_.processes().empty());
  }
}

TEST_F(LocalRecovery, the_capacity_is_told_to_the_next_supervisor) {
  set_cpus(1);
  kill_supervisor();
  EXPECT_TRUE(wait([](const Seen& seen) { return seen.ups == 2; }));
  const Launch first = script("echo ::progress 1; exec sleep 1000");
  const Launch second = script("true");
  start(first);
  start(second);
  wait_for_progress(first);
  EXPECT_EQ(probe(second.token), Liveness::waiting);
}

TEST_F(LocalRecovery, ends_are_kept_past_the_end_of_the_supervisor) {
  bed_.set_idle_end(milliseconds(1));
  next_engine();
  // The first supervisor has an idle end of its own: this one replaces it.
  kill_supervisor();
  EXPECT_TRUE(wait([](const Seen& seen) { return seen.ups == 2; }));
  const Launch launch = script("read x < gate; exit 5");
  ASSERT_EQ(::mkfifo(bed_.path("gate").c_str(), 0600), 0);
  start(launch);
  const Launch forgotten = script("exit 6");
  run(forgotten);
  executor_->forget(forgotten.token);
  executor_->flush();
  const pid_t pid = supervisor();
  executor_.reset();  // the engine dies, the attempt ends, and so does the supervisor
  std::ofstream(bed_.path("gate")) << "go\n";
  wait_for_process_end(pid);
  const std::string spool = supervisor::state_file(bed_.state(), supervisor::kSpoolName);
  EXPECT_TRUE(std::filesystem::exists(spool));
  next_engine();
  EXPECT_EQ(end_of(launch).outcome.code, 5);
  EXPECT_NE(supervisor(), pid);
  EXPECT_EQ(probe(forgotten.token), Liveness::unknown);
  executor_->forget(launch.token);
  EXPECT_EQ(probe(launch.token), Liveness::unknown);
  EXPECT_FALSE(std::filesystem::exists(spool)) << "nothing is left to keep";
}

TEST_F(LocalRecovery, a_damaged_spool_stops_nobody) {
  const pid_t pid = supervisor();
  executor_->detach();
  wait_for_process_end(pid);
  std::ofstream(supervisor::state_file(bed_.state(), supervisor::kSpoolName))
      << "REEVESPL nonsense";
  next_engine();
  EXPECT_TRUE(run(script("true")).outcome.is_success());
}

TEST_F(LocalRecovery, after_a_detach_the_supervisor_ends_at_once) {
  run(script("true"));
  const pid_t pid = supervisor();
  executor_->detach();
  wait_for_process_end(pid);
  struct stat status {};
  EXPECT_NE(::stat(supervisor::state_file(bed_.state(), supervisor::kSocketName).c_str(), &status),
            0);
}

TEST_F(LocalRecovery, after_a_detach_the_supervisor_ends_with_its_last_attempt) {
  const Launch launch = script("echo ::progress 1; read x < gate; exit 5");
  ASSERT_EQ(::mkfifo(bed_.path("gate").c_str(), 0600), 0);
  start(launch);
  wait_for_progress(launch);
  const pid_t pid = supervisor();
  executor_->detach();
  std::ofstream(bed_.path("gate")) << "go\n";
  wait_for_process_end(pid);
  next_engine();
  EXPECT_EQ(end_of(launch).outcome.code, 5);
}

TEST_F(LocalRecovery, what_waits_when_the_supervisor_ends_is_given_back) {
  set_cpus(0);
  const Launch launch = script("true");
  start(launch);
  const pid_t pid = supervisor();
  executor_->detach();
  wait_for_process_end(pid);
  next_engine();
  const AttemptEnd end = end_of(launch);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::start_failed);
  EXPECT_EQ(end.started_at, kUnset);
}

TEST_F(LocalRecovery, nothing_new_starts_while_no_engine_is_there) {
  set_cpus(1);
  const Launch first = script("echo ::progress 1; read x < gate; echo > first; exec sleep 1000");
  const Launch second = script("echo ::progress 1; echo > second; exec sleep 1000");
  ASSERT_EQ(::mkfifo(bed_.path("gate").c_str(), 0600), 0);
  start(first);
  start(second);
  wait_for_progress(first);
  next_engine();
  set_cpus(2);
  wait_for_progress(second);
  EXPECT_FALSE(std::filesystem::exists(bed_.path("first")));
  EXPECT_EQ(probe(first.token), Liveness::running);
}

TEST_F(LocalRecovery, a_long_state_path_is_no_obstacle) {
  std::string deep = bed_.path("deep");
  for (int i = 0; i < 10; ++i) deep += "/a-directory-with-quite-a-long-name";
  executor_->detach();
  bed_.set_state(deep);
  next_engine();
  EXPECT_TRUE(run(script("true")).outcome.is_success());
  next_engine();
  EXPECT_EQ(probe(Token{77}), Liveness::unknown);
}

TEST_F(LocalRecovery, a_second_engine_is_refused_until_the_first_has_gone) {
  const Launch launch = script("echo ::progress 1; exec sleep 1000");
  start(launch);
  wait_for_progress(launch);
  const pid_t pid = supervisor();
  Recorder other_recorder;
  const auto other = bed_.make_local_executor();
  ASSERT_TRUE(other->attach(other_recorder));
  other->probe(launch.token);
  other->flush();
  EXPECT_TRUE(other_recorder.wait([](const Seen& seen) { return !seen.downs.empty(); }));
  EXPECT_EQ(other_recorder.seen().downs.front(),
            "another engine is connected to the supervisor: process " + std::to_string(::getpid()));
  EXPECT_EQ(supervisor(), pid) << "the first one does not notice";
  executor_.reset();
  EXPECT_TRUE(other_recorder.wait(
      [&](const Seen& seen) { return seen.ups == 1 && seen.liveness.contains(launch.token); }));
  EXPECT_EQ(other_recorder.seen().liveness.at(launch.token).front(), Liveness::running);
  EXPECT_EQ(static_cast<pid_t>(other->supervisor_pid()), pid);
}

TEST_F(LocalRecovery, who_sends_nonsense_is_cut_off_and_harms_nobody) {
  const pid_t pid = supervisor();
  for (const std::string_view nonsense :
       {std::string_view("\xff\xff\xff\xff\xff"), std::string_view("\x01\0\0\0\x7f", 5),
        std::string_view("\x02\0\0\0\x04\x05", 6)}) {
    auto socket = supervisor::connect_in(bed_.state());
    ASSERT_TRUE(socket);
    supervisor::SendBuffer out;
    out.bytes() = nonsense;
    EXPECT_EQ(out.send(socket->get()), supervisor::IoState::done);
    std::vector<char> scratch;
    supervisor::MessageBuffer messages;
    while (supervisor::receive(socket->get(), scratch, messages) == supervisor::IoState::blocked)
      continue;
    std::string_view payload;
    EXPECT_EQ(messages.next(payload), supervisor::MessageBuffer::Next::incomplete);
  }
  EXPECT_EQ(supervisor(), pid);
}

TEST_F(LocalRecovery, an_engine_of_another_version_is_told_so) {
  static_cast<void>(supervisor());
  auto socket = supervisor::connect_in(bed_.state());
  ASSERT_TRUE(socket);
  supervisor::Hello hello;
  hello.version = 99;
  supervisor::SendBuffer out;
  append_message(out.bytes(), hello);
  EXPECT_EQ(out.send(socket->get()), supervisor::IoState::done);
  std::vector<char> scratch;
  supervisor::MessageBuffer messages;
  std::string_view payload;
  while (messages.next(payload) != supervisor::MessageBuffer::Next::message)
    static_cast<void>(supervisor::receive(socket->get(), scratch, messages));
  const auto answer = supervisor::decode_from_supervisor(payload);
  ASSERT_TRUE(answer);
  const auto* welcome = std::get_if<supervisor::Welcome>(&*answer);
  ASSERT_NE(welcome, nullptr);
  EXPECT_FALSE(welcome->accepted);
  EXPECT_NE(welcome->why_not.find("version"), std::string::npos);
}

TEST_F(LocalRecovery, the_supervisor_ignores_the_signals_of_terminals) {
  const Launch launch = script("echo ::progress 1; exec sleep 1000");
  start(launch);
  wait_for_progress(launch);
  const pid_t pid = supervisor();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1})
    ASSERT_EQ(::kill(pid, signal), 0);
  EXPECT_EQ(probe(launch.token), Liveness::running);
  EXPECT_EQ(supervisor(), pid);
  EXPECT_NE(::getsid(pid), ::getsid(0));
}

TEST_F(LocalRecovery, a_machine_that_goes_down_need_not_wait_for_it) {
  const Launch launch =
      script("trap 'exit 4' TERM; echo ::progress 1; while :; do sleep 0.01; done");
  start(launch);
  wait_for_progress(launch);
  const pid_t pid = supervisor();
  executor_.reset();
  ASSERT_EQ(::kill(pid, SIGTERM), 0);  // as to every process
  for (const pid_t process : bed_.processes()) ::kill(process, SIGTERM);
  wait_for_process_end(pid);
  next_engine();
  EXPECT_EQ(end_of(launch).outcome.code, 4) << "and nothing is lost";
}

TEST_F(LocalRecovery, large_launches_arrive_whole) {
  Launch launch = script("test ${#BIG} = 100000");
  launch.environment = {{"BIG", std::string(100'000, 'x')}};
  for (int i = 0; i < 8; ++i)
    launch.environment.emplace_back("BIG_" + std::to_string(i), std::string(100'000, 'y'));
  const AttemptEnd end = run(launch);
  EXPECT_TRUE(end.outcome.is_success()) << end.message;
}

TEST_F(LocalRecovery, a_program_that_is_no_supervisor_is_told) {
  executors::LocalExecutor::Options options;
  options.state_directory = bed_.path("other");
  options.program = "/not/there";
  Recorder recorder;
  executors::LocalExecutor executor(options);
  const Status attached = executor.attach(recorder);
  ASSERT_FALSE(attached);
  EXPECT_NE(attached.error().text().find("/not/there"), std::string::npos);
}

TEST_F(LocalRecovery, a_program_that_only_ends_is_told_as_down) {
  executors::LocalExecutor::Options options;
  options.state_directory = bed_.path("other");
  options.program = "/bin/false";
  Recorder recorder;
  executors::LocalExecutor executor(options);
  ASSERT_TRUE(executor.attach(recorder));
  EXPECT_TRUE(recorder.wait([](const Seen& seen) { return seen.downs.size() == 1; }));
}

}  // namespace reeve::tests
