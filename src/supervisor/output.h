// One output pipe of an attempt and what comes out of it, and the log both pipes go to. Reads
// bounded amounts, so that a heavy writer starves nobody. One owner.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/time.h"
#include "supervisor/log_file.h"
#include "supervisor/progress.h"

namespace reeve::supervisor {

struct OutputPipe {
  Fd reader;
  ProgressScanner scanner;
  bool is_watched = false;  ///< epoll knows it
};

/// What one look at a pipe found.
struct PumpResult {
  std::size_t bytes = 0;
  bool at_end = false;  ///< nobody can write to it any more, or it failed
  std::optional<ProgressLine> progress;
};

/// The log of an attempt, with its limit.
class OutputLog {
 public:
  OutputLog(std::string path, Token token, std::int64_t bytes_max)
      : writer_(std::move(path), token),
        bytes_max_(bytes_max) {}

  /// Reads once, at most as much as fits into `buffer`, and stores it as far as the limit allows.
  PumpResult pump(OutputPipe& pipe, LogStream stream, Time at, std::span<char> buffer);
  /// The supervisor's own words: not counted.
  void note(Time at, std::string_view text) { writer_.append(at, LogStream::notice, text); }
  /// Bytes that came, stored or not.
  std::int64_t total_bytes() const { return total_bytes_; }
  bool is_over_limit() const { return bytes_max_ > 0 && total_bytes_ > bytes_max_; }

 private:
  void store(LogStream stream, Time at, std::string_view bytes);

  LogWriter writer_;
  std::int64_t bytes_max_;  ///< 0: no limit
  std::int64_t total_bytes_ = 0;
};

}  // namespace reeve::supervisor
