#include "sandbox/zygote/init.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#include <string.h>

#include "sandbox/zygote/link.h"
#include "sandbox/zygote/program.h"
#include "sandbox/zygote/visitors.h"

namespace reeve::sandbox::zygote {
namespace {

constexpr const char* kFilesPath = "/run/reeve";

/// Also without any process: the attempt is kept open to be looked at.
bool stays = false;

[[noreturn]] void fail_with(Phase phase, std::uint32_t step, int error) {
  send_reply({.kind = ReplyKind::failed, .phase = phase, .step = step, .error = error});
  ::_exit(127);
}

[[noreturn]] void fail_with(ProgramStep step, int error) {
  fail_with(Phase::program, static_cast<std::uint32_t>(step), error);
}

void prepare(BlobReader& reader, Descriptors& descriptors) {
  const std::uint64_t count = reader.number();
  for (std::uint64_t i = 0; i < count; ++i) {
    const StepView step = read_step(reader);
    const int error = reader.is_good() ? carry_out(step, descriptors) : EBADMSG;
    if (error != 0) fail_with(Phase::attempt, static_cast<std::uint32_t>(i), error);
  }
  // What is left for this process to do passes the filter too; so the time it takes to install is
  // not on the way from a request to its program.
  if (const int error = install_filter(reader); error != 0)
    fail_with(ProgramStep::system_calls, error);
  const int files = ::open(kFilesPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (files < 0) fail_with(ProgramStep::files, errno);
  send_reply({.kind = ReplyKind::ready}, files);
  ::close(files);
}

struct Owner {
  uid_t id = 0;  ///< 0: this process
  mode_t mode = 0;
};

/// Below kFilesPath; `path` has one slash at most.
int write_own_file(const char* path, const char* content, std::size_t size, const Owner& owner) {
  char full[PATH_MAX];
  const std::size_t length = ::strlen(path);
  constexpr std::size_t kPrefix = sizeof("/run/reeve/") - 1;
  if (length >= sizeof full - kPrefix) return ENAMETOOLONG;
  ::memcpy(full, "/run/reeve/", kPrefix);
  ::memcpy(full + kPrefix, path, length + 1);
  if (char* const slash = ::strrchr(full + kPrefix, '/'); slash != nullptr) {
    *slash = '\0';
    if (::mkdir(full, 0700) != 0 && errno != EEXIST) return errno;
    if (owner.id != 0 && ::chown(full, owner.id, owner.id) != 0) return errno;
    *slash = '/';
  }
  const int file = ::open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, owner.mode);
  if (file < 0) return errno;
  if (owner.id != 0 && ::fchown(file, owner.id, owner.id) != 0) return errno;
  while (size > 0) {
    const ssize_t written = ::write(file, content, size);
    if (written < 0) return errno;
    content += written;
    size -= static_cast<std::size_t>(written);
  }
  return ::close(file) != 0 ? errno : 0;
}

void write_own_files(BlobReader& reader) {
  Owner owner;
  owner.id = static_cast<uid_t>(reader.number());
  const std::uint64_t count = reader.number();
  for (std::uint64_t i = 0; reader.is_good() && i < count; ++i) {
    const char* const path = reader.text();
    owner.mode = static_cast<mode_t>(reader.number());
    std::size_t size = 0;
    const char* const content = reader.text(size);
    if (const int error = write_own_file(path, content, size, owner); error != 0)
      fail_with(ProgramStep::files, error);
  }
}

/// Gives the descriptor of the door.
int take_request(Program& program, int taken) {
  int received[kDescriptorsMax];
  Header header;
  const int count = receive(header, received);
  if (count < 0) ::_exit(127);  // the supervisor has gone
  static_cast<void>(::write(taken, "", 1) == 1);
  ::close(taken);
  if (count != 5) fail_with(ProgramStep::request, EBADMSG);
  BlobReader reader = map_blob(received[0], header.blob_bytes);
  if (!read_program(reader, program)) fail_with(ProgramStep::request, E2BIG);
  stays = reader.number() != 0;
  write_own_files(reader);
  if (!reader.is_good()) fail_with(ProgramStep::request, EBADMSG);
  for (int i = 0; i < 3; ++i) program.streams[i] = received[i + 1];
  return received[4];
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
    } else if (pid > 0) {
      on_visitor_ended(pid, status);
    }
    if (pid > 0) continue;
    if (pid < 0 && errno == ECHILD && !stays) ::_exit(0);
    serve_door();
    const int signal = ::sigwaitinfo(&all, nullptr);
    if ((signal == SIGTERM || signal == SIGCONT) && !is_told) pass_on(signal, main_process);
  }
}

}  // namespace

void run_init(BlobReader reader, Descriptors& descriptors, int taken) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  static Program program;
  prepare(reader, descriptors);
  const int door = take_request(program, taken);
  const pid_t pid = start(program);
  if (pid < 0) fail_with(ProgramStep::fork, errno);
  if (program.failed_error != 0) fail_with(program.failed_step, program.failed_error);
  for (const int stream : program.streams) ::close(stream);
  open_door(door);
  reap(pid);
}

}  // namespace reeve::sandbox::zygote
