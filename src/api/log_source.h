// Port of the API: the logs of attempts. Implemented where the format of log files is known (cli/).
// Thread-safe; reads files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::api {

struct LogName {
  Uuid run;
  std::uint32_t task = 0;
  std::uint32_t attempt = 0;
};

enum class LogChannel : std::uint8_t { output, errors, notice };

struct LogPiece {
  Time at = kUnset;
  LogChannel channel = LogChannel::output;
  std::string_view bytes;  ///< valid during the call
};

class LogSource {
 public:
  virtual ~LogSource() = default;
  using Visit = std::function<void(const LogPiece&)>;
  /// Pieces from `position` on (0, or what an earlier call gave), until about `bytes_max` were
  /// visited. Gives the position behind the last one: `position` itself when there is nothing
  /// (yet). invalid_argument: no position of this log.
  virtual Result<std::int64_t> read(const LogName& name, std::int64_t position,
                                    std::size_t bytes_max, const Visit& visit) = 0;
  /// Where the file is, for what shows it to people on the same machine.
  virtual std::string path(const LogName& name) const = 0;
};

}  // namespace reeve::api
