#include "sandbox/zygote/warm.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <initializer_list>

#include <dirent.h>
#include <string.h>

#include "sandbox/zygote/directory_entry.h"
#include "sandbox/zygote/link.h"
#include "sandbox/zygote/own_files.h"
#include "sandbox/zygote/program.h"

namespace reeve::sandbox::zygote {
namespace {

constexpr std::size_t kAnswerMax = 16;

struct Pipe {
  int reader = -1;
  int writer = -1;
};

bool open_pipe(Pipe& pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe = {ends[0], ends[1]};
  return true;
}

/// Waits until one of the two can be used; a negative one is left out. 0, or errno.
int wait_for(pollfd& first, pollfd& second) {
  pollfd both[] = {first, second};
  while (::poll(both, 2, -1) < 0)
    if (errno != EINTR) return errno;
  first = both[0];
  second = both[1];
  return 0;
}

WarmFailure ended(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, __WALL);
  return {WarmStep::ended, 0, status};
}

WarmForm form_of(const char* answer, std::size_t size) {
  const auto is = [&](const char* word) {
    return size == ::strlen(word) && ::memcmp(answer, word, size) == 0;
  };
  if (is(kWarmIsReady)) return WarmForm::records;
  return is(kWarmIsReadyAsShell) ? WarmForm::sh : WarmForm::none;
}

/// Its answer, or its end.
WarmFailure hear(Warm& warm, int ready) {
  char answer[kAnswerMax];
  std::size_t size = 0;
  for (;;) {
    pollfd life{warm.life, POLLIN, 0};
    pollfd answered{ready, POLLIN, 0};
    if (const int error = wait_for(life, answered); error != 0) return {WarmStep::answer, error};
    if (life.revents != 0) return ended(warm.pid);
    const ssize_t got = ::read(ready, answer + size, sizeof answer - size);
    if (got <= 0) {
      ready = -1;  // it closed its end without a word, or is just ending
      continue;
    }
    size += static_cast<std::size_t>(got);
    warm.form = form_of(answer, size);
    if (warm.form != WarmForm::none) return {};
    if (size == sizeof answer || ::memchr(answer, '\n', size) != nullptr)
      return {WarmStep::answer, EPROTO};
  }
}

/// Those whose parents have ended come to this process.
void reap_others(pid_t pid) {
  for (;;) {
    siginfo_t about{};
    constexpr int kLook = WEXITED | WNOHANG | WNOWAIT | __WALL;
    if (::waitid(P_ALL, 0, &about, kLook) != 0) return;
    if (about.si_pid == 0 || about.si_pid == pid) return;
    ::waitpid(about.si_pid, nullptr, WNOHANG | __WALL);
  }
}

/// Of a process that is still there, else 0.
long parent_of(int proc, const char* name) {
  char path[32];
  const std::size_t size = ::strlen(name);
  if (size + sizeof "/stat" > sizeof path) return 0;
  ::memcpy(path, name, size);
  ::memcpy(path + size, "/stat", sizeof "/stat");
  const int file = ::openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[128];
  const ssize_t got = ::read(file, text, sizeof text - 1);
  ::close(file);
  text[got > 0 ? got : 0] = '\0';
  // "2 (its name) S 1 ...", and the name may hold anything.
  const char* const end = ::strrchr(text, ')');
  return end != nullptr && ::strlen(end) > 4 ? ::strtol(end + 4, nullptr, 10) : 0;
}

/// Whether it is the only child of this process: else it has left one behind, which would go on
/// beside an attempt that knows nothing of it.
bool is_alone(pid_t pid) {
  reap_others(pid);
  const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return false;
  alignas(DirectoryEntry) char entries[4096];
  bool is_alone = true;
  long got = 0;
  while ((got = ::syscall(SYS_getdents64, proc, entries, sizeof entries)) > 0) {
    for (long at = 0; at < got;) {
      const auto* const entry = reinterpret_cast<const DirectoryEntry*>(entries + at);
      const long number = ::strtol(entry->name, nullptr, 10);
      if (number > 0 && number != pid && parent_of(proc, entry->name) == ::getpid())
        is_alone = false;
      at += entry->length;
    }
  }
  ::close(proc);
  return is_alone && got == 0;
}

}  // namespace

WarmFailure warm_up(BlobReader& reader, Warm& warm) {
  static Program program;
  if (!read_program(reader, program)) return {WarmStep::request, E2BIG};
  if (const int error = write_own_files(reader); error != 0) return {WarmStep::files, error};
  Pipe output;
  Pipe errors;
  Pipe request;
  Pipe ready;
  for (Pipe* const pipe : {&output, &errors, &request, &ready})
    if (!open_pipe(*pipe)) return {WarmStep::pipes, errno};
  for (const Pipe& pipe : {output, errors})
    if (::fcntl(pipe.reader, F_SETFL, O_NONBLOCK) != 0) return {WarmStep::pipes, errno};
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return {WarmStep::pipes, errno};
  send_reply({.kind = ReplyKind::warming}, output.reader, errors.reader);
  const int streams[] = {null, output.writer, errors.writer};
  for (int i = 0; i < 3; ++i) program.streams[i] = streams[i];
  program.more[0] = request.reader;
  program.more[1] = ready.writer;
  warm.pid = start(program);
  if (warm.pid < 0) return {WarmStep::start, errno, static_cast<int>(ProgramStep::fork)};
  if (program.failed_error != 0)
    return {WarmStep::start, program.failed_error, static_cast<int>(program.failed_step)};
  // Nothing here may hold the program's pipes open.
  for (const int theirs : {null, output.reader, output.writer, errors.reader, errors.writer,
                           request.reader, ready.writer})
    ::close(theirs);
  warm.request = request.writer;
  warm.life = static_cast<int>(::syscall(SYS_pidfd_open, warm.pid, 0));
  if (warm.life < 0) return {WarmStep::start, errno, static_cast<int>(ProgramStep::fork)};
  const WarmFailure heard = hear(warm, ready.reader);
  if (heard.step != WarmStep::none) return heard;
  ::close(ready.reader);
  return is_alone(warm.pid) ? WarmFailure{} : WarmFailure{WarmStep::alone, EPROTO};
}

WarmFailure wait_with(const Warm& warm) {
  pollfd life{warm.life, POLLIN, 0};
  pollfd socket{kSocket, POLLIN, 0};
  if (const int error = wait_for(life, socket); error != 0) return {WarmStep::hand_over, error};
  return life.revents != 0 ? ended(warm.pid) : WarmFailure{};
}

WarmFailure hand_over(Warm& warm, const char* text, std::size_t size) {
  if (::fcntl(warm.request, F_SETFL, O_NONBLOCK) != 0) return {WarmStep::hand_over, errno};
  while (size > 0) {
    const ssize_t written = ::write(warm.request, text, size);
    if (written < 0 && errno != EAGAIN) return {WarmStep::hand_over, errno};
    if (written > 0) {
      text += written;
      size -= static_cast<std::size_t>(written);
      continue;
    }
    pollfd life{warm.life, POLLIN, 0};
    pollfd request{warm.request, POLLOUT, 0};
    if (const int error = wait_for(life, request); error != 0) return {WarmStep::hand_over, error};
    if (life.revents != 0) return ended(warm.pid);
  }
  ::close(warm.request);
  ::close(warm.life);
  return {};
}

}  // namespace reeve::sandbox::zygote
