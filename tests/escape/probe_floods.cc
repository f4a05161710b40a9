// Probes that take more than their share, up to a bound: reaching it is the escape.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

#include "tests/escape/probe.h"

namespace reeve::escape {
namespace {

constexpr int kProcesses = 8300;  // a sandbox is allowed 8192
constexpr int kDescriptors = 10'000;
constexpr int kEntries = 120'000;
constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr int kPieces = 160;  // MiB; the runner allows 64

Outcome reached(const char* what, int count) { return escaped(std::to_string(count) + " " + what); }
Outcome stopped(const char* what, int count, int error) {
  return prevented(error_name(error) + " after " + std::to_string(count) + " " + what);
}

/// All share the memory of this process.
Outcome flood_of(int flags, const char* what) {
  constexpr std::size_t kStack = 4096;
  static std::vector<char> stacks(kStack * (kProcesses + 1));  // threads outlast this function
  const auto body = [](void*) {
    for (;;) ::pause();
    return 0;
  };
  std::vector<pid_t> made;
  int error = 0;
  while (static_cast<int>(made.size()) < kProcesses) {
    const pid_t pid = ::clone(body, &stacks[kStack * (made.size() + 1)], flags, nullptr);
    if (pid < 0) {
      error = errno;
      break;
    }
    made.push_back(pid);
  }
  const int count = static_cast<int>(made.size());
  if ((flags & CLONE_THREAD) == 0) {
    for (const pid_t pid : made) ::kill(pid, SIGKILL);
    for (const pid_t pid : made) ::waitpid(pid, nullptr, __WALL);
  }
  return error == 0 ? reached(what, count) : stopped(what, count, error);
}
Outcome process_flood() { return flood_of(CLONE_VM | SIGCHLD, "processes"); }
Outcome thread_flood() {
  return flood_of(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES | CLONE_FS, "threads");
}

Outcome memory_flood() {
  for (int i = 0; i < kPieces; ++i) {
    void* const piece =
        ::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return stopped("MiB", i, errno);
    std::memset(piece, 1, kPiece);
  }
  return reached("MiB", kPieces);
}

Outcome file_flood(const std::string& directory) {
  const std::string path = directory + "/escape-flood";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return unclear(path + ": " + error_name(errno));
  ::unlink(path.c_str());
  const std::vector<char> piece(kPiece, 'x');
  for (int i = 0; i < kPieces; ++i)
    if (::write(file, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size()))
      return stopped("MiB", i, errno);
  return reached("MiB", kPieces);
}
Outcome temporary_flood() { return file_flood("/tmp"); }
Outcome shared_memory_flood() { return file_flood("/dev/shm"); }
Outcome own_files_flood() { return file_flood(setting("ESCAPE_FILES", "/run/reeve")); }

Outcome descriptor_flood() {
  for (int i = 0; i < kDescriptors; ++i)
    if (::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) return stopped("descriptors", i, errno);
  return reached("descriptors", kDescriptors);
}

Outcome entry_flood() {
  const std::string directory = setting("ESCAPE_FILES", "/run/reeve") + "/entries";
  if (::mkdir(directory.c_str(), 0700) != 0) return unclear(error_name(errno));
  for (int i = 0; i < kEntries; ++i) {
    const int file =
        ::open((directory + "/" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return stopped("entries", i, errno);
    ::close(file);
  }
  return reached("entries", kEntries);
}

constexpr Probe kProbes[] = {
    {"process_flood", process_flood},
    {"thread_flood", thread_flood},
    {"memory_flood", memory_flood},
    {"temporary_flood", temporary_flood},
    {"shared_memory_flood", shared_memory_flood},
    {"own_files_flood", own_files_flood},
    {"descriptor_flood", descriptor_flood},
    {"entry_flood", entry_flood},
};

}  // namespace

std::span<const Probe> flood_probes() { return kProbes; }

}  // namespace reeve::escape
