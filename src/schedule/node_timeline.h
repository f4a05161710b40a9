// What is free on one node over time, in all of its dimensions: a step function that begins at
// `now` and whose last step holds for ever. Conservative backfilling asks it when something of a
// shape and a length can begin (A. Mu'alem and D. Feitelson, IEEE TPDS 12, 2001). schedule/
// availability.h is the same for one dimension. Pure; one thread.
//
// Cost: linear in the steps of the range, of which there are at most two per taking.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "schedule/demand.h"

namespace reeve::schedule {

/// What is held until a moment. kNever: for ever.
struct Ending {
  Time at;
  const Shape* shape;
};

class NodeTimeline {
 public:
  /// `free` at `now`, by dimension; of the endings, which it sorts, each gives its shape back.
  NodeTimeline(Time now, std::span<const std::int64_t> free, std::vector<Ending>& endings);

  /// Whether the shape is free in [from, to); at `from` also when that is empty. kNever: for ever.
  /// REQUIRES from >= now.
  bool fits(const Shape& shape, Time from, Time to) const;
  /// The first moment in [from, bound) at which the shape is free for `length` (negative: for
  /// ever); `bound` if there is none. REQUIRES from >= now.
  Time earliest(const Shape& shape, Duration length, Time from, Time bound) const;
  /// Takes the shape in [from, to). What is free may become negative: who takes more than there is
  /// has promised too much, and sees it. REQUIRES from >= now.
  void take(const Shape& shape, Time from, Time to) { add(shape, from, to, -1); }
  void give(const Shape& shape, Time from, Time to) { add(shape, from, to, 1); }
  /// The least that is ever free in a dimension.
  std::int64_t least(std::uint32_t dimension) const;

 private:
  std::size_t index_at(Time at) const;
  /// Makes a step begin there; its index. kNever: one behind the last.
  std::size_t split(Time at);
  bool holds(std::size_t step, const Shape& shape) const;
  void add(const Shape& shape, Time from, Time to, std::int64_t sign);

  std::size_t width_;               ///< dimensions
  std::vector<Time> at_;            ///< by step
  std::vector<std::int64_t> free_;  ///< by step, then dimension
};

/// `from` and so much later, at most kNever. Negative: kNever.
Time later_by(Time from, Duration length);

}  // namespace reeve::schedule
