#include "schedule/waiting.h"

#include <algorithm>
#include <cmath>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

// What runs for half a day or longer has no head start for its length; each halving of it has one.
constexpr double kLongestSeconds = 12.0 * 3600;
constexpr double kShortestSeconds = 0.01;
constexpr std::int64_t kPriorityUsMax = kDurationMax.count();

}  // namespace

HeadStart head_start(const OrderWeights& weights, const ClassKey& key, Time now) {
  HeadStart out;
  const Duration length = key.length;
  const double for_priority =
      static_cast<double>(weights.priority.count()) * static_cast<double>(key.priority);
  out.priority = Duration{static_cast<std::int64_t>(std::clamp(
      for_priority, -static_cast<double>(kPriorityUsMax), static_cast<double>(kPriorityUsMax)))};
  if (key.deadline != kNever && weights.deadline > Duration{0}) {
    const Duration slack =
        std::max(key.deadline - now - std::max(length, Duration{0}), Duration{0});
    const auto h = static_cast<double>(weights.deadline.count());
    out.deadline =
        Duration{static_cast<std::int64_t>(h * h / (h + static_cast<double>(slack.count())))};
  }
  if (length >= Duration{0} && weights.length > Duration{0}) {
    const double seconds = std::clamp(std::chrono::duration<double>(length).count(),
                                      kShortestSeconds, kLongestSeconds);
    out.length = Duration{static_cast<std::int64_t>(static_cast<double>(weights.length.count()) *
                                                    std::log2(kLongestSeconds / seconds))};
  }
  return out;
}

Duration rounded_length(Duration length) {
  if (length <= Duration{1}) return length;
  const double steps = std::round(4 * std::log2(static_cast<double>(length.count())));
  return Duration{static_cast<std::int64_t>(std::exp2(steps / 4))};
}

ClassId Waiting::intern(const ClassKey& key) {
  const auto [id, is_new] = numbers_.give(key);
  if (!is_new) return id;
  put_at(classes_, id.value, {.key = key, .entries = {}});
  if (leaves_.size() <= key.leaf.value) leaves_.resize(key.leaf.value + 1);
  return id;
}

void Waiting::keep(std::vector<bool> is_used) {
  for (std::size_t i = 0; i < classes_.size(); ++i)
    if (!classes_[i].entries.empty()) is_used[i] = true;
  numbers_.keep(is_used, [&](ClassId id) { classes_[id.value] = {}; });
}

Waiting::Position Waiting::position(ClassId id, std::size_t entry) const {
  const Class& one = classes_[id.value];
  const Entry& at = one.entries[entry];
  return {at.arrival, at.sequence, id, one.key.demand};
}

std::uint64_t Waiting::waiting_of(LeafId leaf) const {
  return leaf.value < leaves_.size() ? leaves_[leaf.value].waiting : 0;
}

void Waiting::enlist(const Position& position) {
  const LeafId id = classes_[position.id.value].key.leaf;
  Leaf& leaf = leaves_[id.value];
  if (leaf.order.empty()) {
    leaf.active_at = active_.size();
    active_.push_back(id);
  }
  leaf.order.insert(position);
}

void Waiting::delist(const Position& position) {
  Leaf& leaf = leaves_[classes_[position.id.value].key.leaf.value];
  leaf.order.erase(position);
  if (!leaf.order.empty()) return;
  const LeafId last = active_.back();
  active_[leaf.active_at] = last;
  leaves_[last.value].active_at = leaf.active_at;
  active_.pop_back();
}

void Waiting::clear() {
  for (Class& one : classes_) {
    one.entries.clear();
    one.waiting = 0;
    one.overtaken = 0;
  }
  for (Leaf& leaf : leaves_) leaf = {};
  active_.clear();
  waiting_ = 0;
}

void Waiting::push(ClassId id, Range range, Time now) {
  if (range.count == 0) return;
  Class& one = classes_[id.value];
  const bool was_empty = one.entries.empty();
  Time arrival = now - head_start(weights_, one.key, now).sum();
  // First come, first served within a class, also when lengths or weights have changed.
  if (!was_empty) arrival = std::max(arrival, one.entries.back().arrival);
  one.entries.push_back({range, next_sequence_++, arrival});
  one.waiting += range.count;
  waiting_ += range.count;
  leaves_[one.key.leaf.value].waiting += range.count;
  if (was_empty) enlist(position(id));
}

TaskId Waiting::head(ClassId id) const {
  const Class& one = classes_[id.value];
  ENSURE(!one.entries.empty());
  return one.entries.front().range.first;
}

void Waiting::pop(ClassId id) {
  drop(id);
  classes_[id.value].overtaken = 0;
}

void Waiting::drop(ClassId id) {
  Class& one = classes_[id.value];
  ENSURE(!one.entries.empty());
  Range& range = one.entries.front().range;
  --one.waiting;
  --waiting_;
  --leaves_[one.key.leaf.value].waiting;
  if (range.count > 1) {  // the entry keeps its place in the order
    ++range.first.index;
    --range.count;
    return;
  }
  delist(position(id));
  one.entries.pop_front();
  if (!one.entries.empty()) enlist(position(id));
}

}  // namespace reeve::schedule
