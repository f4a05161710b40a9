// One output pipe of an attempt and what comes out of it, and the log both pipes go to. Reads
// bounded amounts, so that a heavy writer starves nobody. One owner.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/time.h"
#include "supervisor/log_file.h"
#include "supervisor/progress.h"
#include "supervisor/secret_mask.h"

namespace reeve::supervisor {

struct OutputPipe {
  Fd reader;
  std::unique_ptr<MaskedStream> masked;  ///< of an attempt with secrets
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

  /// Before anything is read. What the patterns find reaches neither the file nor progress.
  void mask(std::shared_ptr<const MaskPatterns> patterns) { masks_ = std::move(patterns); }
  /// Another text of the attempt, as it may be shown.
  std::string masked(std::string text) const { return masks_ ? masks_->mask(text) : text; }

  bool holds_secret(std::string_view text) const { return masks_ && masks_->is_in(text); }

  /// Reads once, at most as much as fits into `buffer`, and stores it as far as the limit allows.
  PumpResult pump(OutputPipe& pipe, LogStream stream, Time at, std::span<char> buffer);
  /// Nothing more is read from the pipe: stores what was held back, as it could have become a
  /// secret.
  void finish(OutputPipe& pipe, LogStream stream, Time at);
  /// The supervisor's own words: not counted.
  void note(Time at, std::string_view text) { writer_.append(at, LogStream::notice, text); }
  /// Bytes that came, stored or not.
  std::int64_t total_bytes() const { return total_bytes_; }
  bool is_over_limit() const { return bytes_max_ > 0 && total_bytes_ > bytes_max_; }

 private:
  void store(LogStream stream, Time at, std::size_t read, std::string_view shown);

  LogWriter writer_;
  std::shared_ptr<const MaskPatterns> masks_;  ///< none without secrets; shared: attempts.h
  std::int64_t bytes_max_;                     ///< 0: no limit
  std::int64_t total_bytes_ = 0;
};

}  // namespace reeve::supervisor
