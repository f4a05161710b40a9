// escape_probe NAME...: tries each, prints `NAME RESULT what it saw` (RESULT: 0 it could do what is
// forbidden, 1 it was prevented, 2 it could not tell) and exits with the last RESULT.
// escape_probe --list: all names.
// escape_probe --exchange A B ROUNDS: gives each the other's name, again and again.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/escape/probe.h"

namespace reeve::escape {
namespace {

constexpr unsigned kSecondsMax = 20;

const Probe* find(std::string_view name) {
  for (const auto probes : {file_probes(), kernel_probes(), process_probes(), privilege_probes(),
                            socket_probes(), flood_probes()})
    for (const Probe& probe : probes)
      if (probe.name == name) return &probe;
  return nullptr;
}

void list() {
  for (const auto probes : {file_probes(), kernel_probes(), process_probes(), privilege_probes(),
                            socket_probes(), flood_probes()})
    for (const Probe& probe : probes) std::puts(probe.name);
}

int exchange(const char* left, const char* right, long rounds) {
  for (long i = 0; i < rounds; ++i)
    if (::renameat2(AT_FDCWD, left, AT_FDCWD, right, RENAME_EXCHANGE) != 0) return 2;
  return 0;
}

/// In a process of its own: a filter may kill it, and what it did to itself ends with it.
Outcome run_apart(const Probe& probe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return unclear("no pipe");
  const pid_t child = ::fork();
  if (child < 0) return unclear("no process");
  if (child == 0) {
    ::alarm(kSecondsMax);
    const Outcome outcome = probe.run();
    const std::string line = outcome.says.substr(0, 200);
    const bool is_told =
        ::write(ends[1], line.data(), line.size()) == static_cast<ssize_t>(line.size());
    ::_exit(is_told ? static_cast<int>(outcome.result) : 2);
  }
  ::close(ends[1]);
  char said[256];
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < sizeof said && (got = ::read(ends[0], said + size, sizeof said - size)) > 0)
    size += static_cast<std::size_t>(got);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const std::string says = std::string("killed: ") + ::strsignal(signal);
    return signal == SIGSYS || signal == SIGKILL ? prevented(says) : unclear(says);
  }
  return {static_cast<Result>(std::clamp(WEXITSTATUS(status), 0, 2)), std::string(said, size)};
}

}  // namespace

Outcome escaped(std::string says) { return {Result::escaped, std::move(says)}; }
Outcome prevented(std::string says) { return {Result::prevented, std::move(says)}; }
Outcome unclear(std::string says) { return {Result::unclear, std::move(says)}; }

std::string error_name(int error) {
  const char* const name = ::strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

Outcome answer(long result) {
  if (result >= 0) return escaped("done");
  if (errno == EINVAL || errno == EFAULT) return unclear(error_name(errno));
  return prevented(error_name(errno));
}

Outcome try_open(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  const int error = errno;
  if (file >= 0) ::close(file);
  errno = error;
  return file >= 0 ? escaped("opened " + path) : prevented(path + ": " + error_name(error));
}

std::string setting(const char* name, const char* otherwise) {
  const char* const found = std::getenv(name);
  return found != nullptr ? found : otherwise;
}

Outcome in_child(Outcome (*attempt)()) { return run_apart({"", attempt}); }

}  // namespace reeve::escape

int main(int count, char** words) {
  using namespace reeve::escape;
  ::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (count == 5 && std::string_view(words[1]) == "--exchange")
    return exchange(words[2], words[3], std::atol(words[4]));
  int last = 2;
  for (int i = 1; i < count; ++i) {
    if (std::string_view(words[i]) == "--list") {
      list();
      last = 0;
      continue;
    }
    const Probe* const probe = find(words[i]);
    const Outcome outcome = probe != nullptr ? run_apart(*probe) : unclear("no such probe");
    last = static_cast<int>(outcome.result);
    std::printf("%s %d %s\n", words[i], last, outcome.says.c_str());
  }
  return last;
}
