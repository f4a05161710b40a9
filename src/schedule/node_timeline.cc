#include "schedule/node_timeline.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::schedule {

Time later_by(Time from, Duration length) {
  if (length < Duration{0} || from > kNever - length) return kNever;
  return from + length;
}

NodeTimeline::NodeTimeline(Time now, std::span<const std::int64_t> free,
                           std::vector<Ending>& endings)
    : width_(free.size()),
      at_{now},
      free_(free.begin(), free.end()) {
  std::erase_if(endings, [](const Ending& one) { return one.at == kNever; });
  std::ranges::stable_sort(endings, {}, &Ending::at);
  at_.reserve(endings.size() + 1);
  free_.reserve((endings.size() + 1) * width_);
  for (const Ending& one : endings) {
    if (one.at > at_.back()) {
      at_.push_back(one.at);
      for (std::size_t d = 0; d < width_; ++d) free_.push_back(free_[free_.size() - width_]);
    }
    for (const Amount& amount : *one.shape)
      free_[(at_.size() - 1) * width_ + amount.dimension] += amount.units;
  }
}

std::size_t NodeTimeline::index_at(Time at) const {
  if (at_.size() == 1 || at < at_[1]) {  // most often it is now
    ENSURE(at_.front() <= at);
    return 0;
  }
  const auto after = std::ranges::upper_bound(at_, at);
  ENSURE(after != at_.begin());
  return static_cast<std::size_t>(after - at_.begin()) - 1;
}

bool NodeTimeline::holds(std::size_t step, const Shape& shape) const {
  const std::int64_t* const free = &free_[step * width_];
  return std::ranges::all_of(shape, [&](const Amount& wanted) {
    return wanted.dimension < width_ && free[wanted.dimension] >= wanted.units;
  });
}

bool NodeTimeline::fits(const Shape& shape, Time from, Time to) const {
  std::size_t step = index_at(from);
  do {
    if (!holds(step, shape)) return false;
    ++step;
  } while (step < at_.size() && at_[step] < to);
  return true;
}

Time NodeTimeline::earliest(const Shape& shape, Duration length, Time from, Time bound) const {
  Time begin = from;
  bool is_open = false;
  for (std::size_t i = index_at(from); i < at_.size(); ++i) {
    if (!holds(i, shape)) {
      if (at_[i] >= bound) return bound;
      is_open = false;
      continue;
    }
    if (!is_open) begin = std::max(from, at_[i]);
    if (begin >= bound) return bound;
    is_open = true;
    if (i + 1 == at_.size() || at_[i + 1] >= later_by(begin, length)) return begin;
  }
  return bound;
}

std::size_t NodeTimeline::split(Time at) {
  if (at == kNever) return at_.size();
  const std::size_t index = index_at(at);
  if (at_[index] == at) return index;
  const auto step = static_cast<std::ptrdiff_t>(index);
  const auto width = static_cast<std::ptrdiff_t>(width_);
  at_.insert(at_.begin() + step + 1, at);
  const std::vector<std::int64_t> row(free_.begin() + step * width,
                                      free_.begin() + (step + 1) * width);
  free_.insert(free_.begin() + (step + 1) * width, row.begin(), row.end());
  return index + 1;
}

void NodeTimeline::add(const Shape& shape, Time from, Time to, std::int64_t sign) {
  if (to <= from) return;
  const std::size_t begin = split(from);
  const std::size_t end = split(to);
  for (const Amount& amount : shape) {
    if (amount.dimension >= width_) continue;
    for (std::size_t i = begin; i < end; ++i)
      free_[i * width_ + amount.dimension] += sign * amount.units;
  }
}

std::int64_t NodeTimeline::least(std::uint32_t dimension) const {
  std::int64_t least = free_[dimension];
  for (std::size_t i = 0; i < at_.size(); ++i)
    least = std::min(least, free_[i * width_ + dimension]);
  return least;
}

}  // namespace reeve::schedule
