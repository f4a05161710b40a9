#include "schedule/planner.h"

namespace reeve::schedule {

std::size_t Planner::names() const {
  return waiting.classes() + locks.names() + nodes.names() + gates.circuits.size();
}

void Planner::forget_unused(std::vector<bool> classes, std::vector<bool> lock_sets, Time now) {
  for (const Holder& holder : holders_) classes[holder.owner.value] = true;
  for (const Reservation& one : reservations_) classes[one.owner.value] = true;
  waiting.keep(std::move(classes));
  std::vector<bool> demands(nodes.demands_end());
  std::vector<bool> circuits(gates.circuits.end());
  for (std::uint32_t i = 0; i < waiting.classes_end(); ++i) {
    if (!waiting.knows(ClassId{i})) continue;
    const ClassKey& key = waiting.key(ClassId{i});
    lock_sets[key.locks.value] = true;
    demands[key.demand.value] = true;
    circuits[key.circuit.value] = true;
    circuits[key.target.value] = true;
  }
  locks.keep(lock_sets);
  nodes.keep(demands);
  gates.circuits.keep(std::move(circuits), now);
}

}  // namespace reeve::schedule
