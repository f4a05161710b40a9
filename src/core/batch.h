// Internal to core/: starts what has found a place, alone or with others of its kind as a batch.
// The attempts of a batch have one place together and run one after the other; what becomes of each
// is its own. Pure; one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "core/step.h"
#include "schedule/pass.h"

namespace reeve::core {

struct PlacedTask {
  TaskId task;
  const schedule::Placement& placement;
  schedule::Pass& pass;
  std::uint32_t most = 1;  ///< attempts that may be started
};
/// Starts it and what comes along. Gives how many attempts that are. REQUIRES that it waits.
std::uint32_t start_placed(Step& step, const PlacedTask& placed);

/// The run of a task that still waits, or null: its entry is stale.
Run* waiting_run(Step& step, TaskId task);
/// Whether it is held back until its batch is full or it has waited long enough; then the core is
/// to be woken.
bool is_filling(Step& step, const Run& run, std::uint32_t index);
/// Until when, as seen by one that only looks; kUnset: it is not.
Time filling_until(const State& state, const Run& run, std::uint32_t index);

/// All that live of its batch, itself among them, in order; those of its own place alone.
std::vector<Token> attempts_of(const State& state, const LiveAttempt& live);
/// It has ended. False: others of its batch go on, in the place that they have together.
bool leave_batch(State& state, Token token, const LiveAttempt& live);
/// How many of its batch are to end before it.
std::size_t before_in_batch(const State& state, Token token, const LiveAttempt& live);
/// One that was handed over and is lost, and had not begun as far as anybody knows: it stood behind
/// others of its batch.
bool is_undone(const Task& task, const Outcome& outcome, bool ran);

}  // namespace reeve::core
