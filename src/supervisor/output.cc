#include "supervisor/output.h"

#include <algorithm>
#include <cerrno>

namespace reeve::supervisor {

PumpResult OutputLog::pump(OutputPipe& pipe, LogStream stream, Time at, std::span<char> buffer) {
  PumpResult result;
  if (!pipe.reader) return {0, true, std::nullopt};
  const ssize_t got = ::read(pipe.reader.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return result;
  if (got <= 0) {
    result.at_end = true;
    pipe.reader.reset();
    pipe.is_watched = false;
    return result;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  result.bytes = bytes.size();
  result.progress = pipe.scanner.feed(bytes);
  store(stream, at, bytes);
  return result;
}

void OutputLog::store(LogStream stream, Time at, std::string_view bytes) {
  const bool was_over = is_over_limit();
  const std::int64_t room = bytes_max_ - total_bytes_;
  total_bytes_ += static_cast<std::int64_t>(bytes.size());
  if (was_over) return;
  if (!is_over_limit()) {
    writer_.append(at, stream, bytes);
    return;
  }
  if (room > 0) writer_.append(at, stream, bytes.substr(0, static_cast<std::size_t>(room)));
  writer_.append(at, LogStream::notice,
                 "output over its limit of " + std::to_string(bytes_max_) +
                     " bytes: the rest is dropped and the attempt is killed");
}

}  // namespace reeve::supervisor
