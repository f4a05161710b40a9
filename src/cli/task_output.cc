#include "cli/task_output.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

}  // namespace

using supervisor::LogFrame;
using supervisor::LogStream;

void TaskOutput::watch_run(const Uuid& run) {
  const std::string directory = supervisor::log_directory(state_root_, run);
  const std::string logs = directory.substr(0, directory.rfind('/'));
  // Both may be there; if they cannot be made, whoever writes the logs says so.
  static_cast<void>(::mkdir(logs.c_str(), 0700) == 0);
  static_cast<void>(::mkdir(directory.c_str(), 0700) == 0);
  if (!watch_) watch_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch_) return;
  if (::inotify_add_watch(watch_.get(), directory.c_str(), IN_MODIFY | IN_CREATE) < 0)
    watch_ = Fd();
}

void TaskOutput::drain_watch() {
  std::array<char, 16384> events{};
  while (watch_ && ::read(watch_.get(), events.data(), events.size()) > 0) continue;
}

void TaskOutput::begin(const Uuid& run, TaskId task, std::uint32_t attempt,
                       const std::string& label) {
  const std::string path = supervisor::log_path(state_root_, {run, task.index, attempt});
  followed_.try_emplace({task, attempt}, Followed{LogTail(path), {}, label});
}

void TaskOutput::add_line(const Followed& followed, LogStream stream, std::string_view line,
                          Text& text) const {
  const bool is_out = stream == LogStream::standard_output;
  std::string& to = is_out ? text.out : text.err;
  if (options_.prefix) to += fmt::format("{} | ", followed.label);
  if (stream == LogStream::notice) to += "reeve: ";
  if ((is_out ? options_.out_is_safe : options_.err_is_safe) || stream == LogStream::notice) {
    to += sanitize_for_terminal(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
  } else {
    to += line;
  }
  to += '\n';
}

void TaskOutput::read_one(Followed& followed, Text& text) {
  const auto visit = [&](const LogFrame& frame) {
    if (options_.form == Form::bytes && frame.stream != LogStream::notice) {
      (frame.stream == LogStream::standard_output ? text.out : text.err) += frame.bytes;
      return;
    }
    followed.cutter.add(frame, [&](Time, LogStream stream, std::string_view line) {
      add_line(followed, stream, line, text);
    });
  };
  followed.tail.read(visit, kPieceBytes);
}

bool TaskOutput::has_more() const {
  return std::ranges::any_of(followed_, [](const auto& one) { return one.second.tail.has_more(); });
}

TaskOutput::Text TaskOutput::read() {
  Text text;
  for (auto& [key, followed] : followed_) read_one(followed, text);
  return text;
}

void TaskOutput::end(TaskId task, std::uint32_t attempt,
                     const std::function<void(const Text&)>& pass_on) {
  const auto found = followed_.find({task, attempt});
  if (found == followed_.end()) return;
  Text text;
  read_one(found->second, text);
  while (found->second.tail.has_more()) {
    pass_on(std::exchange(text, {}));
    read_one(found->second, text);
  }
  found->second.cutter.finish([&](Time, LogStream stream, std::string_view line) {
    add_line(found->second, stream, line, text);
  });
  followed_.erase(found);
  pass_on(text);
}

}  // namespace reeve::cli
