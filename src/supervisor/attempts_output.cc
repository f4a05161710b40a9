// The part of Attempts that reads what attempts write: pipes, and the REEVE_PROGRESS file.

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/ensure.h"
#include "supervisor/attempts.h"
#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

constexpr Duration kPipeRest = std::chrono::milliseconds(2);
constexpr Duration kBusyRest = std::chrono::milliseconds(1);
constexpr Duration kProgressInterval = std::chrono::milliseconds(250);
constexpr std::size_t kLargePiece = 16U << 10;
/// What a pipe holds when its writers end is got by one read or two.
constexpr int kDrainReadsMax = 8;
constexpr std::int64_t kProgressTailBytes = 4096;

OutputPipe& pipe_of(Attempt& attempt, PipeKind kind) {
  return kind == PipeKind::standard_output ? attempt.standard_output : attempt.standard_error;
}

LogStream stream_of(PipeKind kind) {
  return kind == PipeKind::standard_output ? LogStream::standard_output : LogStream::standard_error;
}

}  // namespace

/// False: there is no room for a watch (ENOSPC, ENOMEM); such a pipe is looked at by time.
bool Attempts::watch(Attempt& attempt, PipeKind kind) {
  OutputPipe& pipe = pipe_of(attempt, kind);
  if (!pipe.reader) return true;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = settings_.tag(attempt.serial, kind);
  const int operation = pipe.is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  pipe.is_watched = ::epoll_ctl(settings_.epoll, operation, pipe.reader.get(), &event) == 0;
  return pipe.is_watched;
}

void Attempts::rest(Attempt& attempt, PipeKind kind, Instant now) {
  resting_.push({now + kPipeRest, attempt.serial, kind, false});
}

/// A pipe that was full is read again without asking epoll, but not at once: its writers wait
/// meanwhile and leave the processor to others. All such pipes together get a quarter of the
/// supervisor's time, and what one read costs (a disk may be slow) is what others can wait for it.
void Attempts::rest_busy(Attempt& attempt, PipeKind kind, Instant begun) {
  ++busy_pipes_;
  const Instant now = monotonic_now();
  const Duration rest = std::max(kBusyRest, (now - begun) * 3) * busy_pipes_;
  resting_.push({now + rest, attempt.serial, kind, true});
}

void Attempts::wake_resting(Instant now) {
  // Those that rest again meanwhile have a time after this one.
  while (!resting_.empty() && resting_.top().until <= now) {
    const RestingPipe resting = resting_.top();
    resting_.pop();
    if (resting.is_busy) --busy_pipes_;
    Attempt* attempt = find(resting.serial);
    if (attempt == nullptr) continue;
    if (resting.is_busy || !watch(*attempt, resting.kind))
      on_readable(resting.serial, resting.kind, now);
  }
}

PumpResult Attempts::pump(Attempt& attempt, PipeKind kind, Instant now) {
  PumpResult result =
      attempt.log.pump(pipe_of(attempt, kind), stream_of(kind), clock_.at(now), buffer_);
  if (result.bytes > 0) attempt.limits.last_life = now;
  if (result.progress) note_progress(attempt, std::move(*result.progress), now);
  if (attempt.log.is_over_limit() && !attempt.was_killed) {
    const std::int64_t limit = attempt.launch.output_bytes_max;
    if (attempt.verdict.kind == OutcomeClass::none)
      attempt.verdict = {OutcomeClass::rejected, 0, {ReasonCode::output_over_limit, 0, limit}};
    kill(attempt);
  }
  return result;
}

void Attempts::on_readable(Serial serial, PipeKind kind, Instant now) {
  Attempt* attempt = find(serial);
  if (attempt == nullptr) return;
  const Instant begun = monotonic_now();
  const PumpResult result = pump(*attempt, kind, now);
  if (result.at_end) {
    if (attempt->phase == Phase::draining && attempt->pipes_at_end()) begin_clearing(*attempt);
  } else if (result.bytes >= kLargePiece) {
    rest_busy(*attempt, kind, begun);
  } else if (result.bytes > 0 || !watch(*attempt, kind)) {
    rest(*attempt, kind, now);
  }
}

/// Reads what is in the pipes, but not for ever: something may still be writing.
void Attempts::drain(Attempt& attempt, Instant now) {
  for (const PipeKind kind : {PipeKind::standard_output, PipeKind::standard_error}) {
    for (int reads = 0; reads < kDrainReadsMax; ++reads) {
      const PumpResult result = pump(attempt, kind, now);
      if (result.at_end || result.bytes == 0) break;
    }
  }
}

void Attempts::note_progress(Attempt& attempt, ProgressLine line, Instant now) {
  // Again, now that what stood between its parts may have been cleaned away.
  line.message = attempt.log.masked(std::move(line.message));
  attempt.progress = std::move(line);
  attempt.limits.last_life = now;
  if (now - attempt.progress_told >= kProgressInterval) {
    tell_progress(attempt, now);
  } else {
    arm(attempt);
  }
}

void Attempts::tell_progress(Attempt& attempt, Instant now) {
  if (!attempt.progress) return;
  events_.on_progress(
      {attempt.launch.token, attempt.progress->percent, std::move(attempt.progress->message)});
  attempt.progress.reset();
  attempt.progress_told = now;
}

/// Only the newest line counts, so only the tail of what came since is read.
void Attempts::poll_progress_file(Attempt& attempt, Instant now) {
  // Most attempts have none: one look before anything is opened.
  if (!attempt.is_enclosed() && ::access(attempt.progress_path.c_str(), F_OK) != 0) return;
  const Fd file = attempt.is_enclosed() ? open_hostile(attempt.files.get(), "progress")
                                        : open_hostile(AT_FDCWD, attempt.progress_path.c_str());
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (status.st_size < attempt.progress_file_read) attempt.progress_file_read = 0;  // made anew
  if (status.st_size == attempt.progress_file_read) return;
  const std::int64_t from =
      std::max(attempt.progress_file_read, std::int64_t{status.st_size} - kProgressTailBytes);
  std::array<char, kProgressTailBytes> tail{};
  const ssize_t got = ::pread(file.get(), tail.data(), tail.size(), from);
  if (got <= 0) return;
  std::string_view text(tail.data(), static_cast<std::size_t>(got));
  const std::size_t last = text.rfind('\n');
  if (last == std::string_view::npos) return;  // a line that is being written
  // Of a line that is cut off before the tail, the rest of a secret could not be told.
  if (from > attempt.progress_file_read) text.remove_prefix(std::min(text.find('\n'), last));
  attempt.progress_file_read = from + static_cast<std::int64_t>(last) + 1;
  text = text.substr(0, last);
  const std::string shown = attempt.log.masked(std::string(text));
  const std::size_t start = shown.rfind('\n');
  if (auto line = parse_progress(std::string_view(shown).substr(start + 1)))
    note_progress(attempt, std::move(*line), now);
}

}  // namespace reeve::supervisor
