#include "sim/shape.h"

namespace reeve::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Most worlds are small, since there are to be many of them; a few are wide or deep.
void draw_size(Generator& random, Shape& shape) {
  shape.workflows = static_cast<std::uint32_t>(random.between(1, 5));
  shape.runs = static_cast<std::uint32_t>(random.between(2, 14));
  shape.groups_max = static_cast<std::uint32_t>(random.between(1, 10));
  shape.fan_out_max = static_cast<std::uint32_t>(random.between(1, 8));
  if (random.chance(20)) shape.fan_out_max = 250;
  if (random.chance(20)) shape.groups_max = 40;
  if (random.chance(20)) shape.runs = 50;
}

void draw_channel(Generator& random, Shape& shape) {
  switch (random.below(4)) {
    case 0: break;  // a perfect channel
    case 1: shape.rates = {.lost = 20, .twice = 20, .late = 50, .overtakes = 50}; break;
    case 2: shape.rates = {.lost = 150, .twice = 100, .late = 100, .overtakes = 100}; break;
    default:
      shape.rates.lost = static_cast<std::uint32_t>(random.below(60));
      shape.rates.twice = static_cast<std::uint32_t>(random.below(200));
      shape.rates.late = static_cast<std::uint32_t>(random.below(300));
      shape.rates.overtakes = static_cast<std::uint32_t>(random.below(300));
      break;
  }
  shape.rates.late_max = random.any_scale(milliseconds{5}, minutes{1});
}

void draw_machine(Generator& random, Shape& shape) {
  shape.capacity.cpu_millicores = 1000 * random.between(1, 8);
  shape.capacity.memory_bytes = std::int64_t{1} << random.between(30, 34);
  shape.capacity.disk_bytes = std::int64_t{1} << 40;
  shape.capacity.gpu_milli = random.chance(500) ? 2000 : 0;
  if (random.chance(500)) shape.capacity.countables = {{"licence", random.between(1, 3)}};
}

void draw_temper(Generator& random, Shape& shape) {
  shape.temper.failing = static_cast<std::uint32_t>(random.below(400));
  shape.temper.not_starting = random.chance(300) ? 100 : 5;
  shape.temper.stubborn = static_cast<std::uint32_t>(random.below(400));
  if (random.chance(400)) {  // short enough for attempts to be staged
    shape.temper.run_time_min = Duration{300};
    shape.temper.run_time_max = milliseconds{80};
  }
}

void draw_swarm(Generator& random, Shape& shape) {
  constexpr auto kFirstFeatures = static_cast<std::size_t>(Feature::hedges);
  for (std::size_t i = 0; i < kFirstFeatures; ++i) shape.features[i] = !random.chance(300);
  for (std::size_t i = 0; i < kFaultCount; ++i) shape.fault_kinds[i] = !random.chance(250);
}

}  // namespace

bool has(const Shape& shape, Feature feature) {
  return shape.features[static_cast<std::size_t>(feature)];
}

Shape draw_shape(std::uint64_t seed) {
  Generator random{seed, Concern::shape};
  Shape shape;
  draw_size(random, shape);
  draw_channel(random, shape);
  draw_machine(random, shape);
  draw_temper(random, shape);
  shape.busy = random.any_scale(seconds{5}, minutes{20});
  shape.fault_interval = shape.busy / random.between(8, 40);
  if (random.chance(300)) {
    shape.inbox_events_max = static_cast<std::uint32_t>(random.between(6, 12));
    shape.events_per_round_max = static_cast<std::uint32_t>(random.between(1, 4));
  }
  shape.clock_keeping = random.chance(500) ? ClockKeeping::steady : ClockKeeping::stalls;
  shape.resume_all = !random.chance(200);
  shape.requests_max = shape.runs * static_cast<std::uint32_t>(random.between(0, 4));
  draw_swarm(random, shape);
  if (random.chance(100)) shape.burst = static_cast<std::uint32_t>(random.between(4, 24));
  shape.features[static_cast<std::size_t>(Feature::hedges)] = !random.chance(300);
  shape.features[static_cast<std::size_t>(Feature::batches)] = !random.chance(300);
  shape.batch_seed = random.bits();
  shape.features[static_cast<std::size_t>(Feature::flights)] = !random.chance(300);
  if (random.chance(400)) shape.policy.backfilling = Backfilling::conservative;
  shape.features[static_cast<std::size_t>(Feature::follows)] = !random.chance(400);
  return shape;
}

}  // namespace reeve::sim
