// Promises and making room: what a pass does for the first that find no place.
#include <algorithm>

#include "schedule/pass.h"

namespace reeve::schedule {
namespace {

// A promise is the best of so many nodes: working one out costs as much as a hundred placements.
constexpr std::size_t kOpeningsMax = 32;
// Looking for what could be stopped walks over all attempts: it is done for the first so many.
constexpr std::size_t kPreemptTriesMax = 16;

struct Opening {
  NodeId node;
  Time at = kNever;
  Shape spare;  ///< by dimension of what was free and becomes free, less what was asked for
};

/// What is free on a node in the dimensions of a shape, to which what ends is added.
class Room {
 public:
  Room(const Nodes& nodes, NodeId node, const Shape& shape) : shape_(shape) {
    for (std::uint32_t d = 0; d < nodes.dimensions().size(); ++d) {
      if (nodes.capacity(node, d) > 0) left_.push_back({d, nodes.free(node, d)});
    }
    for (const Amount& wanted : shape) {
      const auto has = std::ranges::find(left_, wanted.dimension, &Amount::dimension);
      if (has == left_.end() || nodes.capacity(node, wanted.dimension) < wanted.units)
        possible_ = false;
      else
        has->units -= wanted.units;
    }
  }
  bool possible() const { return possible_; }
  bool fits() const {
    return std::ranges::all_of(shape_, [&](const Amount& wanted) {
      return std::ranges::find(left_, wanted.dimension, &Amount::dimension)->units >= 0;
    });
  }
  void add(const Shape& shape, std::int64_t sign = 1) {
    for (const Amount& more : shape) {
      const auto has = std::ranges::find(left_, more.dimension, &Amount::dimension);
      if (has != left_.end()) has->units += sign * more.units;
    }
  }
  /// The last that ran has ended: load takes nothing from what is alone.
  void lift_load(const Nodes& nodes, NodeId node) {
    for (Amount& has : left_)
      has.units += nodes.free_without_load(node, has.dimension) - nodes.free(node, has.dimension);
  }
  const Shape& spare() const { return left_; }

 private:
  const Shape& shape_;
  Shape left_;
  bool possible_ = true;
};

bool could_hold(const Nodes& nodes, NodeId node, const Shape& shape) {
  return std::ranges::all_of(shape, [&](const Amount& wanted) {
    return nodes.capacity(node, wanted.dimension) >= wanted.units;
  });
}

/// When the shape fits on the node as far as is expected, if that is before `bound` (kNever: any
/// time will do). At kNever: when is not known. `endings` is room to work in.
std::optional<Opening> opening(const Planner& planner, NodeId node, const Shape& shape, Time now,
                               Time bound, std::vector<Ending>& endings) {
  Room room(planner.nodes, node, shape);
  if (!room.possible()) return std::nullopt;
  Opening out{.node = node, .at = now, .spare = {}};
  if (!room.fits()) {
    endings.clear();
    bool all = true;
    planner.each_holder(node, [&](HolderId, const Holder& holder) {
      if (holder.staged) return;
      const Time end = planner.expected_end(holder, now);
      const bool in_time = bound == kNever || end < bound;
      all &= in_time;
      if (in_time) endings.push_back({end, &planner.shape_of(holder)});
    });
    const auto later = [](const Ending& a, const Ending& b) { return a.at > b.at; };
    std::ranges::make_heap(endings, later);
    while (!endings.empty() && !room.fits()) {
      std::ranges::pop_heap(endings, later);
      room.add(*endings.back().shape);
      out.at = endings.back().at;
      endings.pop_back();
    }
    if (!room.fits() && all) room.lift_load(planner.nodes, node);
    if (!room.fits()) return std::nullopt;  // too late, or the capacity shrank below what runs
  }
  out.spare = room.spare();
  return out;
}

}  // namespace

bool Pass::reserve(bool forced) {
  if (slots_) return reserve_slot(forced);
  if (planner_.reservation_of(current_) != nullptr) return true;
  const DemandId id = planner_.waiting.key(current_).demand;
  const Demand& demand = planner_.nodes.demand(id);
  std::vector<Opening> best;
  std::vector<Ending> endings;
  for (std::uint8_t variant = 0; variant < demand.variants.size(); ++variant) {
    const Shape& shape = planner_.nodes.shape(id, variant);
    if (!allows(shape)) continue;
    std::vector<Opening> found;
    const auto count = static_cast<std::uint32_t>(planner_.nodes.size());
    const auto enough = std::max<std::size_t>(kOpeningsMax, demand.nodes);
    Time bound = kNever;
    std::size_t looked = 0;
    for (std::uint32_t i = 0; i < count && looked < enough; ++i) {
      const auto n =
          static_cast<std::uint32_t>((planner_.nodes.growths() * kOpeningsMax + i) % count);
      if (planner_.nodes.is_kept(NodeId{n}) && reserved(NodeId{n}) != nullptr) continue;
      if (!planner_.nodes.may_take(NodeId{n}, id)) continue;
      if (!could_hold(planner_.nodes, NodeId{n}, shape)) continue;
      ++looked;
      auto one = opening(planner_, NodeId{n}, shape, now_, bound, endings);
      if (!one) continue;
      if (demand.nodes == 1) {  // only the first counts
        bound = one->at;
        found.clear();
      }
      found.push_back(std::move(*one));
    }
    if (found.size() < demand.nodes) continue;
    std::ranges::stable_sort(found, {}, &Opening::at);
    found.resize(demand.nodes);
    if (best.empty() || found.back().at < best.back().at) best = std::move(found);
  }
  if (best.empty() || (best.back().at == kNever && !forced)) return false;
  for (const Opening& one : best) {
    planner_.add_promise({.owner = current_,
                          .node = one.node,
                          .at = best.back().at,
                          .spare = {one.spare.begin(), one.spare.end()},
                          .task = planner_.waiting.head(current_)});
  }
  return true;
}

namespace {

struct Victim {
  HolderId id;
  Time since;
  const Shape* shape;
};

struct Victims {
  std::vector<HolderId> ids;
  double loss = 0;  ///< processor time (or time, of what asks for none) that is thrown away
};

double loss_of(const Victim& victim, Time now) {
  const double seconds = std::chrono::duration<double>(now - victim.since).count();
  const bool has_cpu = !victim.shape->empty() && victim.shape->front().dimension == 0;
  return seconds * (has_cpu ? static_cast<double>(victim.shape->front().units) / 1000 : 1);
}

/// The cheapest of what may be stopped on a node that make enough room, or none.
template <class MayStop>
std::optional<Victims> victims_on(const Planner& planner, NodeId node, const Shape& shape, Time now,
                                  MayStop may_stop) {
  Room room(planner.nodes, node, shape);
  if (!room.possible()) return std::nullopt;
  std::vector<Victim> candidates;
  planner.each_holder(node, [&](HolderId id, const Holder& holder) {
    const ClassKey& key = planner.waiting.key(holder.owner);
    if (holder.staged || holder.gang != kNoHolder) return;
    if (holder.stopping) {
      room.add(planner.shape_of(holder));  // it is going already
      return;
    }
    if (holder.spared || !key.preemptible || !may_stop(key)) return;
    candidates.push_back({id, holder.since, &planner.shape_of(holder)});
  });
  std::ranges::stable_sort(candidates, {},
                           [&](const Victim& victim) { return loss_of(victim, now); });
  std::vector<Victim> chosen;
  for (const Victim& victim : candidates) {
    if (room.fits()) break;
    room.add(*victim.shape);
    chosen.push_back(victim);
  }
  if (!room.fits()) return std::nullopt;
  Victims out;
  for (std::size_t i = chosen.size(); i-- > 0;) {  // the dearest first: perhaps it need not go
    room.add(*chosen[i].shape, -1);
    if (room.fits()) continue;
    room.add(*chosen[i].shape);
    out.ids.push_back(chosen[i].id);
    out.loss += loss_of(chosen[i], now);
  }
  return out;
}

}  // namespace

bool Pass::may_preempt() const {
  return planner_.policy_.preemption_gap > 0 || planner_.policy_.reclaim_share;
}

std::int32_t Pass::inherited_priority(const ClassKey& key) {
  if (key.locks == LockSetId{}) return key.priority;
  if (!knows_wanted_) {
    knows_wanted_ = true;
    for (const LeafId leaf : planner_.waiting.active()) {
      for (const Waiting::Position& position : planner_.waiting.order(leaf)) {
        const ClassKey& waits = planner_.waiting.key(position.id);
        for (const LockUse& use : planner_.locks.set(waits.locks)) {
          const auto [at, is_new] = wanted_locks_.try_emplace(use.lock, waits.priority);
          if (!is_new) at->second = std::max(at->second, waits.priority);
        }
      }
    }
  }
  std::int32_t priority = key.priority;
  for (const LockUse& use : planner_.locks.set(key.locks)) {
    const auto wanted = wanted_locks_.find(use.lock);
    if (wanted != wanted_locks_.end()) priority = std::max(priority, wanted->second);
  }
  return priority;
}

void Pass::preempt() {
  const ClassKey& key = planner_.waiting.key(current_);
  if (!may_preempt() || planner_.nodes.demand(key.demand).nodes > 1) return;
  if (++preempt_tries_ > kPreemptTriesMax) return;
  const Reservation* promise = planner_.reservation_of(current_);
  if (promise != nullptr && promise->at <= now_ + planner_.policy_.preemption_grace) return;
  const std::int32_t gap = planner_.policy_.preemption_gap;
  const bool reclaims = planner_.policy_.reclaim_share;
  const auto may_stop = [&](const ClassKey& other) {
    const std::int32_t priority = inherited_priority(other);
    if (gap > 0 && key.priority - priority >= gap) return true;
    return reclaims && priority == other.priority &&
           planner_.shares.may_reclaim(key.leaf, other.leaf);
  };
  const Time gone = now_ + planner_.policy_.preemption_grace;
  std::optional<Victims> best;
  NodeId best_node;
  for (std::uint32_t n = 0; n < planner_.nodes.size(); ++n) {
    const NodeId node{n};
    const Reservation* kept = slots_ ? nullptr : reserved(node);
    if (!planner_.nodes.may_take(node, key.demand)) continue;
    if (kept != nullptr && kept->owner != current_) continue;
    auto found = victims_on(planner_, node, planner_.nodes.shape(key.demand, 0), now_, may_stop);
    if (!found || (best && best->loss <= found->loss)) continue;
    if (slots_ && !would_have_room(node, found->ids, gone)) continue;
    best = std::move(found);
    best_node = node;
  }
  if (best) stop(best->ids, best_node, gone);
}

/// Nobody is stopped for room that somebody else was promised.
bool Pass::would_have_room(NodeId node, const std::vector<HolderId>& without, Time from) {
  if (slots_->is_closed(node, current_)) return false;
  NodeTimeline trial = slots_->timeline(node);
  for (const HolderId id : without) {
    const Holder& holder = planner_.holder(id);
    trial.give(planner_.shape_of(holder), from, planner_.expected_end(holder, now_));
  }
  return trial.fits(planner_.nodes.shape(planner_.waiting.key(current_).demand, 0), from,
                    planner_.promised_end(current_, node, from));
}

void Pass::stop(const std::vector<HolderId>& victims, NodeId node, Time gone) {
  for (const HolderId id : victims) {
    Holder& holder = planner_.holders_[id.value];
    if (slots_)
      slots_->give(node, planner_.shape_of(holder), gone, planner_.expected_end(holder, now_));
    holder.stopping = true;
    holder.end = gone;
    preempted_.push_back(id);
  }
  forget_promise(current_);
  const Reservation promise{.owner = current_,
                            .node = node,
                            .at = gone,
                            .spare = {},
                            .task = planner_.waiting.head(current_),
                            .until = planner_.promised_end(current_, node, gone)};
  planner_.add_promise(promise);
  if (slots_) {
    const std::int64_t before = planner_.waiting.overtaken(current_);
    slots_->promise(promise, planner_.nodes.shape(planner_.waiting.key(current_).demand, 0),
                    before - static_cast<std::int64_t>(starts_));
  }
}

}  // namespace reeve::schedule
