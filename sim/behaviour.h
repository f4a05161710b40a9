// What virtual processes do: how long they take, how they end, how they take a signal. Drawn from
// the seed, the task and the number of its attempt, so that a process does the same whatever else
// goes on around it. Values; no thread rule.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/launch.h"
#include "sim/random.h"

namespace reeve::sim {

struct Behaviour {
  Duration start_delay{0};  ///< from having its place to the first instruction
  bool starts = true;       ///< false: start_failed
  Duration run_time{0};
  Outcome outcome{.kind = OutcomeClass::exited, .code = 0, .reason = {}};
  /// From SIGTERM to its end; more than the grace: SIGKILL ends it.
  Duration dying_time{0};
  bool exits_on_signal = false;  ///< it catches SIGTERM and exits with status 0
  Duration silence{0};           ///< how long its longest silence is, from its start
  std::uint32_t progress_reports = 0;
  std::vector<OutputValue> outputs;
};
using BehaviourOf = std::function<Behaviour(const Launch&)>;

/// How the processes of one world tend to be.
struct Temper {
  std::uint32_t failing = 150;      ///< per mille of attempts that do not exit with 0
  std::uint32_t not_starting = 10;  ///< per mille
  std::uint32_t stubborn = 150;     ///< per mille that ignore SIGTERM
  Duration run_time_min{std::chrono::milliseconds{1}};
  Duration run_time_max{std::chrono::minutes{2}};
};

/// Behaviour of any launch. A script or argument of the form "outputs:NAME=JSON" makes the process
/// write that output; the workloads use it for what feeds a for_each.
BehaviourOf random_behaviour(std::uint64_t seed, Temper temper);

}  // namespace reeve::sim
