// The part of World that breaks things.
#include "sim/world.h"

namespace reeve::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

/// RELIABILITY R3.
constexpr std::uint64_t kFaultsMin = 20;

constexpr std::uint32_t kCommitsReach = 6;
constexpr std::uint32_t kActsOfACommit = 4;

struct Chance {
  Fault fault;
  std::uint32_t weight;
};
constexpr Chance kChances[] = {
    {Fault::crash_between_rounds, 10},
    {Fault::crash_before_commit, 10},
    {Fault::crash_before_act, 30},
    {Fault::commit_refused, 5},
    {Fault::commit_unsure, 10},
    {Fault::link_cut, 12},
    {Fault::executor_crash, 8},
    {Fault::executor_frozen, 8},
    {Fault::node_lost, 6},
    {Fault::clock_back, 4},
    {Fault::clock_forward, 3},
    {Fault::capacity_changed, 5},
    {Fault::artifacts_lost, 3},
    {Fault::machine_saturated, 5},
};

/// One of the kinds that this world has; link_cut if it has none of them.
Fault pick_fault(Generator& random, const std::bitset<kFaultCount>& kinds) {
  std::uint32_t total = 0;
  for (const Chance& chance : kChances)
    total += kinds[static_cast<std::size_t>(chance.fault)] ? chance.weight : 0;
  if (total == 0) return Fault::link_cut;
  auto left = static_cast<std::uint32_t>(random.below(total));
  for (const Chance& chance : kChances) {
    if (!kinds[static_cast<std::size_t>(chance.fault)]) continue;
    if (left < chance.weight) return chance.fault;
    left -= chance.weight;
  }
  return Fault::link_cut;
}

/// Those at which an engine dies inside a round.
std::bitset<kFaultCount> crash_kinds() {
  std::bitset<kFaultCount> kinds;
  for (const Fault fault : {Fault::crash_before_commit, Fault::crash_before_act,
                            Fault::commit_refused, Fault::commit_unsure})
    kinds.set(static_cast<std::size_t>(fault));
  return kinds;
}

}  // namespace

void World::schedule_fault() {
  const Duration wait = faults_random_.between(Duration{1}, shape_.fault_interval * 2);
  basics_.agenda.after(wait, [this] {
    const bool busy = basics_.agenda.now() < kWorldBegin + shape_.busy;
    if (!busy && basics_.faults.total() >= kFaultsMin) {
      end_faults();
      return;
    }
    break_something();
    schedule_fault();
  });
}

void World::break_something() {
  // Where nothing happens any more nothing of it can fail; a link can.
  const bool is_quiet = basics_.agenda.now() > kWorldBegin + shape_.busy * 20;
  const Fault fault = is_quiet ? Fault::link_cut : pick_fault(faults_random_, shape_.fault_kinds);
  switch (fault) {
    case Fault::executor_crash: crash_executor(); return;
    case Fault::link_cut: cut_link(); return;
    case Fault::executor_frozen: {
      SimEngine* present = engine();
      if (present == nullptr) return;
      const Duration time = faults_random_.any_scale(milliseconds{5}, minutes{2});
      basics_.faults.count(fault);
      basics_.note(Note::executor_fault, static_cast<std::uint64_t>(fault),
                   static_cast<std::uint64_t>(time.count()));
      present->link(PoolId{}).freeze(basics_.agenda.now() + time);
      return;
    }
    case Fault::node_lost: {
      const auto share = static_cast<std::uint32_t>(faults_random_.between(200, 1000));
      basics_.faults.count(fault);
      basics_.note(Note::node_lost, share);
      executor_.lose_processes(faults_random_, share);
      return;
    }
    case Fault::clock_back:
    case Fault::clock_forward: jump_clock(fault); return;
    case Fault::capacity_changed: change_capacity(); return;
    case Fault::machine_saturated: saturate(); return;
    case Fault::artifacts_lost:
      if (SimEngine* present = engine(); present != nullptr) present->drop_artifact_answers();
      return;
    default: break;
  }
  SimEngine* present = engine();
  if (present == nullptr) return;
  if (fault == Fault::crash_between_rounds) {
    basics_.faults.count(fault);
    present->die();
    return;
  }
  arm_crash(*present, kCommitsReach);
}

void World::arm_crash(SimEngine& present, std::uint32_t reach) {
  const Fault fault = pick_fault(faults_random_, crash_kinds() & shape_.fault_kinds);
  if (fault == Fault::link_cut) return;  // this world has none of them
  if (fault == Fault::crash_before_act) reach *= kActsOfACommit;
  present.arm({fault, static_cast<std::uint32_t>(faults_random_.below(reach))});
}

void World::crash_executor() {
  if (!executor_.is_up()) return;
  basics_.faults.count(Fault::executor_crash);
  basics_.note(Note::executor_crash, 0, executor_.unfinished());
  executor_.crash();
  if (SimEngine* present = engine(); present != nullptr) present->link(PoolId{}).cut(true);
  basics_.agenda.after(faults_random_.any_scale(milliseconds{1}, minutes{1}), [this] {
    basics_.note(Note::executor_back);
    executor_.restart();
    if (SimEngine* present = engine(); present != nullptr) present->link(PoolId{}).mend();
  });
}

void World::cut_link() {
  SimEngine* present = engine();
  if (present == nullptr || present->link(PoolId{}).is_cut()) return;
  const Duration time = faults_random_.any_scale(milliseconds{1}, minutes{2});
  basics_.faults.count(Fault::link_cut);
  basics_.note(Note::executor_fault, static_cast<std::uint64_t>(Fault::link_cut),
               static_cast<std::uint64_t>(time.count()));
  Link& link = present->link(PoolId{});
  link.cut(faults_random_.chance(600));
  basics_.agenda.after(time, [&link] { link.mend(); });
}

void World::jump_clock(Fault fault) {
  Duration by{0};
  if (fault == Fault::clock_back)
    by = -(faults_random_.chance(500) ? Duration{hours{1}}
                                      : faults_random_.any_scale(milliseconds{1}, hours{25}));
  else
    by = faults_random_.chance(300) ? Duration{hours{24}}
                                    : faults_random_.any_scale(milliseconds{1}, hours{2});
  basics_.faults.count(fault);
  basics_.note(Note::clock_jump, static_cast<std::uint64_t>(by / std::chrono::seconds{1}));
  basics_.wall.jump(by);
}

void World::saturate() {
  SimEngine* present = engine();
  if (present == nullptr) return;
  const auto part = [this] {
    constexpr std::int64_t kSteps = 1000 / kLoadStep;
    return static_cast<std::int32_t>(faults_random_.between(0, kSteps)) * kLoadStep;
  };
  const MachineLoad load{.others = part(), .memory = part(), .disks = part()};
  basics_.faults.count(Fault::machine_saturated);
  basics_.note(Note::saturated, static_cast<std::uint64_t>(load.others),
               static_cast<std::uint64_t>(load.memory));
  present->post(core::LoadObserved{PoolId{}, load}, nullptr);
}

void World::change_capacity() {
  SimEngine* present = engine();
  if (present == nullptr) return;
  capacity_ = shape_.capacity;
  capacity_.cpu_millicores = shape_.capacity.cpu_millicores * faults_random_.between(1, 4) / 4;
  if (faults_random_.chance(200)) capacity_.gpu_milli = 0;
  basics_.faults.count(Fault::capacity_changed);
  basics_.note(Note::capacity, 0, static_cast<std::uint64_t>(capacity_.cpu_millicores));
  present->post(core::CapacitySet{PoolId{}, capacity_}, nullptr);
}

}  // namespace reeve::sim
