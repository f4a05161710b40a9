// The log of a service: one line an entry, as text or as a JSON object, on a descriptor of its own
// thread. Where that is the journal of systemd (JOURNAL_STREAM), a line begins with its priority as
// sd-daemon(3) has it and leaves the time to the journal. Refuses nothing and never makes anybody
// wait: what comes faster than the descriptor takes it is left out, counted, and the count is told.
//
// Thread rule: take(), wants() and set() from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/log_entry.h"
#include "base/time.h"

namespace reeve::observe {

enum class LogFormat : std::uint8_t { text, json, journald };

struct LogStyle {
  LogSeverity least = LogSeverity::info;
  LogFormat format = LogFormat::text;
};

/// "debug" of a setting; other text is "info".
LogSeverity log_severity(std::string_view name);
/// "json" of a setting; other text is "text".
LogFormat log_format(std::string_view name);
/// Whether the descriptor is the stream that `journal_stream` ("DEVICE:INODE", as in the variable
/// JOURNAL_STREAM; may be null) names.
bool is_journal(int descriptor, const char* journal_stream);

/// With its end of line. `to_journal`: as for LogFormat::journald, in JSON too.
std::string log_line(const LogEntry& entry, LogFormat format, bool to_journal, Time at);

class OperatorLog final : public LogSink {
 public:
  enum class Destination : std::uint8_t { plain, journal };
  /// `descriptor` is borrowed. No more than so many bytes wait to be written.
  OperatorLog(int descriptor, LogStyle style, Destination destination, std::function<Time()> now,
              std::size_t waiting_bytes_max = std::size_t{256} << 10);
  /// Writes what waits, for a second at most.
  ~OperatorLog() override;
  OperatorLog(const OperatorLog&) = delete;
  OperatorLog& operator=(const OperatorLog&) = delete;

  bool wants(LogSeverity severity) const override;
  void take(LogEntry entry) override;
  void set(LogStyle style);

 private:
  void serve();
  std::string next();
  bool write_out(std::string_view bytes);

  const int descriptor_;
  const bool to_journal_;
  const std::function<Time()> now_;
  const std::size_t waiting_bytes_max_;
  std::atomic<LogSeverity> least_;
  std::atomic<LogFormat> format_;
  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;  // guards the next five
  std::chrono::steady_clock::time_point ends_at_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t left_out_ = 0;
  std::thread thread_;
};

}  // namespace reeve::observe
