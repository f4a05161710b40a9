// Tasks that may start, by who they belong to. Tasks that ask for the same (ClassKey) form a class
// with a first-in-first-out list of index ranges, so that an array of a million costs one entry,
// and what cannot start is passed over by class. The classes of a leaf (one user in one queue) are
// in order of their oldest entry's virtual arrival:
//
//   arrival - priority * weight - deadline bonus - shortness * weight       (OrderWeights)
//
// All terms are times that do not change while a task waits, so the order is kept, not computed;
// and the bound on overtaking is plain: nothing is overtaken by what came later than itself by more
// than the difference of the head starts. A head start for the slack s of a deadline is h * h / (h
// + s).
//
// Entries may be stale (a queued task was cancelled): the caller checks what it is given. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "base/ids.h"
#include "base/scheduling_policy.h"
#include "base/time.h"
#include "schedule/circuits.h"
#include "schedule/demand.h"
#include "schedule/locks.h"
#include "schedule/numbers.h"
#include "schedule/share_tree.h"

namespace reeve::schedule {

using ClassId = Id<struct ClassIdTag, std::uint32_t>;  ///< 0: none
using RateId = Id<struct RateIdTag, std::uint32_t>;    ///< what shares a rate limit; 0: none

struct ClassKey {
  LeafId leaf;
  std::int32_t priority = 0;  ///< higher first
  Time deadline = kNever;     ///< earlier first
  DemandId demand;
  LockSetId locks;
  RateId rate;
  CircuitId circuit;  ///< of its task key
  CircuitId target;   ///< of its label `target`
  /// How long one is thought to run; negative: nobody knows. Rounded (rounded_length), so that
  /// there are not more classes than kinds.
  Duration length{-1};
  bool preemptible = false;
  std::uint32_t batch = 0;  ///< what may be started together has the same; 0: each alone
  friend auto operator<=>(const ClassKey&, const ClassKey&) = default;
};

/// Tasks [first.index, first.index + count) of one run.
struct Range {
  TaskId first;
  std::uint32_t count = 0;
};

/// The terms of a class's virtual arrival, for people. Each is a head start.
struct HeadStart {
  Duration priority{0};
  Duration deadline{0};
  Duration length{0};
  Duration sum() const { return priority + deadline + length; }
};
HeadStart head_start(const OrderWeights& weights, const ClassKey& key, Time now);
/// To the nearest of four steps between a length and its double.
Duration rounded_length(Duration length);

/// After so many starts of later ones, a task that waits for room is let through before anything
/// whose length nobody knows; after so many more, also before what is expected to be in nobody's
/// way.
inline constexpr std::uint32_t kOvertakesMax = 100;
inline constexpr std::uint32_t kBackfillsMax = 1000;

class Waiting {
 public:
  ClassId intern(const ClassKey& key);
  /// Forgets the classes in which nothing waits and which are not used (by class): their numbers
  /// are given again.
  void keep(std::vector<bool> is_used);
  bool knows(ClassId id) const {
    return id.value < classes_.size() && numbers_.has(classes_[id.value].key, id);
  }
  std::size_t classes() const { return numbers_.size(); }
  std::uint32_t classes_end() const { return numbers_.end(); }
  const ClassKey& key(ClassId id) const { return classes_[id.value].key; }
  void set_weights(const OrderWeights& weights) { weights_ = weights; }
  const OrderWeights& weights() const { return weights_; }
  Duration length(ClassId id) const { return classes_[id.value].key.length; }

  /// Nothing waits any more; classes keep their numbers.
  void clear();
  void push(ClassId id, Range range, Time now);
  bool empty() const { return active_.empty(); }
  std::uint64_t waiting() const { return waiting_; }  ///< upper bound: stale entries count
  std::uint64_t waiting(ClassId id) const { return classes_[id.value].waiting; }
  std::uint64_t waiting_of(LeafId leaf) const;

  /// Classes with entries, best first. Valid until the next push or pop.
  struct Position {
    Time arrival;                ///< virtual, of the oldest entry
    std::uint32_t sequence = 0;  ///< of the entry; breaks ties: first come
    ClassId id;
    DemandId demand;  ///< of the class
    friend auto operator<=>(const Position&, const Position&) = default;
  };
  const std::set<Position>& order(LeafId leaf) const { return leaves_[leaf.value].order; }
  /// Leaves that have entries; in no order that means anything.
  const std::vector<LeafId>& active() const { return active_; }
  Position position(ClassId id) const { return position(id, 0); }
  // Further entries of a class, oldest first.
  std::size_t entries(ClassId id) const { return classes_[id.value].entries.size(); }
  Position position(ClassId id, std::size_t entry) const;
  const Range& range(ClassId id, std::size_t entry) const {
    return classes_[id.value].entries[entry].range;
  }
  /// The oldest task of a class. REQUIRES waiting entries.
  TaskId head(ClassId id) const;
  /// Takes the oldest task, which starts: what was passed over so far no longer counts.
  void pop(ClassId id);
  /// Takes the oldest task, which was stale.
  void drop(ClassId id);

  std::uint32_t overtaken(ClassId id) const { return classes_[id.value].overtaken; }
  void count_overtaken(ClassId id, std::uint32_t starts) { classes_[id.value].overtaken += starts; }

 private:
  struct Entry {
    Range range;
    std::uint32_t sequence;  ///< of pushes; wraps round, which only unmakes a tie of long ago
    Time arrival;
  };
  struct Class {
    ClassKey key;
    std::deque<Entry> entries;
    std::uint64_t waiting = 0;
    std::uint32_t overtaken = 0;
  };
  struct Leaf {
    std::set<Position> order;
    std::uint64_t waiting = 0;
    std::size_t active_at = 0;  ///< in active_, when it has entries
  };
  void enlist(const Position& position);
  void delist(const Position& position);

  OrderWeights weights_;
  std::vector<Class> classes_ = std::vector<Class>(1);  ///< by number; 0: nobody's
  std::vector<Leaf> leaves_;  ///< by leaf; shorter than the tree where nothing ever waited
  Numbers<ClassKey, ClassId> numbers_{1};
  std::vector<LeafId> active_;
  std::uint64_t waiting_ = 0;
  std::uint32_t next_sequence_ = 1;
};

}  // namespace reeve::schedule
