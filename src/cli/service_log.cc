#include "cli/service_log.h"

#include <fmt/format.h>

#include "api/stored_wire.h"

namespace reeve::cli {
namespace {

supervisor::LogStream stream_of(api::LogChannel channel) {
  switch (channel) {
    case api::LogChannel::output: return supervisor::LogStream::standard_output;
    case api::LogChannel::errors: return supervisor::LogStream::standard_error;
    case api::LogChannel::notice: break;
  }
  return supervisor::LogStream::notice;
}

}  // namespace

/// A log that is not there is one that has nothing yet, as with files; so is one that cannot be
/// read now, as long as the next look can.
bool ServiceLog::read(const Visit& visit) {
  bool has_any = false;
  while (!is_broken_) {
    const auto response = link_.get(fmt::format("/v1/stored/runs/{}/log?task={}&attempt={}&from={}",
                                                task_.run.value, task_.index, attempt_, position_));
    if (!response) return has_any;
    const auto log = api::decode_log(response->body);
    is_broken_ = !log || log->position < position_;
    if (is_broken_ || log->position == position_) return has_any;
    position_ = log->position;
    for (const api::WiredLog::Piece& piece : log->pieces)
      visit({piece.at, stream_of(piece.channel), piece.bytes});
    has_any = true;
  }
  return has_any;
}

}  // namespace reeve::cli
