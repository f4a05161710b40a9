// Answers "why?" from the state, for tasks and runs in memory. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/state.h"

namespace reeve::core {

struct Explanation {
  Reason reason;         ///< the code and its numbers
  std::string sentence;  ///< "waits for cpu: asks for 2, 0.5 of 4 free"
  std::vector<std::string>
      facts;  ///< further lines: needs and their states, who holds the lock, ...
};
Explanation explain_task(const State& state, TaskId task, Time now);
/// What would make a queued task start, each tried on a copy of what waits (schedule/what_if.h):
/// "it would start if pool local had 2 cpu more". Costs some passes: for a person who asks.
std::vector<std::string> what_would_start(const State& state, TaskId task, Time now);
Explanation explain_run(const State& state, RunId run, Time now);
/// Of a run that follows others: a sentence for each that it waits for, or that ended otherwise
/// than it was to. Without a state it is not said what state the others are in.
std::vector<std::string> following_facts(const RunRecord& run, const State* state);

}  // namespace reeve::core
