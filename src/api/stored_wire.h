// What is stored of runs as bytes, for commands that look at a service as they would look at a
// directory: the rows themselves, from which the command makes the same picture with the same code.
// Programs of others read the JSON of the other routes, which is a contract; these bytes belong to
// one kWireFormat, and both sides refuse another. Reading checks everything: hostile bytes give an
// error. Values; no thread rule.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/log_source.h"
#include "core/records.h"
#include "engine/ports/history.h"

namespace reeve::api {

/// Changes whenever anything here, or a struct that it holds, does.
inline constexpr std::uint32_t kWireFormat = 2;
inline constexpr std::string_view kWireType = "application/vnd.reeve.stored";

/// Runs as listed, newest first.
std::string encode_runs(const std::vector<engine::RunView>& runs,
                        const std::vector<std::vector<core::Expansion>>& expansions);
struct WiredRun {
  engine::RunView view;
  std::vector<core::Expansion> expansions;
};
Result<std::vector<WiredRun>> decode_runs(std::string_view bytes);

/// One run with the rows of its tasks.
struct WiredWhole {
  WiredRun run;
  std::vector<core::StoredTask> tasks;
};
std::string encode_whole(const engine::RunView& run, const std::vector<core::Expansion>& expansions,
                         const std::vector<core::StoredTask>& tasks);
Result<WiredWhole> decode_whole(std::string_view bytes);

/// An attempt that ended, and where the service keeps what it printed.
struct WiredAttempt {
  core::AttemptRecord record;
  std::string log;
};
std::string encode_attempts(const std::vector<WiredAttempt>& attempts);
Result<std::vector<WiredAttempt>> decode_attempts(std::string_view bytes);

struct WiredLog {
  struct Piece {
    Time at = kUnset;
    LogChannel channel = LogChannel::output;
    std::string bytes;
    static constexpr auto fields() {
      return std::tuple{field("at", &Piece::at), field("channel", &Piece::channel),
                        field("bytes", &Piece::bytes)};
    }
  };
  std::vector<Piece> pieces;
  std::int64_t position = 0;  ///< where to go on
  static constexpr auto fields() {
    return std::tuple{field("pieces", &WiredLog::pieces), field("position", &WiredLog::position)};
  }
};
std::string encode_log(const WiredLog& log);
Result<WiredLog> decode_log(std::string_view bytes);

}  // namespace reeve::api
