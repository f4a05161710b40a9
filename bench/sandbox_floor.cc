// The floor under every sandbox: clone(2) with all namespaces, a composed root with pivot_root(2),
// a /proc and a /tmp of its own, execve(2) and waitpid(2) of one program, WIDTH at a time, and
// nothing else: no limits, no filter of system calls, nothing given but /usr. Prints the seconds
// that COUNT of them took. Needs root.
//
//   sandbox_floor COUNT WIDTH PROGRAM
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {

constexpr int kNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                            CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;

int parse_count(const char* text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *end == '\0' ? value : 0;
}

bool write_file(const char* path, const char* text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  const auto size = static_cast<ssize_t>(std::strlen(text));
  const bool is_written = file >= 0 && ::write(file, text, static_cast<std::size_t>(size)) == size;
  ::close(file);
  return is_written;
}

bool compose_root() {
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0 &&
         ::chdir("/tmp") == 0 && ::mkdir("usr", 0755) == 0 && ::mkdir("proc", 0755) == 0 &&
         ::mkdir("tmp", 0755) == 0 &&
         ::mount("/usr", "usr", nullptr, MS_BIND | MS_REC, nullptr) == 0 &&
         ::symlink("usr/bin", "bin") == 0 && ::symlink("usr/lib", "lib") == 0 &&
         ::symlink("usr/lib64", "lib64") == 0 &&
         ::mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0 &&
         ::mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, nullptr) == 0 &&
         ::syscall(SYS_pivot_root, ".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0 &&
         ::chdir("/") == 0;
}

[[noreturn]] void run_child(char** command) {
  const bool is_mapped = write_file("/proc/self/setgroups", "deny") &&
                         write_file("/proc/self/uid_map", "0 0 1") &&
                         write_file("/proc/self/gid_map", "0 0 1");
  if (is_mapped && compose_root()) ::execv(command[0], command);
  std::perror("sandbox_floor");
  ::_exit(127);
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 3 ? parse_count(argv[1]) : 0;
  const int width = argc > 3 ? parse_count(argv[2]) : 0;
  if (count < 1 || width < 1) {
    std::fputs("usage: sandbox_floor COUNT WIDTH PROGRAM\n", stderr);
    return 2;
  }
  const auto began = std::chrono::steady_clock::now();
  int started = 0;
  for (int ended = 0; ended < count;) {
    if (started < count && started - ended < width) {
      const long child = ::syscall(SYS_clone, kNamespaces | SIGCHLD, nullptr, nullptr, nullptr, 0);
      if (child == 0) run_child(argv + 3);
      if (child < 0) {
        std::perror("sandbox_floor: clone");
        return 1;
      }
      ++started;
      continue;
    }
    int status = 0;
    if (::waitpid(-1, &status, 0) < 0 || status != 0) {
      std::fputs("sandbox_floor: a child failed\n", stderr);
      return 1;
    }
    ++ended;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.6f\n", took.count());
}
