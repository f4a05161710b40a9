// Reads the logs of attempts for people: following one while it grows, or its last lines. Owns the
// open file; one thread.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "supervisor/log_file.h"
#include "supervisor/paths.h"

namespace reeve::cli {

/// The frames of one log, wherever it is kept.
class LogFrames {
 public:
  using Visit = std::function<void(const supervisor::LogFrame&)>;
  virtual ~LogFrames() = default;
  /// Calls `visit` with each frame that has come since the last call. False: there were none.
  virtual bool read(const Visit& visit) = 0;
};

class LogTail final : public LogFrames {
 public:
  explicit LogTail(std::string path) : path_(std::move(path)) {}

  bool read(const Visit& visit) override { return read(visit, SIZE_MAX); }
  /// Calls `visit` with each frame that has come since the last call, but stops once `bytes_max`
  /// have come. A log that is not there yet, or whose end is torn, has no more frames now. False:
  /// there were none.
  bool read(const Visit& visit, std::size_t bytes_max);
  /// The last read() has stopped before the end.
  bool has_more() const { return has_more_; }

 private:
  std::string path_;
  std::optional<supervisor::LogReader> reader_;
  bool is_damaged_ = false;
  bool has_more_ = false;
};

/// Cuts a stream of frames into lines. Bytes without a line's end wait for the rest.
class LineCutter {
 public:
  using Visit = std::function<void(Time at, supervisor::LogStream, std::string_view line)>;
  void add(const supervisor::LogFrame& frame, const Visit& visit);
  /// What is left without a line's end.
  void finish(const Visit& visit);

 private:
  struct Pending {
    std::string text;
    Time at;
  };
  Pending& pending(supervisor::LogStream stream);
  Pending pending_[3];
};
inline constexpr std::size_t kLineBytesMax = 64 * 1024;  ///< longer ones are cut

/// The last `count` lines of a log, each at most `bytes_max` long, safe for a terminal.
std::deque<std::string> last_lines(const std::string& path, std::size_t count,
                                   std::size_t bytes_max);

}  // namespace reeve::cli
