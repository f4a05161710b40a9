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

bool Attempts::can_be_followed(const Attempt& attempt) const {
  return attempt.may_share() && attempt.has_status && !attempt.was_killed && !attempt.was_stopped &&
         attempt.verdict.kind == OutcomeClass::none && attempt.pipes_at_end() &&
         by_pid_.contains(attempt.pid) && events_.is_followed(attempt.launch.batch);
}

/// False: the sandbox is to be given back.
bool Attempts::leave_place(Attempt& attempt, Sandbox& sandbox) {
  if (!attempt.leaves_place) return false;
  by_pid_.erase(attempt.pid);
  Place place{attempt.sandbox, attempt.pid, std::move(attempt.files), std::move(attempt.door)};
  sandbox.count_anew();
  // The verdict may be new: it comes from the account of the group.
  if (attempt.verdict.kind == OutcomeClass::none && !sandbox.is_broken)
    places_.insert_or_assign(attempt.launch.batch, std::move(place));
  else
    give_up(place);
  return true;
}

void Attempts::give_up(Place& place) {
  if (place.init != 0) ::kill(place.init, SIGKILL);
  Sandbox* const sandbox = sandboxes_.find(place.sandbox);
  if (sandbox == nullptr) return;
  sandbox->is_broken = true;  // what dies in it may still be counted
  sandboxes_.give_back(place.sandbox);
}

void Attempts::close_place(Token batch) {
  if (places_.empty()) return;
  auto node = places_.extract(batch);
  if (!node.empty()) give_up(node.mapped());
}

/// The one that the last of its batch has left, if it is what this one asks for.
std::optional<Attempts::Place> Attempts::take_place(const Attempt& attempt) {
  if (places_.empty()) return std::nullopt;
  auto node = places_.extract(attempt.launch.batch);
  if (node.empty()) return std::nullopt;
  Place place = std::move(node.mapped());
  const Sandbox* const sandbox = sandboxes_.find(place.sandbox);
  const bool fits = sandbox != nullptr && !sandbox->is_broken && place.init != 0 &&
                    attempt.may_share() &&
                    sandboxes_.suits(*sandbox, attempt.launch, attempt.kind());
  if (fits) return place;
  give_up(place);
  return std::nullopt;
}

/// False: it is to start in a sandbox of its own.
bool Attempts::follow(Attempt& attempt, Place& place) {
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
