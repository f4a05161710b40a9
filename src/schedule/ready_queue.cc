#include "schedule/ready_queue.h"

#include "base/ensure.h"

namespace reeve::schedule {

ClassId ReadyQueue::intern(const ClassKey& key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) return found->second;
  const ClassId id{static_cast<std::uint32_t>(classes_.size())};
  classes_.push_back({.key = key, .entries = {}});
  by_key_.emplace(key, id);
  return id;
}

ReadyQueue::Position ReadyQueue::position(ClassId id) const {
  const Class& one = classes_[id.value];
  return {-static_cast<std::int64_t>(one.key.priority), one.key.deadline,
          one.entries.front().sequence, id};
}

void ReadyQueue::push(ClassId id, Range range) {
  if (range.count == 0) return;
  Class& one = classes_[id.value];
  const bool was_empty = one.entries.empty();
  one.entries.push_back({range, next_sequence_++});
  one.waiting += range.count;
  waiting_ += range.count;
  if (was_empty) order_.insert(position(id));
}

TaskId ReadyQueue::head(ClassId id) const {
  const Class& one = classes_[id.value];
  ENSURE(!one.entries.empty());
  return one.entries.front().range.first;
}

void ReadyQueue::pop(ClassId id) {
  drop(id);
  classes_[id.value].overtaken = 0;
}

void ReadyQueue::drop(ClassId id) {
  Class& one = classes_[id.value];
  ENSURE(!one.entries.empty());
  Range& range = one.entries.front().range;
  --one.waiting;
  --waiting_;
  if (range.count > 1) {  // the entry keeps its place in the order
    ++range.first.index;
    --range.count;
    return;
  }
  order_.erase(position(id));
  one.entries.pop_front();
  if (!one.entries.empty()) order_.insert(position(id));
}

}  // namespace reeve::schedule
