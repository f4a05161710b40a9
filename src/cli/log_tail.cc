#include "cli/log_tail.h"

#include "base/text.h"

namespace reeve::cli {

using supervisor::LogFrame;
using supervisor::LogReader;
using supervisor::LogStream;

bool LogTail::read(const Visit& visit, std::size_t bytes_max) {
  has_more_ = false;
  if (is_damaged_) return false;
  if (!reader_) {
    auto opened = LogReader::open(path_);
    if (!opened) return false;
    reader_.emplace(std::move(*opened));
  }
  bool any = false;
  std::size_t bytes = 0;
  while (true) {
    auto frame = reader_->next();
    if (!frame) {
      // What stands before the damage has been shown; this says why there is no more.
      is_damaged_ = true;
      const std::string notice = frame.error().text();
      visit({.at = kUnset, .stream = LogStream::notice, .bytes = notice});
      return true;
    }
    if (!*frame) return any;
    any = true;
    visit(**frame);
    bytes += (*frame)->bytes.size();
    has_more_ = bytes >= bytes_max;
    if (has_more_) return true;
  }
}

LineCutter::Pending& LineCutter::pending(LogStream stream) {
  return pending_[static_cast<std::size_t>(stream) - 1];
}

void LineCutter::add(const LogFrame& frame, const Visit& visit) {
  if (frame.stream == LogStream::notice) {
    visit(frame.at, frame.stream, frame.bytes);
    return;
  }
  Pending& waiting = pending(frame.stream);
  std::string_view rest = frame.bytes;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (waiting.text.empty()) waiting.at = frame.at;
    waiting.text += rest.substr(0, end);
    if (end == std::string_view::npos && waiting.text.size() < kLineBytesMax) return;
    visit(waiting.at, frame.stream, waiting.text);
    waiting.text.clear();
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 1);
  }
}

void LineCutter::finish(const Visit& visit) {
  for (const LogStream stream : {LogStream::standard_output, LogStream::standard_error}) {
    Pending& waiting = pending(stream);
    if (!waiting.text.empty()) visit(waiting.at, stream, waiting.text);
    waiting.text.clear();
  }
}

std::deque<std::string> last_lines(const std::string& path, std::size_t count,
                                   std::size_t bytes_max) {
  std::deque<std::string> lines;
  const auto keep = [&](Time, LogStream, std::string_view line) {
    std::string_view text = line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    std::string shown = sanitize_for_terminal(text.substr(0, bytes_max));
    if (text.size() > bytes_max) shown += "…";
    lines.push_back(std::move(shown));
    if (lines.size() > count) lines.pop_front();
  };
  LineCutter cutter;
  LogTail tail(path);
  tail.read([&](const LogFrame& frame) { cutter.add(frame, keep); });
  cutter.finish(keep);
  return lines;
}

}  // namespace reeve::cli
