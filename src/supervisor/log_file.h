// Log files of attempts: framed output (docs/log-format.md). The writer appends, makes the file
// with the first byte, and survives a full disk: it records what was lost once it can write again.
// The reader tolerates a torn tail and can be asked again for what came since. Each has one owner;
// a reader may run beside the writer, in another process too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::supervisor {

enum class LogStream : std::uint8_t {
  standard_output = 1,
  standard_error = 2,
  notice = 3,  ///< the supervisor's own words: what was lost or cut off
};

inline constexpr std::size_t kLogHeaderBytes = 24;
inline constexpr std::size_t kFrameHeaderBytes = 16;
inline constexpr std::size_t kFrameBytesMax = 1U << 20;

struct LogFrame {
  Time at;
  LogStream stream = LogStream::notice;
  std::string_view bytes;  ///< valid until the next call of the reader
};

class LogWriter {
 public:
  LogWriter(std::string path, Token token) : path_(std::move(path)), token_(token) {}

  /// At most kFrameBytesMax bytes. What cannot be written is counted as lost.
  void append(Time at, LogStream stream, std::string_view bytes);
  /// Bytes of output in the file, without frame headers and notices.
  std::int64_t stored_bytes() const { return stored_bytes_; }
  std::int64_t lost_bytes() const { return lost_bytes_; }
  bool is_open() const { return static_cast<bool>(file_); }

 private:
  bool open();
  bool write_frame(Time at, LogStream stream, std::string_view bytes);
  void report_loss(Time at);

  std::string path_;
  Token token_;
  Fd file_;
  std::int64_t size_ = 0;  ///< of the file: end of the last whole frame
  std::int64_t stored_bytes_ = 0;
  std::int64_t lost_bytes_ = 0;
  std::int64_t lost_unreported_ = 0;
  int error_ = 0;  ///< errno of the last failure
};

class LogReader {
 public:
  /// not_found when the attempt has written nothing (yet).
  static Result<LogReader> open(const std::string& path);

  /// The next frame; nullopt at the present end, where a frame may be torn: ask again later.
  /// corrupt: what follows is not a frame.
  Result<std::optional<LogFrame>> next();
  Token token() const { return token_; }
  /// Where the next frame starts, for LogReader::seek of a later reader.
  std::int64_t position() const { return position_; }
  /// REQUIRES an offset that position() gave for this file.
  void seek(std::int64_t position);

 private:
  explicit LogReader(Fd file) : file_(std::move(file)) {}
  Result<bool> fill(std::size_t count);

  Fd file_;
  Token token_;
  std::string buffer_;  ///< bytes of the file from buffer_start_ on
  std::int64_t buffer_start_ = 0;
  std::int64_t position_ = 0;
};

}  // namespace reeve::supervisor
