// What kind of world a seed gives: how large, how busy, how bad, how long. Drawn once, from its own
// generator, so that a new kind of task or fault leaves the shapes as they were. Values.
#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "base/resources.h"
#include "base/scheduling_policy.h"
#include "sim/basics.h"
#include "sim/behaviour.h"

namespace reeve::sim {

/// What tasks of a world may have. Each world leaves some out, so that what is left meets more
/// often (Groce et al., "Swarm Testing", 2012).
enum class Feature : std::uint8_t {
  approvals,
  fan_outs,
  conditions,
  need_conditions,
  retries,
  timeouts,
  locks,
  task_groups,  ///< concurrency of tasks
  run_groups,   ///< concurrency of runs
  deadlines,
  artifacts,
  max_parallel,
  forgiveness,  ///< continue-on-error
  phases,       ///< on_failure, finally
  priorities,
  unplaceable,
  hedges,   ///< second attempts of what takes long
  batches,  ///< tasks that share a start
  flights,  ///< tasks that share one execution
  follows,  ///< runs that follow others; drawn last
};
inline constexpr std::size_t kFeatureCount = static_cast<std::size_t>(Feature::follows) + 1;

struct Shape {
  std::bitset<kFeatureCount> features = ~std::bitset<kFeatureCount>{};
  std::bitset<kFaultCount> fault_kinds = ~std::bitset<kFaultCount>{};
  std::uint32_t workflows = 3;
  std::uint32_t runs = 6;
  std::uint32_t groups_max = 6;  ///< of one workflow
  std::uint32_t fan_out_max = 5;
  Duration busy{std::chrono::minutes{1}};  ///< how long people and faults go on
  Duration fault_interval{std::chrono::seconds{5}};
  ChannelRates rates;
  Temper temper;
  Resources capacity;
  std::uint32_t inbox_events_max = 64;
  std::uint32_t events_per_round_max = 16;
  ClockKeeping clock_keeping = ClockKeeping::steady;
  bool resume_all = true;
  std::uint32_t requests_max = 16;
  std::uint64_t batch_seed = 0;  ///< draws of their own, so that older seeds keep their meaning
  std::uint32_t burst = 0;       ///< submissions of one program in one moment
  SchedulingPolicy policy;       ///< what the engine is told when it starts
};

bool has(const Shape& shape, Feature feature);
Shape draw_shape(std::uint64_t seed);

}  // namespace reeve::sim
