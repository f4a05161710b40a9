// The floor under every task runner: posix_spawn(3) and waitpid(2) of one program, WIDTH at a time,
// and nothing else. Prints the seconds that COUNT of them took.
//
//   spawn_floor COUNT WIDTH PROGRAM [ARGUMENT...]
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

int parse_count(const char* text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *end == '\0' ? value : 0;
}

int complain(const char* what, int error_number) {
  std::fprintf(stderr, "spawn_floor: %s: %s\n", what, std::strerror(error_number));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 3 ? parse_count(argv[1]) : 0;
  const int width = argc > 3 ? parse_count(argv[2]) : 0;
  if (count < 1 || width < 1) {
    std::fputs("usage: spawn_floor COUNT WIDTH PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  const auto began = std::chrono::steady_clock::now();
  int started = 0;
  for (int ended = 0; ended < count;) {
    if (started < count && started - ended < width) {
      pid_t child = 0;
      const int error = ::posix_spawn(&child, argv[3], nullptr, nullptr, argv + 3, environ);
      if (error != 0) return complain(argv[3], error);
      ++started;
      continue;
    }
    int status = 0;
    if (::waitpid(-1, &status, 0) < 0) {
      if (errno == EINTR) continue;
      return complain("waitpid", errno);
    }
    if (status != 0) {
      std::fprintf(stderr, "spawn_floor: %s failed\n", argv[3]);
      return 1;
    }
    ++ended;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.6f\n", took.count());
}
