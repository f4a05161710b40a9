// The part of Attempts that looks at what they use while they run.

#include <csignal>

#include "supervisor/attempts.h"

namespace reeve::supervisor {

std::optional<ProcessUse> Attempts::use_of(Attempt& attempt) {
  Sandbox* const sandbox = sandboxes_.find(attempt.sandbox);
  if (sandbox == nullptr || !sandbox->group) return use_of_tree(attempt.pid);
  const auto use = sandbox->use();
  if (!use) return std::nullopt;
  ProcessUse all;
  all.cpu = use->user_cpu + use->system_cpu;
  all.memory_bytes = use->memory_bytes;
  // Its own init is not the task's either.
  all.processes = std::max<std::int64_t>(use->processes - sandbox->zygote->own_processes() - 1, 0);
  all.read_bytes = use->read_bytes;
  all.written_bytes = use->written_bytes;
  all.stalls = sandbox->group->stalls();
  return all;
}

/// One message for all, and none while nothing runs: a short attempt is mostly not in any.
void Attempts::take_samples(Instant now) {
  sample_at_ = kNoDeadline;
  Samples samples;
  for (const Serial serial : living_) {
    Attempt& attempt = *attempts_.at(serial);
    if (attempt.phase != Phase::running && attempt.phase != Phase::draining) continue;
    const auto use = use_of(attempt);
    if (!use) continue;
    AttemptSample sample = attempt.meter.sample(*use, now);
    sample.token = attempt.launch.token;
    sample.at = clock_.at(now);
    samples.attempts.push_back(sample);
  }
  if (!samples.attempts.empty()) events_.on_samples(std::move(samples));
}

void Attempts::look_at_disks(Instant now) {
  std::vector<Attempt*> writing;
  for (const Serial serial : living_) {
    Attempt& attempt = *attempts_.at(serial);
    const bool may_write = attempt.phase == Phase::running || attempt.phase == Phase::draining;
    if (may_write && !attempt.was_killed) writing.push_back(&attempt);
  }
  for (const DiskGuard::Finding& found : disks_.look(writing, now)) {
    Attempt& attempt = *found.attempt;
    if (attempt.phase == Phase::running && attempt.verdict.kind == OutcomeClass::none)
      attempt.verdict = {OutcomeClass::signalled, SIGKILL, found.reason};
    end(attempt, true, Duration{0}, now);
  }
  disks_at_ = attempts_.empty() ? kNoDeadline : disks_.next(now);
}

}  // namespace reeve::supervisor
