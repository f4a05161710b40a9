#include "schedule/availability.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::schedule {

Availability::Availability(std::int64_t capacity, Time begin)
    : capacity_(capacity),
      steps_{{begin, capacity}} {
  ENSURE(capacity > 0);
}

std::size_t Availability::index_at(Time at) const {
  const auto after = std::ranges::upper_bound(steps_, at, {}, &Step::at);
  ENSURE(after != steps_.begin());
  return static_cast<std::size_t>(after - steps_.begin()) - 1;
}

std::size_t Availability::split(Time at) {
  const std::size_t index = index_at(at);
  if (steps_[index].at == at) return index;
  const auto next = steps_.begin() + static_cast<std::ptrdiff_t>(index) + 1;
  steps_.insert(next, {at, steps_[index].free});
  return index + 1;
}

void Availability::advance(Time now) {
  const std::size_t index = index_at(now);
  steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(index));
  steps_.front().at = now;
}

std::int64_t Availability::free_at(Time at) const { return steps_[index_at(at)].free; }

Time Availability::earliest(std::int64_t amount, Duration length, Time from) const {
  ENSURE(amount <= capacity_);
  Time begin = from;
  bool is_open = false;
  for (std::size_t i = index_at(from); i < steps_.size(); ++i) {
    if (steps_[i].free < amount) {
      is_open = false;
      continue;
    }
    if (!is_open) begin = std::max(from, steps_[i].at);
    is_open = true;
    if (i + 1 == steps_.size() || steps_[i + 1].at - begin >= length) return begin;
  }
  return kNever;
}

bool Availability::fits(std::int64_t amount, Duration length, Time from) const {
  for (std::size_t i = index_at(from); i < steps_.size(); ++i) {
    if (steps_[i].at >= from + length) return true;
    if (steps_[i].free < amount) return false;
  }
  return true;
}

Duration Availability::free_for(std::int64_t amount, Time from) const {
  for (std::size_t i = index_at(from); i < steps_.size(); ++i)
    if (steps_[i].free < amount) return steps_[i].at <= from ? Duration{-1} : steps_[i].at - from;
  return kDurationMax;
}

void Availability::take(std::int64_t amount, Time from, Time to) {
  if (to <= from || amount == 0) return;
  const std::size_t begin = split(from);
  const std::size_t end = split(to);
  for (std::size_t i = begin; i < end; ++i) steps_[i].free -= amount;
  // Steps that no longer differ are one: what was taken and given back leaves nothing.
  const auto is_same = [this](std::size_t i) {
    return i > 0 && i < steps_.size() && steps_[i].free == steps_[i - 1].free;
  };
  if (is_same(end)) steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(end));
  if (is_same(begin)) steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(begin));
}

}  // namespace reeve::schedule
