// Where and when there is room for what waits, in one pass of a planner that promises a place to
// each of the first (conservative backfilling): a timeline for each node, on which running attempts
// give back what they hold when they are expected to end, and on which each promise takes what it
// will hold. So nothing that is asked later can delay what was promised before. A gang begins at
// one moment on all its nodes.
//
// What has no expected length is taken to run for ever once it is promised. It may start beside
// promises that it could delay, as under EASY: until one of them has been overtaken often enough.
//
// Pure; one thread; lives as long as its pass. Cost: of each shape and length the first search
// looks at each node, the next ones at those that can be best (a node has its slots no sooner than
// before: timelines only fill). A gang looks at each node some times. After kLooksMax nothing more
// is found.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "schedule/node_timeline.h"
#include "schedule/planner.h"

namespace reeve::schedule {

/// In one pass, at nodes: a thousand promises on a thousand nodes.
inline constexpr std::int64_t kLooksMax = 1'000'000;

struct Slot {
  Time at = kNever;
  std::uint8_t variant = 0;
  boost::container::small_vector<NodeId, 1> nodes;
};

class Slots {
 public:
  Slots(const Planner& planner, Time now);

  /// The earliest for one task of the class; none if nobody knows of any. `from`: what was given to
  /// the one before it in its class, or now.
  std::optional<Slot> earliest(ClassId id, Time from);
  /// A promise, as it is in Planner::reservations(). `overtaken`: how often its class has been,
  /// less the starts of this pass so far. At kNever the node is closed to others.
  void promise(const Reservation& promise, const Shape& shape, std::int64_t overtaken);
  void forget(const Reservation& promise, const Shape& shape);
  /// Whether a task that would run in [now, end) delays nobody there; kNever: for an unknown time.
  /// `starts`: of this pass so far.
  bool admits(ClassId id, NodeId node, const Shape& shape, Time end, std::int64_t starts) const;
  /// Whether it would delay nobody in [from, to).
  bool fits(NodeId node, const Shape& shape, Time from, Time to) const;
  /// Something holds the shape there. Before a node was asked about, it is known anyway.
  void take(NodeId node, const Shape& shape, Time from, Time to);
  void give(NodeId node, const Shape& shape, Time from, Time to);
  /// Somebody keeps the node until there is room, whenever that is.
  bool is_closed(NodeId node, ClassId except) const;
  const NodeTimeline& timeline(NodeId node) { return at(node); }

 private:
  struct Node {
    std::optional<NodeTimeline> timeline;
    std::int64_t overtaken = std::numeric_limits<std::int64_t>::min();  ///< most of its promises
    std::optional<ClassId> closed_for;
    bool has_promises = false;
  };
  /// What finds the same slots. A node of `heap` has none before its time; least first.
  struct Alike {
    DemandId demand;
    Duration length;
    std::uint8_t variant = 0;
    friend auto operator<=>(const Alike&, const Alike&) = default;
  };
  struct Bound {
    Time at;
    NodeId node;
    friend auto operator<=>(const Bound&, const Bound&) = default;
  };
  NodeTimeline& at(NodeId node);
  /// On that node, in [from, bound); `bound`: there is none.
  Time earliest_on(ClassId id, NodeId node, const Shape& shape, Time from, Time bound);
  std::optional<Slot> earliest_single(ClassId id, std::uint8_t variant, Time bound);
  std::optional<Slot> earliest_gang(ClassId id, std::uint8_t variant, Time from, Time bound);

  const Planner& planner_;
  Time now_;
  std::vector<Node> nodes_;
  std::map<Alike, std::vector<Bound>> heaps_;
  std::vector<Ending> endings_;     ///< room to work in
  std::vector<std::int64_t> free_;  ///< the same
  std::int64_t looks_left_ = kLooksMax;
};

}  // namespace reeve::schedule
