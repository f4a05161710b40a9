#include "supervisor/processes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include <charconv>
#include <csignal>
#include <memory>

#include <dirent.h>

#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kEnvironmentBytesMax = 16U << 20;
constexpr int kSweepWaitMilliseconds = 1000;

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
void kill_and_wait(pid_t pid, std::string_view prefix) {
  // glibc 2.36 declares its own wrappers without C linkage.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // The id may belong to somebody else by now: the marker is read again under the pidfd.
  if (!process || !marker_of(pid).starts_with(prefix)) return;
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  pollfd wait{process.get(), POLLIN, 0};
  ::poll(&wait, 1, kSweepWaitMilliseconds);
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

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const std::string tasks = process_path(pid, "/task");
  for (const pid_t thread : numbered_entries(tasks)) {
    const std::string path = tasks + "/" + std::to_string(thread) + "/children";
    parse_pids(read_file_prefix(path, kEnvironmentBytesMax), children);
  }
  return children;
}

std::string marker_of(pid_t pid) {
  const std::string text = read_file_prefix(process_path(pid, "/environ"), kEnvironmentBytesMax);
  std::string_view rest(text);
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    if (entry.size() > kMarkerVariable.size() && entry.starts_with(kMarkerVariable) &&
        entry[kMarkerVariable.size()] == '=') {
      return std::string(entry.substr(kMarkerVariable.size() + 1));
    }
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
  }
  return {};
}

std::vector<pid_t> marked_processes(std::string_view prefix) {
  std::vector<pid_t> marked;
  for (const pid_t pid : numbered_entries("/proc"))
    if (pid != ::getpid() && marker_of(pid).starts_with(prefix)) marked.push_back(pid);
  return marked;
}

std::size_t sweep(std::string_view prefix) {
  constexpr int kRoundsMax = 100;
  std::size_t found = 0;
  for (int round = 0; round < kRoundsMax; ++round) {
    std::vector<pid_t> marked = marked_processes(prefix);
    if (marked.empty()) break;
    found += marked.size();
    // All first, so that those that watch and restart each other go together.
    for (const pid_t pid : marked)
      if (marker_of(pid).starts_with(prefix)) ::kill(pid, SIGKILL);
    for (const pid_t pid : marked) kill_and_wait(pid, prefix);
  }
  return found;
}

}  // namespace reeve::supervisor
