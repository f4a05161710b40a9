#include "core/timers.h"

#include <algorithm>
#include <functional>

namespace reeve::core {

void Timers::set(const Timer& timer) {
  if (timer.at == kNever) return;
  heap_.push_back(timer);
  std::ranges::push_heap(heap_, std::greater<>{});
}

std::optional<Time> Timers::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

std::optional<Timer> Timers::pop_due(Time now) {
  if (heap_.empty() || heap_.front().at > now) return std::nullopt;
  std::ranges::pop_heap(heap_, std::greater<>{});
  const Timer timer = heap_.back();
  heap_.pop_back();
  return timer;
}

}  // namespace reeve::core
