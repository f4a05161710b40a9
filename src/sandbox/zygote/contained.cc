#include "sandbox/zygote/contained.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "sandbox/wire.h"
#include "sandbox/zygote/link.h"
#include "sandbox/zygote/program.h"

namespace reeve::sandbox::zygote {
namespace {

/// How long what the program started may go on: as the supervisor does it.
constexpr long kLingerNanoseconds = 200'000'000;

int status_file = -1;

void leave(const Reply& reply) {
  static_cast<void>(::write(status_file, &reply, sizeof reply) == sizeof reply);
}

[[noreturn]] void end_with(ProgramStep step, int error) {
  leave({.kind = ReplyKind::failed,
         .phase = Phase::program,
         .step = static_cast<std::uint32_t>(step),
         .error = error});
  ::_exit(127);
}

/// Nothing of its own may hold the program's pipes open.
void let_go_of_streams() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int stream = 0; stream < 3; ++stream) ::dup2(null, stream);
}

int shell_status(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

[[noreturn]] void reap_contained(pid_t main_process) {
  sigset_t all;
  ::sigfillset(&all);
  int ended_as = -1;
  timespec until{};
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
    if (pid == main_process) {
      leave({.kind = ReplyKind::ended, .status = status});
      ended_as = shell_status(status);
      ::clock_gettime(CLOCK_MONOTONIC, &until);
      until.tv_nsec += kLingerNanoseconds;
    }
    if (pid > 0) continue;
    if (pid < 0 && errno == ECHILD) ::_exit(ended_as);
    if (ended_as < 0) {
      const int signal = ::sigwaitinfo(&all, nullptr);
      if (signal == SIGTERM || signal == SIGCONT) pass_on(signal, main_process);
      continue;
    }
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const long left = (until.tv_sec - now.tv_sec) * 1'000'000'000 + (until.tv_nsec - now.tv_nsec);
    if (left <= 0) ::_exit(ended_as);
    const timespec wait{0, left < 999'999'999 ? left : 999'999'999};
    static_cast<void>(::sigtimedwait(&all, nullptr, &wait) > 0);
  }
}

}  // namespace

void run_contained() {
  // The program is the same user: its memory and descriptors are not to be opened.
  ::prctl(PR_SET_DUMPABLE, 0);
  status_file = ::open(kContainedStatus, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const int request = ::open(kContainedRequest, O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (status_file < 0 || request < 0 || ::fstat(request, &about) != 0) ::_exit(127);
  BlobReader reader = map_blob(request, static_cast<std::size_t>(about.st_size));
  static Program program;
  if (!read_program(reader, program)) end_with(ProgramStep::request, E2BIG);
  for (int i = 0; i < 3; ++i) program.streams[i] = i;
  if (const int error = install_filter(reader); error != 0)
    end_with(ProgramStep::system_calls, error);
  const pid_t pid = start(program);
  if (pid < 0) end_with(ProgramStep::fork, errno);
  if (program.failed_error != 0) end_with(program.failed_step, program.failed_error);
  let_go_of_streams();
  reap_contained(pid);
}

}  // namespace reeve::sandbox::zygote
