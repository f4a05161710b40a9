#include "sim/agenda.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"

namespace reeve::sim {

bool Agenda::is_later(const Entry& a, const Entry& b) {
  return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
}

void Agenda::at(Time when, Action action) {
  heap_.push_back({std::max(when, now_), next_sequence_++, std::move(action)});
  std::ranges::push_heap(heap_, is_later);
}

void Agenda::after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

void Agenda::run_next() {
  ENSURE(!heap_.empty());
  std::ranges::pop_heap(heap_, is_later);
  const Entry entry = std::move(heap_.back());
  heap_.pop_back();
  now_ = entry.when;
  ++begun_;
  entry.action();
}

void Agenda::run_until(Time end) {
  while (!empty() && next() <= end) run_next();
  now_ = std::max(now_, end);
}

}  // namespace reeve::sim
