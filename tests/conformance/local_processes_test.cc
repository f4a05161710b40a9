// Real processes under the local executor: how they start, how they end, what they leave.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "supervisor/files.h"
#include "tests/conformance/local_place.h"

namespace reeve::tests {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

void write_file(const std::string& path, const std::string& text, bool is_executable) {
  std::ofstream(path) << text;
  using std::filesystem::perms;
  std::filesystem::permissions(path, is_executable ? perms::owner_all : perms::owner_read);
}

bool is_alive(pid_t pid) {
  // A zombie has ended; it only waits for init.
  const std::string stat =
      supervisor::read_file_prefix("/proc/" + std::to_string(pid) + "/stat", 4096);
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.compare(name_end, 3, ") Z") != 0;
}

}  // namespace

class LocalProcesses : public LocalPlace {};

TEST_F(LocalProcesses, a_missing_command_is_127) {
  const AttemptEnd end = run(command({"reeve-has-no-such-command"}));
  EXPECT_EQ(end.outcome.kind, OutcomeClass::exited);
  EXPECT_EQ(end.outcome.code, 127);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::command_not_found);
  EXPECT_EQ(end.outcome.reason.a, ENOENT);
  EXPECT_EQ(end.message, "cannot execute reeve-has-no-such-command: not found in PATH");
}

TEST_F(LocalProcesses, a_missing_path_is_127) {
  const AttemptEnd end = run(command({"./not/there"}));
  EXPECT_EQ(end.outcome.code, 127);
  EXPECT_EQ(end.message, "cannot execute ./not/there: No such file or directory");
}

TEST_F(LocalProcesses, a_missing_interpreter_is_127_and_said) {
  write_file(bed_.path("tool"), "#!/no/such/interpreter\n", true);
  const AttemptEnd end = run(command({"./tool"}));
  EXPECT_EQ(end.outcome.code, 127);
  EXPECT_EQ(end.message, "cannot execute ./tool: its interpreter was not found");
}

TEST_F(LocalProcesses, a_file_without_permission_is_126) {
  write_file(bed_.path("tool"), "#!/bin/sh\n", false);
  const AttemptEnd end = run(command({"./tool"}));
  EXPECT_EQ(end.outcome.kind, OutcomeClass::exited);
  EXPECT_EQ(end.outcome.code, 126);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::command_not_executable);
  EXPECT_EQ(end.outcome.reason.a, EACCES);
}

TEST_F(LocalProcesses, a_directory_is_126) { EXPECT_EQ(run(command({"/tmp"})).outcome.code, 126); }

TEST_F(LocalProcesses, a_binary_file_of_no_known_kind_is_126) {
  write_file(bed_.path("tool"), std::string("\x01\x02\0\x03 nonsense\n", 14), true);
  const AttemptEnd end = run(command({"./tool"}));
  EXPECT_EQ(end.outcome.code, 126);
  EXPECT_EQ(end.outcome.reason.a, ENOEXEC);
}

TEST_F(LocalProcesses, a_script_without_a_first_line_is_run_by_sh) {
  write_file(bed_.path("tool"), "echo \"got $1\"; exit 5\n", true);
  const Launch launch = command({"./tool", "it"});
  EXPECT_EQ(run(launch).outcome.code, 5);
  EXPECT_EQ(log_of(launch), "got it\n");
}

TEST_F(LocalProcesses, the_path_of_the_attempt_is_searched) {
  std::filesystem::create_directory(bed_.path("bin"));
  write_file(bed_.path("bin/reeve-tool"), "#!/bin/sh\nexit 6\n", true);
  Launch launch = command({"reeve-tool"});
  launch.environment = {{"PATH", "/not/there:" + bed_.path("bin") + ":/bin"}};
  EXPECT_EQ(run(launch).outcome.code, 6);
}

TEST_F(LocalProcesses, nothing_to_execute_cannot_start) {
  EXPECT_EQ(run(command({})).outcome.kind, OutcomeClass::rejected);
  EXPECT_EQ(run(command({""})).outcome.code, 127);
}

TEST_F(LocalProcesses, a_missing_work_directory_cannot_start) {
  Launch launch = script("true");
  launch.work_directory = "/not/there";
  const AttemptEnd end = run(launch);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::rejected) << "it would never go better";
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::path_not_usable);
  EXPECT_EQ(end.message,
            "cannot change to /not/there: No such file or directory; make it before, or name "
            "another with `workdir`");
}

TEST_F(LocalProcesses, arguments_that_are_too_long_are_126) {
  const AttemptEnd end = run(command({"/bin/echo", std::string(1 << 20, 'x')}));
  EXPECT_EQ(end.outcome.code, 126);
  EXPECT_EQ(end.outcome.reason.a, E2BIG);
}

TEST_F(LocalProcesses, death_by_signal_is_told) {
  const AttemptEnd end = run(script("kill -SEGV $$"));
  EXPECT_EQ(end.outcome.kind, OutcomeClass::signalled);
  EXPECT_EQ(end.outcome.code, SIGSEGV);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::killed_by_signal);
}

TEST_F(LocalProcesses, streams_environment_and_directory_are_as_promised) {
  Launch launch = script(
      "cat; pwd; echo err >&2; echo \"$GREETING $REEVE_TASK_INDEX $REEVE_ATTEMPT\"; "
      "ls /proc/self/fd | tr '\\n' ' '; test -n \"$HOME$PATH\"; "
      "test \"$REEVE_RUN_ID\" = \"$(basename \"$(dirname \"$REEVE_OUTPUT\")\")\"");
  launch.environment = {{"GREETING", "hello"}};
  EXPECT_TRUE(run(launch).outcome.is_success());
  const std::string here = std::filesystem::canonical(bed_.path("")).string();
  // Descriptor 3 is what ls reads the directory with.
  const std::string log = log_of(launch);
  EXPECT_NE(log.find(here + "\n"), std::string::npos) << log;
  EXPECT_NE(log.find("err\n"), std::string::npos) << log;
  EXPECT_NE(log.find("hello 1 1\n"), std::string::npos) << log;
  EXPECT_NE(log.find("0 1 2 3 "), std::string::npos) << log;
  EXPECT_EQ(log.find("4 "), std::string::npos) << log;
}

TEST_F(LocalProcesses, signals_are_as_a_program_expects_them) {
  const Launch launch = script("grep -E 'Sig(Blk|Ign)' /proc/self/status");
  EXPECT_TRUE(run(launch).outcome.is_success());
  EXPECT_EQ(log_of(launch), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(LocalProcesses, the_limit_of_open_files_is_the_engines) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const Launch launch = script("ulimit -n");
  run(launch);
  EXPECT_EQ(log_of(launch), std::to_string(limit.rlim_cur) + "\n");
}

TEST_F(LocalProcesses, a_silent_attempt_makes_no_file) {
  const Launch launch = script("true");
  EXPECT_TRUE(run(launch).outcome.is_success());
  EXPECT_FALSE(std::filesystem::exists(bed_.state() + "/logs"));
}

TEST_F(LocalProcesses, a_long_script_reaches_its_shell_through_a_file) {
  Launch launch = script(std::string(200'000, '#') + "\nexit 9\n");
  const AttemptEnd end = run(launch);
  EXPECT_EQ(end.outcome.code, 9) << end.message;
  const std::string path = supervisor::attempt_path(
      bed_.state(), {launch.run, launch.task.index, 1}, supervisor::AttemptFile::script);
  EXPECT_EQ(supervisor::read_file_prefix(path, 1 << 20), launch.script);
  executor_->forget(launch.token);
  EXPECT_EQ(probe(launch.token), Liveness::unknown);
  EXPECT_FALSE(std::filesystem::exists(path)) << "forgotten with its attempt";
}

TEST_F(LocalProcesses, other_interpreters_get_scripts_as_files) {
  Launch launch = command({"/usr/bin/awk", "-f"});
  launch.script = "BEGIN { exit 4 }";
  EXPECT_EQ(run(launch).outcome.code, 4);
}

TEST_F(LocalProcesses, usage_is_measured) {
  const Launch launch = script("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo 12345");
  const AttemptEnd end = run(launch);
  EXPECT_GT(end.usage.user_cpu + end.usage.system_cpu, Duration{0});
  EXPECT_GT(end.usage.memory_peak_bytes, 100'000);
  EXPECT_EQ(end.usage.output_bytes, 6);
}

TEST_F(LocalProcesses, a_broken_output_file_rejects_a_success) {
  const AttemptEnd end = run(script("echo nonsense > \"$REEVE_OUTPUT\""));
  EXPECT_EQ(end.outcome.kind, OutcomeClass::rejected);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::output_invalid);
  EXPECT_EQ(end.message, "REEVE_OUTPUT line 1: expected name=value or name<<WORD");
}

TEST_F(LocalProcesses, a_broken_output_file_leaves_a_failure_as_it_is) {
  const AttemptEnd end = run(script("echo nonsense > \"$REEVE_OUTPUT\"; exit 2"));
  EXPECT_EQ(end.outcome.kind, OutcomeClass::exited);
  EXPECT_EQ(end.outcome.code, 2);
}

TEST_F(LocalProcesses, an_output_file_that_is_no_file_is_refused) {
  EXPECT_EQ(run(script("mkfifo \"$REEVE_OUTPUT\"")).outcome.kind, OutcomeClass::exited);
  EXPECT_EQ(run(script("ln -s /etc/passwd \"$REEVE_OUTPUT\"")).outcome.kind,
            OutcomeClass::rejected);
  EXPECT_EQ(run(script("head -c 2000000 /dev/zero > \"$REEVE_OUTPUT\"")).outcome.kind,
            OutcomeClass::rejected);
}

TEST_F(LocalProcesses, progress_lines_are_told) {
  const Launch launch = script("echo ::progress 40 half way; sleep 1000");
  start(launch);
  wait_for_progress(launch);
  EXPECT_EQ(recorder_->seen().progress.back(), (Progress{launch.token, 40, "half way"}));
}

TEST_F(LocalProcesses, the_progress_file_is_told) {
  const Launch launch = script("echo 70 nearly > \"$REEVE_PROGRESS\"; exec sleep 1000");
  start(launch);
  wait_for_progress(launch);
  EXPECT_EQ(recorder_->seen().progress.back(), (Progress{launch.token, 70, "nearly"}));
}

TEST_F(LocalProcesses, progress_of_the_last_moment_is_told_before_the_end) {
  const Launch launch = script("echo 100 done > \"$REEVE_PROGRESS\"");
  run(launch);
  EXPECT_EQ(recorder_->seen().progress.back(), (Progress{launch.token, 100, "done"}));
}

TEST_F(LocalProcesses, a_daemon_does_not_outlive_its_attempt) {
  const std::string survivor = bed_.path("survivor");
  const AttemptEnd end = run(script("setsid sh -c 'echo $$ > " + survivor +
                                    "; exec sleep 1000' < /dev/null > /dev/null 2>&1 & "
                                    "while ! test -s " +
                                    survivor + "; do :; done"));
  EXPECT_TRUE(end.outcome.is_success());
  const pid_t pid = std::stoi(supervisor::read_file_prefix(survivor, 20));
  EXPECT_FALSE(is_alive(pid));
  EXPECT_TRUE(bed_.processes().empty());
}

TEST_F(LocalProcesses, a_tree_of_daemons_does_not_outlive_its_attempt) {
  const std::string daemon =
      "setsid sh -c 'setsid sh -c \"echo \\$\\$ >> pids; sleep 1000\" & echo $$ >> pids; "
      "sleep 1000' < /dev/null > /dev/null 2>&1 & ";
  const AttemptEnd end =
      run(script(daemon + daemon + daemon + "while [ \"$(wc -l < pids)\" != 6 ]; do :; done"));
  EXPECT_TRUE(end.outcome.is_success());
  std::ifstream pids(bed_.path("pids"));
  int count = 0;
  for (pid_t pid = 0; pids >> pid; ++count) EXPECT_FALSE(is_alive(pid)) << pid;
  EXPECT_EQ(count, 6);
}

TEST_F(LocalProcesses, a_daemon_dies_when_its_attempt_is_killed) {
  const Launch launch = script(
      "(setsid sh -c 'echo $$ > pid; exec sleep 1000' < /dev/null > /dev/null 2>&1 &) ; "
      "while ! test -s pid; do :; done; echo ::progress 1; sleep 1000");
  start(launch);
  wait_for_progress(launch);
  const pid_t pid = std::stoi(supervisor::read_file_prefix(bed_.path("pid"), 20));
  EXPECT_TRUE(is_alive(pid));
  executor_->stop(launch.token, engine::StopMode::kill, Duration{0});
  executor_->flush();
  EXPECT_EQ(end_of(launch).outcome.code, SIGKILL);
  EXPECT_FALSE(is_alive(pid));
}

TEST_F(LocalProcesses, a_daemon_without_a_trace_dies_with_the_last_that_may_have_made_it) {
  const Launch witness = script("echo ::progress 1; exec sleep 1000");
  start(witness);
  wait_for_progress(witness);
  // No environment, no session, no parent: nothing tells whose it is.
  const AttemptEnd end = run(script(
      "(setsid env -i sh -c 'echo $$ > pid; exec sleep 1000' < /dev/null > /dev/null 2>&1 &) ; "
      "while ! test -s pid; do :; done"));
  EXPECT_TRUE(end.outcome.is_success());
  const pid_t pid = std::stoi(supervisor::read_file_prefix(bed_.path("pid"), 20));
  executor_->stop(witness.token, engine::StopMode::kill, Duration{0});
  executor_->flush();
  end_of(witness);
  wait_for_process_end(pid);
  EXPECT_FALSE(is_alive(pid));
}

TEST_F(LocalProcesses, what_a_child_still_writes_after_the_end_is_kept) {
  const Launch launch = script("(while kill -0 $$ 2> /dev/null; do :; done; echo late) & exit 0");
  EXPECT_TRUE(run(launch).outcome.is_success());
  EXPECT_EQ(log_of(launch), "late\n");
}

TEST_F(LocalProcesses, a_background_child_that_holds_the_output_is_not_waited_for) {
  const AttemptEnd end = run(script("sleep 1000 & exit 0"));
  EXPECT_TRUE(end.outcome.is_success());
  EXPECT_TRUE(bed_.processes().empty());
}

TEST_F(LocalProcesses, endless_output_is_cut_off_and_its_writer_killed) {
  Launch launch = command({"cat", "/dev/zero"});
  launch.output_bytes_max = 1'000'000;
  const AttemptEnd end = run(launch);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::rejected);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::output_over_limit);
  EXPECT_EQ(end.outcome.reason.a, 1'000'000);
  EXPECT_GT(end.usage.output_bytes, 1'000'000);
  EXPECT_EQ(log_of(launch), std::string(1'000'000, '\0'));
}

TEST_F(LocalProcesses, output_of_exactly_the_limit_is_fine) {
  Launch launch = command({"head", "-c", "100000", "/dev/zero"});
  launch.output_bytes_max = 100'000;
  EXPECT_TRUE(run(launch).outcome.is_success());
  EXPECT_EQ(log_of(launch).size(), 100'000U);
  launch = command({"head", "-c", "100001", "/dev/zero"});
  launch.output_bytes_max = 100'000;
  EXPECT_EQ(run(launch).outcome.kind, OutcomeClass::rejected);
  EXPECT_EQ(log_of(launch).size(), 100'000U);
}

TEST_F(LocalProcesses, many_small_pieces_are_all_kept) {
  const Launch launch = script(
      "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; "
      "echo end >&2");
  EXPECT_TRUE(run(launch).outcome.is_success());
  std::string expected;
  for (int i = 1; i <= 3000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(log_of(launch).size(), expected.size() + 4);
}

TEST_F(LocalProcesses, output_counts_as_life) {
  Launch launch = script("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.05; done");
  launch.idle_timeout = milliseconds(1000);
  EXPECT_TRUE(run(launch).outcome.is_success());
}

TEST_F(LocalProcesses, a_full_disk_loses_output_and_nothing_else) {
  const Launch launch = script("echo ::progress 1; read x < gate; echo done; exit 3");
  ASSERT_EQ(::mkfifo(bed_.path("gate").c_str(), 0600), 0);
  // A directory where the log should be: it can never be written.
  std::filesystem::create_directories(
      supervisor::log_path(bed_.state(), {launch.run, launch.task.index, 1}));
  start(launch);
  wait_for_progress(launch);
  std::ofstream(bed_.path("gate")) << "go\n";
  const AttemptEnd end = end_of(launch);
  EXPECT_EQ(end.outcome.code, 3);
  EXPECT_EQ(end.usage.output_bytes, 18);
}

}  // namespace reeve::tests
