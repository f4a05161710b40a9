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
    finish(pipe, stream, at);
    pipe.reader.reset();
    pipe.is_watched = false;
    return result;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  result.bytes = bytes.size();
  std::string_view shown = bytes;
  if (masks_) {
    if (!pipe.masked) pipe.masked = std::make_unique<MaskedStream>();
    shown = pipe.masked->feed(*masks_, bytes);
  }
  result.progress = pipe.scanner.feed(shown);
  store(stream, at, bytes.size(), shown);
  return result;
}

void OutputLog::finish(OutputPipe& pipe, LogStream stream, Time at) {
  if (!pipe.masked) return;
  store(stream, at, 0, pipe.masked->finish());
  pipe.masked.reset();
}

void OutputLog::store(LogStream stream, Time at, std::size_t read, std::string_view shown) {
  const bool was_over = is_over_limit();
  const std::int64_t room = bytes_max_ - total_bytes_;
  total_bytes_ += static_cast<std::int64_t>(read);
  if (was_over) return;
  if (!is_over_limit()) {
    if (!shown.empty()) writer_.append(at, stream, shown);
    return;
  }
  if (room > 0) writer_.append(at, stream, shown.substr(0, static_cast<std::size_t>(room)));
  writer_.append(at, LogStream::notice,
                 "output over its limit of " + std::to_string(bytes_max_) +
                     " bytes: the rest is dropped and the attempt is killed");
}

}  // namespace reeve::supervisor
