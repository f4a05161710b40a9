#include "sandbox/zygote/init.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#include <string.h>

#include "sandbox/zygote/link.h"

namespace reeve::sandbox::zygote {
namespace {

constexpr std::size_t kWordsMax = 1U << 17;  // of arguments, candidates and environment together
constexpr const char* kFilesPath = "/run/reeve";
constexpr const char* kShell = "/bin/sh";

/// What is to be started. The texts lie in the request's blob.
struct Program {
  const char* work_directory = "";
  rlimit open_files{};
  char** arguments = nullptr;  ///< a free place before it, for an interpreter
  char** candidates = nullptr;
  char** environment = nullptr;
  int streams[3] = {-1, -1, -1};
  // Written by the child that shares this memory, when it could not execute the program.
  ProgramStep failed_step{};
  int failed_error = 0;
};

char* words[kWordsMax];
std::size_t words_used = 0;

[[noreturn]] void fail_with(Phase phase, std::uint32_t step, int error) {
  send_reply({.kind = ReplyKind::failed, .phase = phase, .step = step, .error = error});
  ::_exit(127);
}

[[noreturn]] void fail_with(ProgramStep step, int error) {
  fail_with(Phase::program, static_cast<std::uint32_t>(step), error);
}

char** read_words(BlobReader& reader) {
  const std::uint64_t count = reader.number();
  if (!reader.is_good() || count + 2 > kWordsMax - words_used)
    fail_with(ProgramStep::request, E2BIG);
  ++words_used;  // the place for an interpreter
  char** const begin = words + words_used;
  for (std::uint64_t i = 0; i < count; ++i) words[words_used++] = const_cast<char*>(reader.text());
  words[words_used++] = nullptr;
  return begin;
}

void prepare(BlobReader& reader, Descriptors& descriptors) {
  const std::uint64_t count = reader.number();
  for (std::uint64_t i = 0; i < count; ++i) {
    const StepView step = read_step(reader);
    const int error = reader.is_good() ? carry_out(step, descriptors) : EBADMSG;
    if (error != 0) fail_with(Phase::attempt, static_cast<std::uint32_t>(i), error);
  }
  std::size_t bytes = 0;
  const char* const filter = reader.text(bytes);
  sock_fprog code{};
  code.len = static_cast<unsigned short>(bytes / sizeof(sock_filter));
  code.filter = reinterpret_cast<sock_filter*>(const_cast<char*>(filter));
  // What is left for this process to do passes the filter too; so the time it takes to install is
  // not on the way from a request to its program.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &code) != 0)
    fail_with(ProgramStep::system_calls, errno);
  const int files = ::open(kFilesPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (files < 0) fail_with(ProgramStep::files, errno);
  send_reply({.kind = ReplyKind::ready}, files);
  ::close(files);
}

/// Below kFilesPath; `path` has one slash at most.
int write_own_file(const char* path, const char* content, std::size_t size) {
  char full[PATH_MAX];
  const std::size_t length = ::strlen(path);
  constexpr std::size_t kPrefix = sizeof("/run/reeve/") - 1;
  if (length >= sizeof full - kPrefix) return ENAMETOOLONG;
  ::memcpy(full, "/run/reeve/", kPrefix);
  ::memcpy(full + kPrefix, path, length + 1);
  if (char* const slash = ::strrchr(full + kPrefix, '/'); slash != nullptr) {
    *slash = '\0';
    if (::mkdir(full, 0700) != 0 && errno != EEXIST) return errno;
    *slash = '/';
  }
  const int file = ::open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  while (size > 0) {
    const ssize_t written = ::write(file, content, size);
    if (written < 0) return errno;
    content += written;
    size -= static_cast<std::size_t>(written);
  }
  return ::close(file) != 0 ? errno : 0;
}

void write_own_files(BlobReader& reader) {
  const std::uint64_t count = reader.number();
  for (std::uint64_t i = 0; reader.is_good() && i < count; ++i) {
    const char* const path = reader.text();
    std::size_t size = 0;
    const char* const content = reader.text(size);
    if (const int error = write_own_file(path, content, size); error != 0)
      fail_with(ProgramStep::files, error);
  }
}

void take_request(Program& program, int taken) {
  int received[kDescriptorsMax];
  Header header;
  const int count = receive(header, received);
  if (count < 0) ::_exit(127);  // the supervisor has gone
  static_cast<void>(::write(taken, "", 1) == 1);
  ::close(taken);
  if (count != 4) fail_with(ProgramStep::request, EBADMSG);
  BlobReader reader = map_blob(received[0], header.blob_bytes);
  program.work_directory = reader.text();
  program.open_files.rlim_cur = reader.number();
  program.open_files.rlim_max = reader.number();
  program.arguments = read_words(reader);
  program.candidates = read_words(reader);
  program.environment = read_words(reader);
  write_own_files(reader);
  if (!reader.is_good()) fail_with(ProgramStep::request, EBADMSG);
  for (int i = 0; i < 3; ++i) program.streams[i] = received[i + 1];
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
  for (int i = 0; i < 3; ++i)
    if (::dup2(program.streams[i], i) < 0) return errno;
  return ::syscall(SYS_close_range, 3U, ~0U, 0U) == 0 ? 0 : errno;
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
    case ProgramStep::privileges: return drop_capabilities();
    case ProgramStep::execute: {
      sigset_t none;
      ::sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      return execute(program);
    }
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
  constexpr ProgramStep kSteps[] = {ProgramStep::session,    ProgramStep::streams,
                                    ProgramStep::directory,  ProgramStep::limits,
                                    ProgramStep::privileges, ProgramStep::execute};
  for (const ProgramStep step : kSteps) {
    const int error = child_step(program, step);
    if (error == 0) continue;
    program.failed_error = error;
    program.failed_step = step;
    break;
  }
  ::_exit(127);
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

/// Until no process is left, or the supervisor ends this one and with it all.
[[noreturn]] void reap(pid_t main_process) {
  sigset_t all;
  ::sigfillset(&all);
  bool is_told = false;
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
    if (pid == main_process) {
      send_reply({.kind = ReplyKind::ended, .status = status});
      is_told = true;
    }
    if (pid > 0) continue;
    if (pid < 0 && errno == ECHILD) ::_exit(0);
    const int signal = ::sigwaitinfo(&all, nullptr);
    if ((signal == SIGTERM || signal == SIGCONT) && !is_told) pass_on(signal, main_process);
  }
}

}  // namespace

void run_init(BlobReader reader, Descriptors& descriptors, int taken) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  static Program program;
  prepare(reader, descriptors);
  take_request(program, taken);
  const pid_t pid = start(program);
  if (pid < 0) fail_with(ProgramStep::fork, errno);
  if (program.failed_error != 0) fail_with(program.failed_step, program.failed_error);
  for (const int stream : program.streams) ::close(stream);
  reap(pid);
}

}  // namespace reeve::sandbox::zygote
