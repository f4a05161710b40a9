#include "sandbox/zygote/program.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace reeve::sandbox::zygote {
namespace {

constexpr std::size_t kWordsMax = 1U << 17;  // of arguments, candidates and environment together
constexpr const char* kShell = "/bin/sh";

char* words[kWordsMax];

/// Ends with null; null when it does not fit or is not there.
char** read_words(BlobReader& reader, std::size_t& used) {
  const std::uint64_t count = reader.number();
  if (!reader.is_good() || used + 2 > kWordsMax || count > kWordsMax - used - 2) return nullptr;
  ++used;  // the place for an interpreter
  char** const begin = words + used;
  for (std::uint64_t i = 0; i < count; ++i) words[used++] = const_cast<char*>(reader.text());
  words[used++] = nullptr;
  return begin;
}

/// A shell must not be given a binary file: NUL in its first line says that it is one.
bool is_text(const char* path) {
  char start[128];
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t count = ::read(file, start, sizeof start);
  ::close(file);
  for (ssize_t i = 0; i < count; ++i) {
    if (start[i] == '\n') return true;
    if (start[i] == '\0') return false;
  }
  return count >= 0;
}

bool goes_on_with_next(int error) {
  switch (error) {
    case EACCES:
    case ENOENT:
    case ENOTDIR:
    case ESTALE:
    case ENODEV:
    case ETIMEDOUT: return true;
    default: return false;
  }
}

/// As execvp(3): the first candidate that can be executed; EACCES is remembered before ENOENT.
int execute(Program& program) {
  bool was_denied = false;
  int error = ENOENT;
  for (char** candidate = program.candidates; *candidate != nullptr; ++candidate) {
    ::execve(*candidate, program.arguments, program.environment);
    error = errno;
    if (error == ENOEXEC && is_text(*candidate)) {
      program.arguments[-1] = const_cast<char*>(kShell);
      program.arguments[0] = *candidate;
      ::execve(kShell, program.arguments - 1, program.environment);
      error = errno;
    }
    was_denied = was_denied || error == EACCES;
    if (!goes_on_with_next(error)) return error;
  }
  return was_denied ? EACCES : error;
}

int set_streams(const Program& program) {
  int next = 0;
  for (const int stream : program.streams)
    if (::dup2(stream, next++) < 0) return errno;
  for (const int one : program.more) {
    if (one < 0) break;
    // One that is in its place already would be closed by execve(2).
    if (one == next ? ::fcntl(one, F_SETFD, 0) != 0 : ::dup2(one, next) < 0) return errno;
    ++next;
  }
  return ::syscall(SYS_close_range, static_cast<unsigned>(next), ~0U, 0U) == 0 ? 0 : errno;
}

int drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2]{};
  return ::syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

int child_step(Program& program, ProgramStep step) {
  switch (step) {
    case ProgramStep::session: return ::setsid() < 0 ? errno : 0;
    case ProgramStep::streams: return set_streams(program);
    case ProgramStep::directory: return ::chdir(program.work_directory) != 0 ? errno : 0;
    case ProgramStep::limits:
      if (program.open_files.rlim_max == 0) return 0;
      return ::setrlimit(RLIMIT_NOFILE, &program.open_files) != 0 ? errno : 0;
    case ProgramStep::privileges: return program.keeps_capabilities ? 0 : drop_capabilities();
    case ProgramStep::execute: {
      sigset_t none;
      ::sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      return execute(program);
    }
    case ProgramStep::terminal:
      if (!program.takes_terminal) return 0;
      return ::ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0 ? errno : 0;
    case ProgramStep::system_calls:
    case ProgramStep::request:
    case ProgramStep::files:
    case ProgramStep::fork: break;
  }
  return EINVAL;
}

/// In the child, which shares this memory until it executes: its own stack frame and `program` are
/// all that it writes.
[[noreturn]] __attribute__((noinline)) void child_main(Program& program) {
  constexpr ProgramStep kSteps[] = {
      ProgramStep::session, ProgramStep::streams,    ProgramStep::terminal, ProgramStep::directory,
      ProgramStep::limits,  ProgramStep::privileges, ProgramStep::execute};
  for (const ProgramStep step : kSteps) {
    const int error = child_step(program, step);
    if (error == 0) continue;
    program.failed_error = error;
    program.failed_step = step;
    break;
  }
  ::_exit(127);
}

}  // namespace

bool read_program(BlobReader& reader, Program& program) {
  std::size_t used = 0;  // what a program before this one was started with, it has
  program.keeps_capabilities = reader.number() != 0;
  program.work_directory = reader.text();
  program.open_files.rlim_cur = reader.number();
  program.open_files.rlim_max = reader.number();
  program.arguments = read_words(reader, used);
  if (program.arguments == nullptr) return false;
  program.candidates = read_words(reader, used);
  if (program.candidates == nullptr) return false;
  program.environment = read_words(reader, used);
  return program.environment != nullptr && reader.is_good();
}

int install_filter(BlobReader& reader) {
  std::size_t bytes = 0;
  const char* const filter = reader.text(bytes);
  if (bytes == 0) return 0;
  sock_fprog code{};
  code.len = static_cast<unsigned short>(bytes / sizeof(sock_filter));
  code.filter = reinterpret_cast<sock_filter*>(const_cast<char*>(filter));
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &code) == 0 ? 0 : errno;
}

pid_t start(Program& program) {
  const pid_t pid = ::vfork();
  if (pid == 0) child_main(program);
  return pid;
}

void pass_on(int signal, pid_t main_process) {
  // Before setsid(2) it has no group; but it is started by then: vfork(2) returns after execve(2).
  if (::kill(-main_process, signal) != 0) ::kill(main_process, signal);
}

}  // namespace reeve::sandbox::zygote
