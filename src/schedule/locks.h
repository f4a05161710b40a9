// Named semaphores: locks of tasks, concurrency groups, max-parallel of a fan-out. Names are
// interned to ids; sets of requests are interned too, so that tasks with equal requests share one.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "schedule/numbers.h"

namespace reeve::schedule {

using LockId = Id<struct LockIdTag, std::uint32_t>;
using LockSetId = Id<struct LockSetIdTag, std::uint32_t>;  ///< 0: no locks

struct LockUse {
  LockId lock;
  std::int32_t units = 1;
  friend auto operator<=>(const LockUse&, const LockUse&) = default;
};

class Locks {
 public:
  Locks();
  /// Finds or makes the lock; a known lock takes the new limit (limits follow the newest workflow).
  LockId intern(std::string_view name, std::int32_t limit);
  LockSetId intern_set(std::vector<LockUse> uses);
  const std::vector<LockUse>& set(LockSetId id) const { return sets_[id.value]; }

  /// The first lock of the set that has too few free units, or none.
  const LockUse* first_busy(LockSetId id) const;
  void take(LockSetId id);
  void release(LockSetId id);

  const std::string& name(LockId lock) const { return locks_[lock.value].name; }
  std::int32_t limit(LockId lock) const { return locks_[lock.value].limit; }
  std::int32_t in_use(LockId lock) const { return locks_[lock.value].in_use; }
  /// All locks are below it; one that was forgotten has no name.
  std::size_t size() const { return locks_.size(); }

  /// Forgets the sets that are not used (by set), and the locks that are in none and free.
  void keep(const std::vector<bool>& is_set_used);
  std::size_t sets_end() const { return sets_.size(); }
  std::size_t names() const { return lock_numbers_.size() + set_numbers_.size(); }

 private:
  struct Lock {
    std::string name;
    std::int32_t limit = 1;
    std::int32_t in_use = 0;
  };
  std::vector<Lock> locks_;
  Numbers<std::string, LockId> lock_numbers_;
  std::vector<std::vector<LockUse>> sets_;
  Numbers<std::vector<LockUse>, LockSetId> set_numbers_{1};
};

}  // namespace reeve::schedule
