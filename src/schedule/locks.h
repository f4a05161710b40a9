// Named semaphores: locks of tasks, concurrency groups, max-parallel of a fan-out. Names are
// interned to ids; sets of requests are interned too, so that tasks with equal requests share one.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

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
  std::size_t size() const { return locks_.size(); }

 private:
  struct Lock {
    std::string name;
    std::int32_t limit = 1;
    std::int32_t in_use = 0;
  };
  std::vector<Lock> locks_;
  std::map<std::string, LockId, std::less<>> by_name_;
  std::vector<std::vector<LockUse>> sets_;
  std::map<std::vector<LockUse>, LockSetId> by_uses_;
};

}  // namespace reeve::schedule
