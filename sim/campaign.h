// Many seeds in a few worker processes: each seed runs twice and must give the same history both
// times. A worker that aborts (a broken invariant of the core) or hangs says which seed it was and
// is replaced. The only part of the simulation that knows processes and real time. Main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "sim/world.h"

namespace reeve::sim {

struct CampaignOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1;
  std::uint32_t jobs = 1;
  std::uint32_t failures_max = 5;  ///< then no more seeds are begun
  bool verbose = false;            ///< print the whole trace; for one seed
  std::FILE* out = stdout;         ///< findings go there
};

struct CampaignReport {
  std::uint64_t seeds = 0;  ///< that were run to their end
  std::vector<std::uint64_t> failed;
  FaultCounts faults;
  std::uint64_t faults_min = UINT64_MAX;  ///< of one seed
  std::uint64_t lives = 0;
  std::uint64_t commits = 0;
  std::uint64_t attempts = 0;
  std::uint64_t hedges = 0;
  std::uint64_t runs = 0;
  Transitions transitions{};
};

/// From now on a fatal signal says on `out` which world runs and what it did last, and ends the
/// process with 70; so does a world that makes no progress from one period to the next. Periods are
/// time of the processor, not of the clock: a busy machine, or a slow one, makes no world hang.
void watch_world(std::FILE* out, std::chrono::microseconds hang_period);
/// Runs one seed twice in this process. A violation if the two differ.
Report run_seed(std::uint64_t seed, bool verbose = false);
/// "checker: text", the last lines of the trace, and how to see it again.
void print_violation(std::FILE* out, const Report& report);

CampaignReport run_campaign(const CampaignOptions& options);

}  // namespace reeve::sim
