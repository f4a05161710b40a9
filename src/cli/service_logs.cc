#include "cli/service_logs.h"

#include "supervisor/log_file.h"
#include "supervisor/paths.h"

namespace reeve::cli {
namespace {

api::LogChannel channel_of(supervisor::LogStream stream) {
  switch (stream) {
    case supervisor::LogStream::standard_output: return api::LogChannel::output;
    case supervisor::LogStream::standard_error: return api::LogChannel::errors;
    case supervisor::LogStream::notice: break;
  }
  return api::LogChannel::notice;
}

}  // namespace

std::string ServiceLogs::path(const api::LogName& name) const {
  return supervisor::log_path(state_, {name.run, name.task, name.attempt});
}

/// Positions come from outside: one inside a frame is found out by walking from the beginning.
Result<std::int64_t> ServiceLogs::read(const api::LogName& name, std::int64_t position,
                                       std::size_t bytes_max, const Visit& visit) {
  auto reader = supervisor::LogReader::open(path(name));
  if (!reader && reader.error().code == ErrorCode::not_found && position == 0) return 0;
  if (!reader) return tl::unexpected(std::move(reader).error());
  std::size_t visited = 0;
  while (visited < bytes_max) {
    const std::int64_t before = reader->position();
    auto frame = reader->next();
    if (!frame) return tl::unexpected(std::move(frame).error());
    if (before < position && reader->position() > position)
      return fail(ErrorCode::invalid_argument,
                  "'from' is no position of this log: take one that an answer gave");
    if (!*frame) break;
    if (before < position) continue;
    visited += (*frame)->bytes.size() + 1;
    visit({(*frame)->at, channel_of((*frame)->stream), (*frame)->bytes});
  }
  if (reader->position() < position)
    return fail(ErrorCode::invalid_argument, "'from' lies behind the end of this log");
  return position == 0 && visited == 0 ? 0 : reader->position();
}

}  // namespace reeve::cli
