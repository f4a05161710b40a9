#include "schedule/locks.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::schedule {

Locks::Locks() : sets_(1) {}

LockId Locks::intern(std::string_view name, std::int32_t limit) {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) {
    locks_[found->second.value].limit = limit;
    return found->second;
  }
  const LockId id{static_cast<std::uint32_t>(locks_.size())};
  locks_.push_back({std::string(name), limit, 0});
  by_name_.emplace(std::string(name), id);
  return id;
}

LockSetId Locks::intern_set(std::vector<LockUse> uses) {
  if (uses.empty()) return LockSetId{};
  std::ranges::sort(uses);
  const auto found = by_uses_.find(uses);
  if (found != by_uses_.end()) return found->second;
  const LockSetId id{static_cast<std::uint32_t>(sets_.size())};
  sets_.push_back(uses);
  by_uses_.emplace(std::move(uses), id);
  return id;
}

const LockUse* Locks::first_busy(LockSetId id) const {
  for (const LockUse& use : sets_[id.value]) {
    const Lock& lock = locks_[use.lock.value];
    if (lock.in_use + use.units > lock.limit) return &use;
  }
  return nullptr;
}

void Locks::take(LockSetId id) {
  for (const LockUse& use : sets_[id.value]) locks_[use.lock.value].in_use += use.units;
}

void Locks::release(LockSetId id) {
  for (const LockUse& use : sets_[id.value]) {
    Lock& lock = locks_[use.lock.value];
    lock.in_use -= use.units;
    ENSURE(lock.in_use >= 0);
  }
}

}  // namespace reeve::schedule
