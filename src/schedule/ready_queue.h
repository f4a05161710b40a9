// Tasks that may start, in order: priority, then deadline, then first come. Tasks that ask for the
// same (priority, deadline, resources, locks) form a class with a first-in-first-out list of index
// ranges, so an array of a million costs one entry, and what does not fit is passed over by class.
// Entries may be stale (a queued task was cancelled): the caller checks what it is given. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "base/ids.h"
#include "base/resources.h"
#include "base/time.h"
#include "schedule/locks.h"

namespace reeve::schedule {

using ClassId = Id<struct ClassIdTag, std::uint32_t>;

struct ClassKey {
  std::int32_t priority = 0;  ///< higher first
  Time deadline = kNever;     ///< earlier first
  Resources request;
  LockSetId locks;
  friend auto operator<=>(const ClassKey&, const ClassKey&) = default;
};

/// Tasks [first.index, first.index + count) of one run.
struct Range {
  TaskId first;
  std::uint32_t count = 0;
};

/// After so many starts of later tasks a task that waits for capacity is let through first.
inline constexpr std::uint32_t kOvertakesMax = 100;

class ReadyQueue {
 public:
  ClassId intern(const ClassKey& key);
  const ClassKey& key(ClassId id) const { return classes_[id.value].key; }

  void push(ClassId id, Range range);
  bool empty() const { return order_.empty(); }
  std::uint64_t waiting() const { return waiting_; }  ///< upper bound: stale entries count
  std::uint64_t waiting(ClassId id) const { return classes_[id.value].waiting; }

  /// Classes with entries, best first. Valid until the next push or pop.
  struct Position {
    std::int64_t negative_priority;
    Time deadline;
    std::uint64_t sequence;  ///< of the oldest entry
    ClassId id;
    friend auto operator<=>(const Position&, const Position&) = default;
  };
  const std::set<Position>& order() const { return order_; }
  /// The oldest task of a class. REQUIRES waiting entries.
  TaskId head(ClassId id) const;
  /// Takes the oldest task, which starts: what was passed over so far no longer counts.
  void pop(ClassId id);
  /// Takes the oldest task, which was stale.
  void drop(ClassId id);

  std::uint32_t overtaken(ClassId id) const { return classes_[id.value].overtaken; }
  void count_overtaken(ClassId id) { ++classes_[id.value].overtaken; }

 private:
  struct Entry {
    Range range;
    std::uint64_t sequence;
  };
  struct Class {
    ClassKey key;
    std::deque<Entry> entries;
    std::uint64_t waiting = 0;
    std::uint32_t overtaken = 0;
  };
  Position position(ClassId id) const;

  std::vector<Class> classes_;
  std::map<ClassKey, ClassId> by_key_;
  std::set<Position> order_;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t waiting_ = 0;
};

}  // namespace reeve::schedule
