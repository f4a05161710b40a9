#include "executors/supervisor_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "supervisor/options.h"
#include "supervisor/paths.h"
#include "supervisor/raw_syscall.h"
#include "supervisor/socket.h"

// The code of the two children: they share our memory while our thread waits for them.
#define REEVE_CHILD_CODE __attribute__((no_sanitize("address", "thread", "undefined")))

namespace reeve::executors {
namespace {

using supervisor::raw_syscall;

constexpr std::size_t kStackBytes = 32U << 10;
constexpr std::size_t kKernelSignalSetBytes = 8;

struct Birth {
  const char* program = nullptr;
  char* const* argv = nullptr;
  int null = -1;
  int messages = -1;
  int engine_socket = -1;
  void* second_stack = nullptr;
  int error = 0;  ///< errno of the child that failed
  int pid = 0;    ///< of the supervisor-to-be
};

template <class Pointer>
REEVE_CHILD_CODE long address(Pointer* pointer) {
  return static_cast<long>(reinterpret_cast<std::intptr_t>(pointer));
}

/// The supervisor-to-be.
REEVE_CHILD_CODE int second_child(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  const std::uint64_t no_signals = 0;
  raw_syscall(SYS_dup3, birth.null, STDIN_FILENO, 0);
  raw_syscall(SYS_dup3, birth.messages, STDOUT_FILENO, 0);
  raw_syscall(SYS_dup3, birth.messages, STDERR_FILENO, 0);
  raw_syscall(SYS_fcntl, birth.engine_socket, F_SETFD, 0);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, address(&no_signals), 0, kKernelSignalSetBytes);
  const long result =
      raw_syscall(SYS_execve, address(birth.program), address(birth.argv), address(::environ));
  birth.error = static_cast<int>(-result);
  raw_syscall(SYS_exit_group, 127);
  return 127;
}

/// Ends at once, so that init becomes the parent of the second.
REEVE_CHILD_CODE int first_child(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  raw_syscall(SYS_setsid);
  birth.pid =
      ::__clone(second_child, birth.second_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  if (birth.pid < 0) birth.error = EAGAIN;
  raw_syscall(SYS_exit_group, 0);
  return 0;
}

int give_birth(Birth& birth) {
  const auto first_stack = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  const auto second_stack = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  birth.second_stack = second_stack.get() + kStackBytes;
  // A handler of ours must not run in a child that shares our memory.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // No signal at its end: the program around us may count its children.
  const pid_t pid =
      ::__clone(first_child, first_stack.get() + kStackBytes, CLONE_VM | CLONE_VFORK, &birth);
  const int error = pid < 0 ? errno : 0;
  while (pid > 0 && ::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) continue;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error != 0 ? error : birth.error;
}

}  // namespace

Result<SupervisorSocket> start_supervisor(const SupervisorCommand& command) {
  TRY_ASSIGN(auto sockets, supervisor::make_pair_of_sockets());
  const std::string messages_path =
      supervisor::state_file(command.state_directory, supervisor::kMessagesName);
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd messages(
      ::open(messages_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!null || !messages) return fail_errno(errno, "cannot open " + messages_path);

  supervisor::Options options;
  options.state_directory = command.state_directory;
  options.engine_socket = sockets.second.get();
  options.idle_end = command.idle_end;
  options.image_bytes_max = command.image_bytes_max;
  options.oci_runtime = command.oci_runtime;
  std::vector<std::string> arguments = command.arguments;
  arguments.insert(arguments.begin(), command.program);
  for (std::string& argument : supervisor::format_options(options))
    arguments.push_back(std::move(argument));
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  Birth birth;
  birth.program = command.program.c_str();
  birth.argv = argv.data();
  birth.null = null.get();
  birth.messages = messages.get();
  birth.engine_socket = options.engine_socket;
  if (const int error = give_birth(birth); error != 0)
    return fail_errno(error, "cannot start the supervisor " + command.program);
  return SupervisorSocket{std::move(sockets.first), birth.pid};
}

}  // namespace reeve::executors
