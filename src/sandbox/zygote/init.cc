#include "sandbox/zygote/init.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sandbox/zygote/link.h"
#include "sandbox/zygote/own_files.h"
#include "sandbox/zygote/program.h"
#include "sandbox/zygote/visitors.h"
#include "sandbox/zygote/warm.h"

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
}

/// `wanted`: by the program that waits, if there is one.
void tell_ready(WarmForm wanted) {
  const int files = ::open(kFilesPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (files < 0) fail_with(ProgramStep::files, errno);
  send_reply({.kind = ReplyKind::ready, .status = static_cast<std::int32_t>(wanted)}, files);
  ::close(files);
}

/// REQUIRES room for `count` descriptors, which is how many have to come.
BlobReader receive_request(int taken, int (&received)[kDescriptorsMax], int count) {
  Header header;
  const int got = receive(header, received);
  if (got < 0) ::_exit(127);  // the supervisor has gone
  static_cast<void>(::write(taken, "", 1) == 1);
  ::close(taken);
  if (got != count) fail_with(ProgramStep::request, EBADMSG);
  return map_blob(received[0], header.blob_bytes);
}

void take_files(BlobReader& reader) {
  stays = reader.number() != 0;
  if (const int error = write_own_files(reader); error != 0) fail_with(ProgramStep::files, error);
}

/// Waits for the request and starts its program. Gives the process, and the descriptor of the door.
pid_t start_cold(int taken, int& door) {
  static Program program;
  tell_ready(WarmForm::none);
  int received[kDescriptorsMax];
  BlobReader reader = receive_request(taken, received, 5);
  if (!read_program(reader, program)) fail_with(ProgramStep::request, E2BIG);
  take_files(reader);
  for (int i = 0; i < 3; ++i) program.streams[i] = received[i + 1];
  door = received[4];
  const pid_t pid = start(program);
  if (pid < 0) fail_with(ProgramStep::fork, errno);
  if (program.failed_error != 0) fail_with(program.failed_step, program.failed_error);
  for (const int stream : program.streams) ::close(stream);
  return pid;
}

void check(const WarmFailure& failure) {
  if (failure.step == WarmStep::none) return;
  send_reply({.kind = ReplyKind::failed,
              .phase = Phase::warm,
              .step = static_cast<std::uint32_t>(failure.step),
              .error = failure.error,
              .status = failure.status});
  ::_exit(127);
}

/// As start_cold(), with a program that is there before the request.
pid_t start_warm(BlobReader& reader, int taken, int& door) {
  Warm warm;
  check(warm_up(reader, warm));
  tell_ready(warm.form);
  check(wait_with(warm));
  int received[kDescriptorsMax];
  BlobReader request = receive_request(taken, received, 2);
  ::close(received[0]);
  take_files(request);
  std::size_t size = 0;
  const char* const text = request.text(size);
  if (!request.is_good()) fail_with(ProgramStep::request, EBADMSG);
  door = received[1];
  check(hand_over(warm, text, size));
  return warm.pid;
}

/// Nothing of the attempt before is left when the next begins.
void end_all_others() {
  ::kill(-1, SIGKILL);
  int status = 0;
  for (pid_t pid = 0; pid >= 0;) {
    pid = ::waitpid(-1, &status, __WALL);
    if (pid > 0) on_visitor_ended(pid, status);
  }
}

/// Another attempt of its batch, after the last: as start_cold() with what came through the door.
pid_t start_next(const NextProgram& next) {
  Program program;
  end_all_others();
  if (const int error = clear_own_files(); error != 0) fail_with(ProgramStep::files, error);
  void* const blob =
      ::mmap(nullptr, next.blob_bytes, PROT_READ, MAP_PRIVATE, next.descriptors[0], 0);
  if (blob == MAP_FAILED) fail_with(ProgramStep::request, errno);
  BlobReader reader(static_cast<const char*>(blob), next.blob_bytes);
  if (!read_program(reader, program)) fail_with(ProgramStep::request, E2BIG);
  take_files(reader);
  for (int i = 0; i < 3; ++i) program.streams[i] = next.descriptors[i + 1];
  const pid_t pid = start(program);
  if (pid < 0) fail_with(ProgramStep::fork, errno);
  if (program.failed_error != 0) fail_with(program.failed_step, program.failed_error);
  ::munmap(blob, next.blob_bytes);
  for (const int one : next.descriptors) ::close(one);
  return pid;
}

void tell_ended(int status, const rusage& used) {
  send_reply({.kind = ReplyKind::ended,
              .status = status,
              .user_us = used.ru_utime.tv_sec * 1'000'000 + used.ru_utime.tv_usec,
              .system_us = used.ru_stime.tv_sec * 1'000'000 + used.ru_stime.tv_usec,
              .memory_peak_kib = used.ru_maxrss,
              .blocks_read = used.ru_inblock,
              .blocks_written = used.ru_oublock,
              .context_switches = used.ru_nvcsw + used.ru_nivcsw});
}

/// Until no process is left, or the supervisor ends this one and with it all.
[[noreturn]] void reap(pid_t main_process) {
  sigset_t all;
  ::sigfillset(&all);
  bool is_told = false;
  for (;;) {
    int status = 0;
    rusage used{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG | __WALL, &used);
    if (pid == main_process && !is_told) {
      tell_ended(status, used);
      is_told = true;
    } else if (pid > 0) {
      on_visitor_ended(pid, status);
    }
    if (pid > 0) continue;
    if (pid < 0 && errno == ECHILD && !stays) ::_exit(0);
    NextProgram next;
    serve_door(next);
    if (next.is_there) {
      main_process = start_next(next);
      is_told = false;
      continue;
    }
    const int signal = ::sigwaitinfo(&all, nullptr);
    if ((signal == SIGTERM || signal == SIGCONT) && !is_told) pass_on(signal, main_process);
  }
}

}  // namespace

void run_init(BlobReader reader, Descriptors& descriptors, InitSettings settings) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  prepare(reader, descriptors);
  int door = -1;
  const pid_t pid = settings.is_warm ? start_warm(reader, settings.taken, door)
                                     : start_cold(settings.taken, door);
  open_door(door);
  reap(pid);
}

}  // namespace reeve::sandbox::zygote
