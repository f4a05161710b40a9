// The part of Attempts for batches: attempts that follow each other in one sandbox. Process 1
// stays, kills what is left of one, and starts the next. Whatever is unusual ends the sandbox
// instead, and the next gets another: a stop, a limit, memory that ran out, somebody who holds the
// pipes.

#include <csignal>
#include <utility>

#include "supervisor/attempts.h"

namespace reeve::supervisor {

namespace {

constexpr std::int64_t kBytesOfBlock = 512;

}  // namespace

void add_usage(Usage& usage, const sandbox::Reply& ended) {
  usage.user_cpu += Duration{ended.user_us};
  usage.system_cpu += Duration{ended.system_us};
  usage.memory_peak_bytes = std::max(usage.memory_peak_bytes, ended.memory_peak_kib * 1024);
  usage.read_bytes += ended.blocks_read * kBytesOfBlock;
  usage.written_bytes += ended.blocks_written * kBytesOfBlock;
  usage.context_switches += ended.context_switches;
}

bool Attempt::has_ended_plainly() const {
  return has_status && !was_killed && !was_stopped && verdict.kind == OutcomeClass::none &&
         pipes_at_end();
}

/// False: it is to start in a sandbox of its own.
bool Attempts::follow(Attempt& attempt, BatchPlace& place) {
  int error = open_pipes(attempt);
  if (error == 0) error = sandboxes_.give_pipe(attempt.output.get());
  if (error == 0) error = sandboxes_.give_pipe(attempt.errors.get());
  if (error != 0) return false;
  const SpawnPlan& plan = attempt.plan;
  const std::vector<sandbox::OwnFile> files = attempt.own_files;
  if (!place.door.follow(program_of(attempt),
                         {plan.standard_input, plan.standard_output, plan.standard_error})) {
    attempt.own_files = files;
    return false;
  }
  attempt.sandbox = std::exchange(place.sandbox, kNoSandbox);
  attempt.pid = place.init;
  attempt.files = std::move(place.files);
  attempt.door = std::move(place.door);
  if (attempt.image != nullptr) attempt.plan.candidates.clear();
  sandboxes_.find(attempt.sandbox)->user = attempt.serial;
  return true;
}

}  // namespace reeve::supervisor
