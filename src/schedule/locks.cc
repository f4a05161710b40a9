#include "schedule/locks.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::schedule {

Locks::Locks() : sets_(1) {}

LockId Locks::intern(std::string_view name, std::int32_t limit) {
  const auto [id, is_new] = lock_numbers_.give(name);
  if (is_new)
    put_at(locks_, id.value, {std::string(name), limit, 0});
  else
    locks_[id.value].limit = limit;
  return id;
}

LockSetId Locks::intern_set(std::vector<LockUse> uses) {
  if (uses.empty()) return LockSetId{};
  std::ranges::sort(uses);
  const auto [id, is_new] = set_numbers_.give(uses);
  if (is_new) put_at(sets_, id.value, std::move(uses));
  return id;
}

void Locks::keep(const std::vector<bool>& is_set_used) {
  set_numbers_.keep(is_set_used, [&](LockSetId id) { sets_[id.value] = {}; });
  std::vector<bool> is_used(locks_.size());
  for (std::size_t i = 0; i < locks_.size(); ++i) is_used[i] = locks_[i].in_use > 0;
  for (const std::vector<LockUse>& set : sets_)
    for (const LockUse& use : set) is_used[use.lock.value] = true;
  lock_numbers_.keep(is_used, [&](LockId id) { locks_[id.value] = {}; });
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
