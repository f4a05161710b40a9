#include "observe/operator_log.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace reeve::observe {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLastWords{1000};
constexpr auto kNames = std::to_array<std::string_view>({"debug", "info", "warning", "error"});
/// sd-daemon(3): SD_DEBUG, SD_INFO, SD_WARNING, SD_ERR.
constexpr auto kPriorities = std::to_array<int>({7, 6, 4, 3});

std::string_view name_of(LogSeverity severity) {
  return kNames[static_cast<std::size_t>(severity)];
}

/// One line of JSON, whatever bytes there are.
std::string json_text(const LogEntry& entry, Time at) {
  const auto safe = [](const std::string& text) {
    return is_valid_utf8(text) ? text : sanitize_for_terminal(text);
  };
  boost::json::object out{{"ts", format_time(at)},
                          {"level", name_of(entry.severity)},
                          {"message", safe(entry.message)}};
  boost::json::object fields;
  for (const LogField& field : entry.fields) fields[field.name] = safe(field.value);
  out["fields"] = std::move(fields);
  return boost::json::serialize(out);
}

/// Without waiting: a pipe that is ready has room for so much (PIPE_BUF), a socket can say no.
constexpr std::size_t kPiece = 4096;
ssize_t write_some(int descriptor, std::string_view bytes) {
  const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  return ::write(descriptor, bytes.data(), bytes.size());
}

/// As it is where that is one word, else in quotes, so that no value looks like another field.
std::string field_text(const std::string& value) {
  const std::string safe = sanitize_for_terminal(value);
  const bool is_word = !safe.empty() && std::ranges::all_of(safe, [](char c) {
    return c != ' ' && c != '"' && c != '=' && c != '\\';
  });
  if (is_word) return safe;
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

}  // namespace

LogSeverity log_severity(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  return found == kNames.end() ? LogSeverity::info
                               : static_cast<LogSeverity>(found - kNames.begin());
}

LogFormat log_format(std::string_view name) {
  if (name == "json") return LogFormat::json;
  return name == "journald" ? LogFormat::journald : LogFormat::text;
}

bool is_journal(int descriptor, const char* journal_stream) {
  struct stat found {};
  if (journal_stream == nullptr || ::fstat(descriptor, &found) != 0) return false;
  return fmt::format("{}:{}", found.st_dev, found.st_ino) == journal_stream;
}

std::string log_line(const LogEntry& entry, LogFormat format, bool to_journal, Time at) {
  const bool has_priority = to_journal || format == LogFormat::journald;
  std::string out;
  if (has_priority)
    out = fmt::format("<{}>", kPriorities[static_cast<std::size_t>(entry.severity)]);
  if (format == LogFormat::json) return out + json_text(entry, at) + "\n";
  if (!has_priority) out = fmt::format("{} {:<7} ", format_time(at), name_of(entry.severity));
  out += sanitize_for_terminal(entry.message);
  for (const LogField& field : entry.fields)
    out += fmt::format(" {}={}", field.name, field_text(field.value));
  return out + "\n";
}

OperatorLog::OperatorLog(int descriptor, LogStyle style, Destination destination,
                         std::function<Time()> now, std::size_t waiting_bytes_max)
    : descriptor_(descriptor),
      to_journal_(destination == Destination::journal),
      now_(std::move(now)),
      waiting_bytes_max_(waiting_bytes_max),
      least_(style.least),
      format_(style.format),
      thread_([this] { serve(); }) {}

OperatorLog::~OperatorLog() {
  {
    const std::lock_guard lock(mutex_);
    ends_at_ = SteadyClock::now() + kLastWords;
    is_ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool OperatorLog::wants(LogSeverity severity) const { return severity >= least_; }

void OperatorLog::set(LogStyle style) {
  least_ = style.least;
  format_ = style.format;
}

void OperatorLog::take(LogEntry entry) {
  if (!wants(entry.severity)) return;
  std::string line = log_line(entry, format_, to_journal_, now_());
  {
    const std::lock_guard lock(mutex_);
    if (waiting_bytes_ + line.size() > waiting_bytes_max_) {
      ++left_out_;
      return;
    }
    waiting_bytes_ += line.size();
    waiting_.push_back(std::move(line));
  }
  changed_.notify_one();
}

/// What waits, as one text; what was left out is told behind it. "" when there is nothing more.
std::string OperatorLog::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !waiting_.empty() || left_out_ > 0 || is_ending_; });
  std::string text;
  for (const std::string& line : waiting_) text += line;
  waiting_.clear();
  waiting_bytes_ = 0;
  const std::uint64_t lost = std::exchange(left_out_, 0);
  lock.unlock();
  if (lost > 0)
    text += log_line({.severity = LogSeverity::warning,
                      .message = "lines of this log were left out, since nobody took them",
                      .fields = {{"lines", std::to_string(lost)}}},
                     format_, to_journal_, now_());
  return text;
}

/// False: the time is up, or nobody will ever read it.
bool OperatorLog::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd wait{descriptor_, POLLOUT, 0};
    // Somebody's ending is noticed after so long.
    if (::poll(&wait, 1, 100) <= 0) {
      const std::lock_guard lock(mutex_);
      if (is_ending_ && SteadyClock::now() > ends_at_) return false;
      continue;
    }
    const ssize_t wrote = write_some(descriptor_, bytes.substr(0, kPiece));
    if (wrote < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (wrote > 0) bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

void OperatorLog::serve() {
  bool is_taken = true;
  while (true) {
    const std::string text = next();
    if (text.empty()) return;
    // A log that cannot be written must not keep anything else from working: it is left out.
    if (is_taken || !is_ending_) is_taken = write_out(text);
  }
}

}  // namespace reeve::observe
