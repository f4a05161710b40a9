// The zygote: a process that has composed a sandbox around itself and makes the attempts in it, one
// after the other. A program of its own, small and static, started from a sealed copy in memory: it
// shares nothing with the supervisor but one socket, on descriptor 3.
//
//   supervisor ──set-up──► zygote ──clone──► init of the next attempt ──clone──► its program
//        ▲                   │ ready(pid)      │ waits for a request, reaps, passes signals on
//        └───────────────────┴─────────────────┘ failed, ended
//
// An init is the supervisor's child (CLONE_PARENT) and process 1 of its own pid namespace: when it
// ends, the kernel ends everything in it. The next one is made as soon as one has its request;
// where each starts a program ahead, when the supervisor says so.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "sandbox/zygote/contained.h"
#include "sandbox/zygote/init.h"
#include "sandbox/zygote/link.h"
#include "sandbox/zygote/steps.h"

namespace reeve::sandbox::zygote {
namespace {

/// The set-up: the steps and the filter lie in `blob`.
struct SetUp {
  BlobReader reader{nullptr, 0};
  Descriptors descriptors{};
  bool is_warm = false;  ///< each init starts a program ahead
};

[[noreturn]] void end_with(const Reply& reply) {
  send_reply(reply);
  ::_exit(1);
}

void receive_set_up(SetUp& set_up) {
  int received[kDescriptorsMax];
  Header header;
  const int count = receive(header, received);
  if (count < 1) ::_exit(1);  // the supervisor has gone
  set_up.reader = map_blob(received[0], header.blob_bytes);
  ::close(received[0]);
  set_up.is_warm = set_up.reader.number() != 0;
  for (int& number : set_up.descriptors.numbers) number = -1;
  for (int i = 1; i < count; ++i) set_up.descriptors.numbers[i - 1] = received[i];
}

/// The root's steps, to their end or the first that fails.
void compose_root(SetUp& set_up) {
  const std::uint64_t count = set_up.reader.number();
  for (std::uint64_t i = 0; i < count; ++i) {
    const StepView step = read_step(set_up.reader);
    const int error = set_up.reader.is_good() ? carry_out(step, set_up.descriptors) : EBADMSG;
    if (error != 0)
      end_with({.kind = ReplyKind::failed,
                .phase = Phase::root,
                .step = static_cast<std::uint32_t>(i),
                .error = error});
  }
}

/// A copy of this process as init of a new pid namespace; 0 in the copy.
long clone_init() {
  constexpr unsigned long kFlags =
      CLONE_PARENT | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | SIGCHLD;
  return ::syscall(SYS_clone, kFlags, nullptr, nullptr, nullptr, nullptr);
}

/// A program that waits is in the control group, and counts as what the attempt uses: it is started
/// when nothing of the last attempt is left.
void wait_to_go_on() {
  int received[kDescriptorsMax];
  Header header;
  if (receive(header, received) != 0) ::_exit(1);
}

[[noreturn]] void make_attempts(const SetUp& set_up) {
  for (;;) {
    int taken[2];
    if (::pipe2(taken, O_CLOEXEC) != 0)
      end_with({.kind = ReplyKind::failed, .phase = Phase::attempt, .error = errno});
    const long pid = clone_init();
    if (pid == 0) {
      ::close(taken[0]);
      Descriptors own = set_up.descriptors;
      run_init(set_up.reader, own, {.taken = taken[1], .is_warm = set_up.is_warm});
    }
    ::close(taken[1]);
    if (pid < 0) end_with({.kind = ReplyKind::failed, .phase = Phase::attempt, .error = errno});
    send_reply({.kind = ReplyKind::made, .pid = static_cast<std::int32_t>(pid)});
    char byte = 0;
    // Its end without a byte: it died before it had a request. The supervisor reaps it and decides.
    if (::read(taken[0], &byte, 1) != 1) ::_exit(1);
    ::close(taken[0]);
    if (set_up.is_warm) wait_to_go_on();
  }
}

}  // namespace
}  // namespace reeve::sandbox::zygote

int main(int count, char** arguments) {
  using namespace reeve::sandbox::zygote;
  if (count == 2 && ::strcmp(arguments[1], reeve::sandbox::kContainedWord) == 0) {
    sigset_t held;
    ::sigfillset(&held);
    ::sigprocmask(SIG_SETMASK, &held, nullptr);
    run_contained();
  }
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  // What the supervisor ignores is not for programs to ignore.
  for (int signal = 1; signal < SIGRTMIN; ++signal) ::signal(signal, SIG_DFL);
  static SetUp set_up;
  receive_set_up(set_up);
  compose_root(set_up);
  // Becoming another user has cleared it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  // So did becoming another one make it not dumpable; but an ordinary user has remained the same.
  ::prctl(PR_SET_DUMPABLE, 0);
  make_attempts(set_up);
}
