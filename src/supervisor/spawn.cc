#include "supervisor/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "base/ensure.h"
#include "supervisor/processes.h"
#include "supervisor/raw_syscall.h"

// Nothing below may be instrumented: the child writes no memory but its stack and the plan.
#define REEVE_CHILD_CODE __attribute__((no_sanitize("address", "thread", "undefined")))

namespace reeve::supervisor {
namespace {

constexpr std::size_t kStackBytes = 16U << 10;
constexpr std::size_t kFreeStacksMax = 64;
constexpr std::size_t kKernelSignalSetBytes = 8;
constexpr const char* kShell = "/bin/sh";

template <class Pointer>
REEVE_CHILD_CODE long address(Pointer* pointer) {
  return static_cast<long>(reinterpret_cast<std::intptr_t>(pointer));
}

REEVE_CHILD_CODE long child_execve(const char* file, char* const* argv, char* const* envp) {
  return raw_syscall(SYS_execve, address(file), address(argv), address(envp));
}

/// A shell must not be given a binary file: NUL in its first line says that it is one.
REEVE_CHILD_CODE bool child_is_text(const char* file) {
  char start[128] = {};
  const long fd = raw_syscall(SYS_openat, AT_FDCWD, address(file), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const long count = raw_syscall(SYS_read, fd, address(&start[0]), sizeof(start));
  for (long i = 0; i < count; ++i) {
    if (start[i] == '\n') return true;
    if (start[i] == '\0') return false;
  }
  return count >= 0;
}

REEVE_CHILD_CODE bool goes_on_with_next(long error) {
  switch (error) {
    case -EACCES:
    case -ENOENT:
    case -ENOTDIR:
    case -ESTALE:
    case -ENODEV:
    case -ETIMEDOUT: return true;
    default: return false;
  }
}

/// As execvp(3): the first candidate that can be executed; EACCES is remembered before ENOENT.
REEVE_CHILD_CODE long child_execute(SpawnPlan& plan) {
  char** argv = plan.argv.data() + 1;
  char* const* envp = plan.environment->pointers();
  bool was_denied = false;
  long error = -ENOENT;
  const std::string* candidate = plan.candidates.data();
  const std::string* end = candidate + plan.candidates.size();
  for (; candidate != end; ++candidate) {
    error = child_execve(candidate->c_str(), argv, envp);
    if (error == -ENOEXEC && child_is_text(candidate->c_str())) {
      plan.argv.data()[0] = const_cast<char*>(kShell);
      plan.argv.data()[1] = const_cast<char*>(candidate->c_str());
      error = child_execve(kShell, plan.argv.data(), envp);
    }
    was_denied = was_denied || error == -EACCES;
    if (!goes_on_with_next(error)) return error;
  }
  return was_denied ? -EACCES : error;
}

REEVE_CHILD_CODE long child_streams(const SpawnPlan& plan) {
  long result = raw_syscall(SYS_dup3, plan.standard_input, STDIN_FILENO, 0);
  if (result >= 0) result = raw_syscall(SYS_dup3, plan.standard_output, STDOUT_FILENO, 0);
  if (result >= 0) result = raw_syscall(SYS_dup3, plan.standard_error, STDERR_FILENO, 0);
  return result;
}

REEVE_CHILD_CODE long child_step(SpawnPlan& plan, SpawnStep step) {
  switch (step) {
    case SpawnStep::none: return 0;
    case SpawnStep::follow_parent: {
      const long result = raw_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
      // The parent may have died before that: then nobody would ever end this child.
      return raw_syscall(SYS_getppid) == plan.parent ? result : -ESRCH;
    }
    case SpawnStep::session: return raw_syscall(SYS_setsid);
    case SpawnStep::streams: return child_streams(plan);
    case SpawnStep::directory:
      if (plan.work_directory.empty()) return 0;
      return raw_syscall(SYS_chdir, address(plan.work_directory.c_str()));
    case SpawnStep::limits:
      if (plan.open_files.rlim_max == 0) return 0;
      return raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, address(&plan.open_files), 0);
    case SpawnStep::program: {
      const std::uint64_t no_signals = 0;
      raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, address(&no_signals), 0, kKernelSignalSetBytes);
      return child_execute(plan);
    }
  }
  return 0;
}

REEVE_CHILD_CODE int child_main(void* argument) {
  auto& plan = *static_cast<SpawnPlan*>(argument);
  for (int step = 1; step <= static_cast<int>(SpawnStep::program); ++step) {
    const long result = child_step(plan, static_cast<SpawnStep>(step));
    if (result >= 0) continue;
    plan.failed_error.store(static_cast<int>(-result), std::memory_order_relaxed);
    plan.failed_step.store(static_cast<SpawnStep>(step), std::memory_order_release);
    break;
  }
  raw_syscall(SYS_exit_group, 127);
  return 127;
}

}  // namespace

pid_t Spawner::spawn(SpawnPlan& plan) {
  ENSURE(!plan.arguments.empty());
  plan.parent = ::getpid();
  plan.argv.assign(1, nullptr);
  plan.argv.reserve(plan.arguments.size() + 2);
  for (std::string& argument : plan.arguments) plan.argv.push_back(argument.data());
  plan.argv.push_back(nullptr);
  if (free_stacks_.empty()) {
    plan.stack = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  } else {
    plan.stack = std::move(free_stacks_.back());
    free_stacks_.pop_back();
  }
  const pid_t pid =
      ::__clone(child_main, plan.stack.get() + kStackBytes, CLONE_VM | SIGCHLD, &plan);
  return pid < 0 ? -errno : pid;
}

void Spawner::reuse(SpawnPlan& plan) {
  if (plan.stack && free_stacks_.size() < kFreeStacksMax)
    free_stacks_.push_back(std::move(plan.stack));
  plan.stack.reset();
}

bool has_executed(pid_t pid) {
  constexpr unsigned long kForkedWithoutExec = 0x40;  // PF_FORKNOEXEC of the kernel
  return (stat_of(pid).flags & kForkedWithoutExec) == 0;
}

}  // namespace reeve::supervisor
