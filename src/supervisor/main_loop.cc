// The supervisor as a process: what it sets up before, and does not inherit.

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "egress/program.h"
#include "images/fetch.h"
#include "supervisor/files.h"
#include "supervisor/socket.h"
#include "supervisor/supervisor.h"

namespace reeve::supervisor {
namespace {

/// Signals are heard through a descriptor, or not at all: what a terminal or an operator sends to
/// whole groups does not end the supervisor before its attempts.
void set_up_signals() {
  for (int signal = 1; signal < SIGRTMAX; ++signal) ::signal(signal, SIG_DFL);
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    sigdelset(&blocked, fault);
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

/// Only the standard streams and the engine's socket stay open, and no program gets the socket.
void close_inherited(int engine_socket) {
  const auto first = static_cast<unsigned>(STDERR_FILENO + 1);
  if (engine_socket < static_cast<int>(first)) {
    ::close_range(first, ~0U, 0);
    return;
  }
  const auto kept = static_cast<unsigned>(engine_socket);
  if (kept > first) ::close_range(first, kept - 1, 0);
  ::close_range(kept + 1, ~0U, 0);
  ::fcntl(engine_socket, F_SETFD, FD_CLOEXEC);
}

/// Many attempts need many pipes. Gives what attempts are to have: the limit as it was.
rlimit raise_open_files() {
  rlimit inherited{};
  ::getrlimit(RLIMIT_NOFILE, &inherited);
  rlimit raised = inherited;
  raised.rlim_cur = raised.rlim_max;
  if (inherited.rlim_cur == inherited.rlim_max || ::setrlimit(RLIMIT_NOFILE, &raised) != 0)
    return {};
  return inherited;
}

void refuse(const Options& options, const Error& why) {
  static_cast<void>(write_all(STDERR_FILENO, "supervisor: " + why.text() + "\n"));
  if (options.engine_socket < 0) return;
  Welcome welcome;
  welcome.accepted = false;
  welcome.why_not = why.text();
  SendBuffer answer;
  append_message(answer.bytes(), welcome);
  static_cast<void>(answer.send(options.engine_socket));
}

}  // namespace

int main_loop(std::span<const std::string> arguments) {
  if (!arguments.empty() && arguments.front() == images::kFetchWord)
    return images::fetch_main(arguments.subspan(1));
  if (!arguments.empty() && arguments.front() == egress::kEgressWord)
    return egress::egress_main(arguments.subspan(1));
  const auto options = parse_options(arguments);
  if (!options) {
    static_cast<void>(write_all(STDERR_FILENO, options.error().text() + "\n"));
    return info(options.error().code).exit_status;
  }
  set_up_signals();
  close_inherited(options->engine_socket);
  const rlimit open_files = raise_open_files();
  ::prctl(PR_SET_NAME, "reeve-superv");
  if (::chdir("/") != 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    refuse(*options, fail_errno(errno, "cannot become the parent of orphans").value());
    return 1;
  }
  // Else an engine has made them.
  if (options->stays && !make_directories(options->state_directory)) {
    refuse(*options, fail_errno(errno, "cannot make " + options->state_directory).value());
    return 1;
  }
  auto supervisor = Supervisor::create(*options, open_files);
  if (!supervisor) {
    refuse(*options, supervisor.error());
    return info(supervisor.error().code).exit_status;
  }
  const Status ended = (*supervisor)->run();
  if (ended) return 0;
  static_cast<void>(write_all(STDERR_FILENO, "supervisor: " + ended.error().text() + "\n"));
  return info(ended.error().code).exit_status;
}

}  // namespace reeve::supervisor
