#include "supervisor/processes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <memory>
#include <set>

#include <dirent.h>

#include "supervisor/clock.h"
#include "supervisor/files.h"
#include "supervisor/frozen.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kEnvironmentBytesMax = 16U << 20;
constexpr int kSweepWaitMilliseconds = 1000;
constexpr int kUndecidedWaitMilliseconds = 1;

void parse_pids(std::string_view text, std::vector<pid_t>& pids) {
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec != std::errc{}) {
      ++at;
      continue;
    }
    pids.push_back(pid);
    at = parsed.ptr;
  }
}

/// The entries of a directory that are numbers.
std::vector<pid_t> numbered_entries(const std::string& directory) {
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, Close> stream(::opendir(directory.c_str()));
  if (!stream) return numbers;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name(entry->d_name);
    pid_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size())
      numbers.push_back(number);
  }
  return numbers;
}

std::string process_path(pid_t pid, std::string_view rest) {
  return std::string("/proc/").append(std::to_string(pid)).append(rest);
}

/// Kills one process and waits for its end, but not for ever: one in uninterruptible sleep cannot
/// run code of its own either.
void kill_and_wait(pid_t pid, std::string_view prefix, Instant until) {
  // glibc 2.36 declares its own wrappers without C linkage.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // The id may belong to somebody else by now: the marker is read again under the pidfd.
  if (!process || !marker_of(pid).value.starts_with(prefix)) return;
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  pollfd wait{process.get(), POLLIN, 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - monotonic_now()).count();
  ::poll(&wait, 1, static_cast<int>(std::clamp<std::int64_t>(left, 1, kSweepWaitMilliseconds)));
}

/// Processes of other users are none of ours; their memory looks like none to us.
bool can_read_environment(pid_t pid) {
  return static_cast<bool>(Fd(::open(process_path(pid, "/environ").c_str(), O_RDONLY | O_CLOEXEC)));
}

struct Scan {
  std::vector<pid_t> marked;
  bool has_undecided = false;
};

Scan scan(std::string_view prefix) {
  Scan found;
  for (const pid_t pid : numbered_entries("/proc")) {
    if (pid == ::getpid()) continue;
    const Marker marker = marker_of(pid);
    if (marker.value.starts_with(prefix)) found.marked.push_back(pid);
    found.has_undecided = found.has_undecided || marker.is_undecided;
  }
  return found;
}

}  // namespace

OwnChildren::OwnChildren() {
  const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

const std::vector<pid_t>& OwnChildren::list() {
  pids_.clear();
  if (text_.size() < 4096) text_.resize(4096);
  std::size_t size = 0;
  while (true) {
    const ssize_t got =
        ::pread(file_.get(), text_.data() + size, text_.size() - size, static_cast<off_t>(size));
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
    // A read that leaves room has seen the end: the kernel fills what it is given.
    if (size < text_.size()) break;
    text_.resize(text_.size() * 2);
  }
  parse_pids(std::string_view(text_).substr(0, size), pids_);
  return pids_;
}

ProcessStat stat_of(pid_t pid) {
  // "pid (name) state ppid pgrp session tty tpgid flags ...": the name may hold anything, and the
  // fields after it are numbered from 3.
  constexpr int kStateField = 3;
  constexpr int kFlagsField = 9;
  constexpr int kEnvironmentEndField = 51;
  const std::string text = read_file_prefix(process_path(pid, "/stat"), 4096);
  ProcessStat stat;
  std::size_t at = text.rfind(')');
  if (at == std::string::npos) return stat;
  for (int field = kStateField; field <= kEnvironmentEndField; ++field) {
    at = text.find(' ', at + 1);
    if (at == std::string::npos) return stat;
    const char* const start = text.data() + at + 1;
    const char* const end = text.data() + text.size();
    if (field == kStateField && start != end) stat.state = *start;
    if (field == kFlagsField) std::from_chars(start, end, stat.flags);
    if (field == kEnvironmentEndField) std::from_chars(start, end, stat.environment_end);
  }
  return stat;
}

Marker marker_of(pid_t pid) {
  const std::string text = read_file_prefix(process_path(pid, "/environ"), kEnvironmentBytesMax);
  if (text.empty()) {
    // None at all; or it is between its old memory and its new one. The kernel's own threads and
    // those that have ended have no memory for good.
    constexpr unsigned long kKernelThread = 0x00200000;
    const ProcessStat stat = stat_of(pid);
    const bool has_ended = stat.state == 'Z' || stat.state == 'X';
    const bool is_undecided =
        !has_ended && (stat.flags & kKernelThread) == 0 && stat.environment_end == 0;
    return {{}, is_undecided && can_read_environment(pid)};
  }
  std::string_view rest(text);
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    if (entry.size() > kMarkerVariable.size() && entry.starts_with(kMarkerVariable) &&
        entry[kMarkerVariable.size()] == '=') {
      return {std::string(entry.substr(kMarkerVariable.size() + 1)), false};
    }
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
  }
  return {};
}

std::string pid_namespace_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/pid";
  char target[64];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

std::vector<pid_t> marked_processes(std::string_view prefix) { return scan(prefix).marked; }

std::vector<pid_t> sweep(std::string_view prefix, Duration patience) {
  constexpr int kRoundsMax = 1000;
  constexpr int kCleanRounds = 2;  // one may miss what was made while it looked elsewhere
  const Instant until = monotonic_now() + patience;
  std::set<pid_t> killed;
  int clean = 0;
  for (int round = 0; round < kRoundsMax && clean < kCleanRounds; ++round) {
    const Scan now = scan(prefix);
    clean = now.marked.empty() && !now.has_undecided ? clean + 1 : 0;
    if (now.marked.empty() && now.has_undecided) ::poll(nullptr, 0, kUndecidedWaitMilliseconds);
    const bool has_new =
        !std::ranges::all_of(now.marked, [&](pid_t pid) { return killed.contains(pid); });
    if (!now.marked.empty() && !has_new && monotonic_now() >= until) return now.marked;
    // All first, so that those that watch and restart each other go together.
    for (const pid_t pid : now.marked)
      if (marker_of(pid).value.starts_with(prefix)) ::kill(pid, SIGKILL);
    for (const pid_t pid : now.marked) thaw(pid, prefix);
    for (const pid_t pid : now.marked) kill_and_wait(pid, prefix, until);
    killed.insert(now.marked.begin(), now.marked.end());
  }
  return {};
}

}  // namespace reeve::supervisor
