// Real sandboxes: a zygote, its inits and small programs in them.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/seccomp.h"
#include "sandbox/zygote_process.h"

namespace reeve::sandbox {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string_view as_bytes(const std::vector<sock_filter>& filter) {
  return {reinterpret_cast<const char*>(filter.data()), filter.size() * sizeof(sock_filter)};
}

class ZygoteTest : public testing::Test {
 protected:
  ZygoteTest() : host_(Host::open()) {
    char name[] = "/tmp/reeve-zygote-XXXXXX";
    directory_ = ::mkdtemp(name);
    spec_.system = Host::system_entries();
    spec_.devices = Host::devices();
    spec_.paths = {{directory_, true, true}};
    spec_.keeps_groups = !host_->is_root();
  }
  ~ZygoteTest() override {
    zygote_.reset();
    while (::waitpid(-1, nullptr, 0) > 0) continue;
    std::filesystem::remove_all(directory_);
  }

  void start() {
    ASSERT_TRUE(host_) << host_.error().text();
    const auto filter = compile(SeccompProfile::standard);
    ASSERT_TRUE(filter) << filter.error().text();
    auto zygote = ZygoteProcess::start(*host_, spec_, as_bytes(*filter), warm_ ? &*warm_ : nullptr);
    ASSERT_TRUE(zygote) << zygote.error().text();
    zygote_ = *std::move(zygote);
  }
  Reply next() {
    pollfd readable{zygote_->socket(), POLLIN, 0};
    EXPECT_EQ(::poll(&readable, 1, 10'000), 1);
    const auto reply = zygote_->receive();
    EXPECT_TRUE(reply) << "the zygote has gone";
    return reply.value_or(Reply{});
  }
  Reply wait_for(ReplyKind kind) {
    for (;;) {
      const Reply reply = next();
      if (reply.kind == kind || reply.kind == ReplyKind::failed || reply.pid == -1) return reply;
      if (testing::Test::HasFailure()) return reply;
    }
  }
  /// What a shell script printed, after its wait status.
  std::string run(const std::string& script) {
    while (zygote_->waiting_init() == 0) {
      const Reply reply = next();
      if (reply.kind == ReplyKind::failed) return zygote_->describe(reply);
      if (HasFailure()) return "?";
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
    const Fd reader(ends[0]);
    Fd writer(ends[1]);
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ProgramRequest request{.arguments = {"sh", "-c", script},
                           .candidates = {"/nowhere/sh", "/bin/sh"},
                           .environment = {"PATH=/usr/bin:/bin", "HOME=/tmp"},
                           .files = {{"secrets/KEY", "hidden"}},
                           .work_directory = directory_};
    auto started = zygote_->launch(request, {null.get(), writer.get(), writer.get()});
    if (!started) return started.error().text();
    const pid_t pid = started->init;
    writer.reset();
    const Reply ended = wait_for(ReplyKind::ended);
    if (ended.kind == ReplyKind::failed) return zygote_->describe(ended);
    std::string text = std::to_string(ended.status) + ": ";
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(reader.get(), buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(got));
    ::kill(pid, SIGKILL);
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
    files_ = std::move(started->files);
    return text;
  }

  /// A shell is started ahead, with this text.
  void start_warm(std::string script) {
    warm_ = ProgramRequest{.arguments = {"sh", "-c", std::move(script)},
                           .candidates = {"/bin/sh"},
                           .environment = {"PATH=/usr/bin:/bin"},
                           .files = {{".warm/file", "its own"}},
                           .work_directory = directory_};
    start();
  }
  /// "", or what went wrong.
  std::string wait_until_warm() {
    while (zygote_->waiting_init() == 0) {
      const Reply reply = next();
      if (reply.kind == ReplyKind::failed) return zygote_->describe(reply);
      if (HasFailure()) return "?";
    }
    return "";
  }
  /// Hands the text over and gives what was printed, after the wait status.
  std::string tell(std::string text) {
    if (std::string why = wait_until_warm(); !why.empty()) return why;
    auto started = zygote_->hand_over({.text = std::move(text), .files = {{"script", "echo ran"}}});
    if (!started) return started.error().text();
    const Reply ended = wait_for(ReplyKind::ended);
    if (ended.kind == ReplyKind::failed) return zygote_->describe(ended);
    std::string said = std::to_string(ended.status) + ": ";
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(started->output.get(), buffer, sizeof buffer)) > 0;)
      said.append(buffer, static_cast<std::size_t>(got));
    ::kill(started->init, SIGKILL);
    EXPECT_EQ(::waitpid(started->init, nullptr, 0), started->init);
    return said;
  }

  Result<Host> host_;
  std::string directory_;
  RootSpec spec_;
  std::optional<ProgramRequest> warm_;
  std::unique_ptr<ZygoteProcess> zygote_;
  Fd files_;
};

TEST_F(ZygoteTest, runs_one_program_after_the_other) {
  start();
  EXPECT_EQ(run("echo one; exit 3"), "768: one\n");
  EXPECT_EQ(run("echo two"), "0: two\n");
  EXPECT_EQ(run("kill -TERM $$"), "15: ");
}

TEST_F(ZygoteTest, lets_visitors_in_beside_its_program) {
  start();
  while (zygote_->waiting_init() == 0) ASSERT_NE(next().kind, ReplyKind::failed);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ProgramRequest request{
      .arguments = {"sleep", "1000"}, .candidates = {"/bin/sleep"}, .work_directory = directory_};
  auto started = zygote_->launch(request, {null.get(), null.get(), null.get()});
  ASSERT_TRUE(started);
  ProgramRequest visit{.arguments = {"sh", "-c", "echo $$ $A; exit 4"},
                       .candidates = {"/bin/sh"},
                       .environment = {"A=b"},
                       .work_directory = directory_};
  const ProgramStreams streams{null.get(), writer.get(), writer.get()};
  ASSERT_TRUE(started->door.enter(7, visit, streams, Door::Terminal::none));
  EXPECT_EQ(wait_for(ReplyKind::entered).visitor, 7U);
  const Reply left = wait_for(ReplyKind::left);
  EXPECT_EQ(left.visitor, 7U);
  EXPECT_EQ(left.status, 4 << 8);
  char text[64] = {};
  ASSERT_GT(::read(reader.get(), text, sizeof text - 1), 0);
  EXPECT_STREQ(text, "3 b\n");  // the third process there
  visit.candidates = {"/nowhere"};
  ASSERT_TRUE(started->door.enter(8, visit, streams, Door::Terminal::none));
  const Reply refused = wait_for(ReplyKind::refused);
  EXPECT_EQ(refused.visitor, 8U);
  EXPECT_EQ(refused.error, ENOENT);
  // No pipe is a terminal.
  ASSERT_TRUE(started->door.enter(9, visit, streams, Door::Terminal::standard_input));
  EXPECT_EQ(zygote_->describe(wait_for(ReplyKind::refused)),
            "sandbox: cannot take the terminal: Inappropriate ioctl for device");
  visit.candidates = {"/bin/sleep"};
  visit.arguments = {"sleep", "1000"};
  ASSERT_TRUE(started->door.enter(10, visit, streams, Door::Terminal::none));
  EXPECT_EQ(wait_for(ReplyKind::entered).visitor, 10U);
  ASSERT_TRUE(started->door.signal(10, SIGHUP));
  EXPECT_EQ(wait_for(ReplyKind::left).status, SIGHUP);
  ::kill(started->init, SIGKILL);
  EXPECT_EQ(::waitpid(started->init, nullptr, 0), started->init);
}

TEST_F(ZygoteTest, is_an_ordinary_user_without_capabilities) {
  start();
  EXPECT_EQ(run("id -u; id -g; grep -E 'CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs' /proc/self/status"),
            "0: 1000\n1000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
            "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
}

TEST_F(ZygoteTest, what_it_writes_belongs_to_the_owner_of_the_work_directory) {
  start();
  EXPECT_EQ(run("echo hello > file && cat file"), "0: hello\n");
  struct stat about {};
  ASSERT_EQ(::stat((directory_ + "/file").c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, ::geteuid());
}

TEST_F(ZygoteTest, sees_only_its_own_processes_and_a_read_only_system) {
  start();
  EXPECT_EQ(run("ls /proc | grep -c '^[0-9]'"), "0: 4\n");  // init, sh, ls and grep
  EXPECT_THAT(run("echo x > /usr/x"), HasSubstr("Read-only file system"));
  EXPECT_THAT(run("echo x > /x"), HasSubstr("Read-only file system"));
  EXPECT_THAT(run("ls /root"), HasSubstr("No such file"));
  EXPECT_THAT(run("cat /etc/shadow"), HasSubstr("Permission denied"));
  EXPECT_EQ(run("ls /home /sys /boot 2>/dev/null"), "512: ");
}

TEST_F(ZygoteTest, keeps_nothing_private_from_one_attempt_to_the_next) {
  start();
  const std::string look = "; ls /dev/shm /tmp | grep mine";
  EXPECT_EQ(run("touch /tmp/mine /dev/shm/mine" + look), "0: mine\nmine\n");
  EXPECT_EQ(run("true" + look), "256: ");
}

TEST_F(ZygoteTest, has_no_network_but_its_own_loopback) {
  start();
  EXPECT_EQ(run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"), "0: lo\n");
}

TEST_F(ZygoteTest, gives_the_attempt_its_own_files) {
  start();
  EXPECT_EQ(run("echo a=1 > /run/reeve/output; cat /run/reeve/secrets/KEY"), "0: hidden");
  const Fd output(::openat(files_.get(), "output", O_RDONLY | O_CLOEXEC));
  char text[16] = {};
  ASSERT_EQ(::read(output.get(), text, sizeof text), 4);
  EXPECT_EQ(std::string(text), "a=1\n");
}

TEST_F(ZygoteTest, ends_all_when_the_init_is_killed) {
  start();
  EXPECT_EQ(run("setsid sh -c 'echo $$ > pid; exec sleep 1000' >/dev/null 2>&1 & "
                "while ! test -s pid; do :; done; kill -KILL 1; echo lives"),
            "0: lives\n");
  EXPECT_EQ(run("grep -c sleep /proc/[0-9]*/comm | grep -c :1"), "256: 0\n");
}

TEST_F(ZygoteTest, tells_the_step_that_failed) {
  spec_.join_files = {"/proc/no-such-group"};
  start();
  const Reply failed = next();
  EXPECT_EQ(failed.kind, ReplyKind::failed);
  EXPECT_EQ(zygote_->describe(failed),
            "sandbox: cannot join the control group /proc/no-such-group: No such file or "
            "directory");
}

TEST_F(ZygoteTest, hands_attempts_to_programs_that_wait) {
  start_warm("cat /run/reeve/.warm/file; printf 'ready sh\\n' >&4; exec 4>&-; . /dev/fd/3");
  const std::string script = "exec 3<&-; echo; . /run/reeve/script; echo $$ $(ls /proc/self/fd)";
  EXPECT_EQ(tell(script), "0: its own\nran\n2 0 1 2 3\n");
  EXPECT_EQ(zygote_->form(), WarmForm::sh);
  EXPECT_EQ(zygote_->waiting_init(), 0);
  // Only now: it would be counted to the attempt before it.
  pollfd readable{zygote_->socket(), POLLIN, 0};
  EXPECT_EQ(::poll(&readable, 1, 50), 0);
  ASSERT_TRUE(zygote_->go_on());
  EXPECT_EQ(tell("exit 3"), "768: its own");
}

TEST_F(ZygoteTest, a_program_that_waits_is_an_attempt_like_any_other) {
  start_warm(
      "grep -E 'CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; id -u; "
      "echo $(ls /proc/self/fd); sleep 1000 & echo ready >&4; cat <&3");
  EXPECT_EQ(tell("told"),
            "0: CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
            "CapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n1000\n0 1 2 3 4 5\ntold");
  EXPECT_EQ(zygote_->form(), WarmForm::records);
}

TEST_F(ZygoteTest, takes_any_length_of_what_is_handed_over) {
  start_warm("echo ready >&4; wc -c <&3");
  EXPECT_EQ(tell(std::string(3 << 20, 'x')), "0: 3145728\n");
}

TEST_F(ZygoteTest, tells_of_programs_that_do_not_come_up) {
  const std::pair<const char*, const char*> kCases[] = {
      {"echo why; exit 3", "exited with status 3 before it was used"},
      {"kill -9 $$", "killed by signal 9 before it was used"},
      {"printf ready >&4; exit 0", "exited with status 0 before it was used"},
      {"echo ready >&4; exit 0", "exited with status 0 before it was used"},
      {"echo 'ready or not' >&4; exec sleep 1000", "wrote something other than"},
      {"head -c 100 /dev/zero >&4; exec sleep 1000", "wrote something other than"},
      {"(sleep 1000 &); echo ready >&4; cat <&3", "left processes behind"},
      {"setsid -f sleep 1000; echo ready >&4; cat <&3", "left processes behind"},
  };
  for (const auto& [script, words] : kCases) {
    start_warm(script);
    std::string why = wait_until_warm();
    // One that ends after it was ready may do so before or after anybody looks.
    if (why.empty()) why = zygote_->describe(wait_for(ReplyKind::failed));
    EXPECT_THAT(why, HasSubstr(words)) << script;
    zygote_.reset();
    while (::waitpid(-1, nullptr, 0) > 0) continue;
  }
}

TEST_F(ZygoteTest, shows_what_a_program_wrote_that_did_not_come_up) {
  start_warm("echo one; echo two >&2; exit 1");
  EXPECT_THAT(wait_until_warm(), HasSubstr("exited"));
  EXPECT_EQ(zygote_->take_warm_output(), "one\ntwo");
}

TEST_F(ZygoteTest, an_orphan_that_has_ended_is_no_other_process) {
  start_warm(
      "(setsid true &); until grep -qs ' Z ' /proc/*/stat; do :; done; echo ready >&4; cat <&3");
  EXPECT_EQ(tell("told"), "0: told");
}

TEST_F(ZygoteTest, tells_what_could_not_be_started_ahead) {
  start_warm("true");
  zygote_.reset();
  warm_->candidates = {"/nowhere"};
  start();
  EXPECT_EQ(wait_until_warm(),
            "the warm program: cannot execute the program: No such file or directory");
}

TEST_F(ZygoteTest, tells_what_could_not_be_executed) {
  start();
  directory_ += "/missing";
  EXPECT_EQ(run("true"), "sandbox: cannot change to the work directory: No such file or directory");
}

}  // namespace
}  // namespace reeve::sandbox
