// The part of Attempts that holds them to their limits.

#include <algorithm>

#include "supervisor/attempts.h"

namespace reeve::supervisor {
namespace {

constexpr Duration kProgressPoll = std::chrono::milliseconds(500);
constexpr Duration kProgressLook = std::chrono::milliseconds(250);

}  // namespace

Instant Attempts::due(const Attempt& attempt) const {
  Instant due = std::min(attempt.limits.next(), attempt.linger_until);
  if (attempt.progress) due = std::min(due, attempt.progress_told + kProgressLook);
  return due;
}

/// Deadlines that move away leave their entry in the heap, which is found wrong when it comes up.
void Attempts::arm(Attempt& attempt) {
  const Instant next = due(attempt);
  if (next >= attempt.armed) return;
  attempt.armed = next;
  timers_.emplace(next, attempt.serial);
}

void Attempts::on_due(Attempt& attempt, Instant now) {
  if (attempt.progress && attempt.progress_told + kProgressLook <= now) tell_progress(attempt, now);
  if (attempt.linger_until <= now) begin_clearing(attempt);
  const Breach breach = attempt.limits.check(now);
  const Serial serial = attempt.serial;
  if (breach != Breach::none) on_breach(attempt, breach, now);
  // One that had not begun is gone by now.
  if (find(serial) != nullptr) arm(attempt);
}

void Attempts::on_breach(Attempt& attempt, Breach breach, Instant now) {
  const Launch& launch = attempt.launch;
  Reason reason;
  switch (breach) {
    case Breach::none: return;
    case Breach::grace_over: kill(attempt); return;
    case Breach::start_timeout:
      if (attempt.phase == Phase::preparing && attempt.sandbox != kNoSandbox)
        return on_warm_late(attempt, now);
      attempt.limits.start_by = kNoDeadline;
      if (attempt.phase == Phase::preparing) {
        end_preparing(attempt,
                      {OutcomeClass::start_failed,
                       0,
                       {ReasonCode::start_timeout, 0, attempt.preparing_limit().count()}},
                      attempt.link == kNoLink ? "its image was not fetched in time"
                                              : "egress: its sandbox was not connected in time",
                      now);
        return;
      }
      if (attempt.phase != Phase::running || has_executed(attempt.pid)) return;
      reason = {ReasonCode::start_timeout, 0, launch.start_timeout.count()};
      break;
    case Breach::run_timeout:
      reason = {ReasonCode::run_timeout, 0, launch.run_timeout.count()};
      break;
    case Breach::idle_timeout:
      // A file may tell of life that no pipe shows.
      poll_progress_file(attempt, now);
      if (attempt.limits.check(now) == Breach::none) return;
      reason = {ReasonCode::idle_timeout, 0, launch.idle_timeout.count()};
      break;
  }
  // What has ended by itself keeps its own outcome; only its leftovers are cut short.
  if (attempt.phase == Phase::running && attempt.verdict.kind == OutcomeClass::none)
    attempt.verdict = {OutcomeClass::timed_out, 0, reason};
  end(attempt, false, launch.grace, now);
}

void Attempts::on_time(Instant now) {
  wake_resting(now);
  sandboxes_.on_time(now);
  while (!timers_.empty() && timers_.top().first <= now) {
    const auto [at, serial] = timers_.top();
    timers_.pop();
    Attempt* attempt = find(serial);
    if (attempt == nullptr || attempt->armed != at) continue;
    attempt->armed = kNoDeadline;
    on_due(*attempt, now);
  }
  if (progress_poll_ <= now) {
    progress_poll_ = kNoDeadline;
    for (const Serial serial : living_) {
      Attempt& attempt = *attempts_.at(serial);
      if (attempt.phase == Phase::running) poll_progress_file(attempt, now);
    }
  }
  if (progress_poll_ == kNoDeadline && !attempts_.empty()) progress_poll_ = now + kProgressPoll;
  if (sample_at_ <= now) take_samples(now);
  if (sample_at_ == kNoDeadline && !attempts_.empty()) sample_at_ = now + kSamplePeriod;
  if (disks_at_ <= now) look_at_disks(now);
  if (disks_at_ == kNoDeadline && !attempts_.empty()) disks_at_ = disks_.next(now);
}

Instant Attempts::next_deadline() {
  while (!resting_.empty() && !attempts_.contains(resting_.top().serial)) {
    if (resting_.top().is_busy) --busy_pipes_;
    resting_.pop();
  }
  while (!timers_.empty()) {
    const auto [at, serial] = timers_.top();
    const Attempt* attempt = find(serial);
    if (attempt != nullptr && attempt->armed == at) break;
    timers_.pop();
  }
  Instant next = std::min(settle_at_, sandboxes_.next_deadline());
  if (!attempts_.empty()) next = std::min({next, progress_poll_, sample_at_, disks_at_});
  if (!resting_.empty()) next = std::min(next, resting_.top().until);
  if (!timers_.empty()) next = std::min(next, timers_.top().first);
  return next;
}

}  // namespace reeve::supervisor
