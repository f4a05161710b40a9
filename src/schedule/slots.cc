#include "schedule/slots.h"

#include <algorithm>
#include <functional>

#include "schedule/waiting.h"

namespace reeve::schedule {

Slots::Slots(const Planner& planner, Time now)
    : planner_(planner),
      now_(now),
      nodes_(planner.nodes.size()) {}

NodeTimeline& Slots::at(NodeId node) {
  std::optional<NodeTimeline>& found = nodes_[node.value].timeline;
  if (found) return *found;
  free_.clear();
  for (std::uint32_t d = 0; d < planner_.nodes.dimensions().size(); ++d)
    free_.push_back(planner_.nodes.free(node, d));
  endings_.clear();
  Time last = now_;
  planner_.each_holder(node, [&](HolderId, const Holder& holder) {
    if (holder.staged) return;  // holds nothing yet
    const Time end = std::max(planner_.expected_end(holder, now_), now_ + Duration{1});
    endings_.push_back({end, &planner_.shape_of(holder)});
    last = std::max(last, end);
  });
  Shape load;  // takes nothing from what is alone there
  if (planner_.nodes.load(node) > 0) {
    for (std::uint32_t d = 0; d < planner_.nodes.dimensions().size(); ++d)
      load.push_back({d, planner_.nodes.free_without_load(node, d) - planner_.nodes.free(node, d)});
    endings_.push_back({last, &load});
  }
  return found.emplace(now_, free_, endings_);
}

bool Slots::is_closed(NodeId node, ClassId except) const {
  const std::optional<ClassId>& owner = nodes_[node.value].closed_for;
  return owner && *owner != except;
}

Time Slots::earliest_on(ClassId id, NodeId node, const Shape& shape, Time from, Time bound) {
  --looks_left_;
  if (is_closed(node, id)) return bound;
  if (!planner_.nodes.may_take(node, planner_.waiting.key(id).demand)) return bound;
  for (const Amount& wanted : shape) {
    if (planner_.nodes.capacity(node, wanted.dimension) < wanted.units) return bound;
  }
  const Time end = planner_.promised_end(id, node, now_);
  const Duration length = end == kNever ? Duration{-1} : end - now_;
  const Time found = at(node).earliest(shape, length, from, bound);
  // When it opens again, nobody asks: what does not end before the closing has no place there.
  return planner_.has_time(id, node, found) ? found : bound;
}

std::optional<Slot> Slots::earliest_single(ClassId id, std::uint8_t variant, Time bound) {
  const ClassKey& key = planner_.waiting.key(id);
  const Shape& shape = planner_.nodes.shape(key.demand, variant);
  const auto [found, is_new] = heaps_.try_emplace({key.demand, key.length, variant});
  std::vector<Bound>& heap = found->second;
  if (is_new) {
    for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
      const Time when = earliest_on(id, NodeId{n}, shape, now_, kNever);
      if (when != kNever) heap.push_back({when, NodeId{n}});
    }
    std::ranges::make_heap(heap, std::greater{});
  }
  while (!heap.empty() && heap.front().at < bound && looks_left_ > 0) {
    const Bound before = heap.front();
    const Time when = earliest_on(id, before.node, shape, before.at, kNever);
    if (when == before.at) return Slot{.at = when, .variant = variant, .nodes = {before.node}};
    std::ranges::pop_heap(heap, std::greater{});
    heap.back().at = when;
    if (when == kNever)
      heap.pop_back();  // nobody knows when; and that stays so
    else
      std::ranges::push_heap(heap, std::greater{});
  }
  return std::nullopt;
}

/// At each moment tried, as many nodes as are free then; else on to the next moment at which that
/// many could be.
std::optional<Slot> Slots::earliest_gang(ClassId id, std::uint8_t variant, Time from, Time bound) {
  const DemandId demand = planner_.waiting.key(id).demand;
  const Shape& shape = planner_.nodes.shape(demand, variant);
  const std::size_t wanted = planner_.nodes.demand(demand).nodes;
  struct Found {
    Time at;
    NodeId node;
  };
  std::vector<Found> found;
  while (from < bound && looks_left_ > 0) {
    found.clear();
    for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
      const Time when = earliest_on(id, NodeId{n}, shape, from, bound);
      if (when < bound) found.push_back({when, NodeId{n}});
    }
    if (found.size() < wanted) return std::nullopt;
    std::ranges::stable_sort(found, {}, &Found::at);
    if (found[wanted - 1].at == from) {
      Slot slot{.at = from, .variant = variant, .nodes = {}};
      for (std::size_t i = 0; i < wanted; ++i) slot.nodes.push_back(found[i].node);
      return slot;
    }
    from = found[wanted - 1].at;
  }
  return std::nullopt;
}

std::optional<Slot> Slots::earliest(ClassId id, Time from) {
  const Demand& demand = planner_.nodes.demand(planner_.waiting.key(id).demand);
  std::optional<Slot> best;
  if (looks_left_ <= 0) return best;
  for (std::uint8_t variant = 0; variant < demand.variants.size(); ++variant) {
    if (!planner_.could_ever_run(planner_.waiting.key(id), variant)) continue;
    const Time bound = best ? best->at : kNever;
    std::optional<Slot> found = demand.nodes == 1 ? earliest_single(id, variant, bound)
                                                  : earliest_gang(id, variant, from, bound);
    if (found) best = std::move(found);
  }
  return best;
}

void Slots::promise(const Reservation& promise, const Shape& shape, std::int64_t overtaken) {
  Node& node = nodes_[promise.node.value];
  node.has_promises = true;
  node.overtaken = std::max(node.overtaken, overtaken);
  if (promise.at == kNever)
    node.closed_for = promise.owner;
  else
    at(promise.node).take(shape, promise.at, promise.until);
}

void Slots::forget(const Reservation& promise, const Shape& shape) {
  heaps_.clear();
  if (promise.at == kNever)
    nodes_[promise.node.value].closed_for.reset();
  else
    give(promise.node, shape, promise.at, promise.until);
}

bool Slots::admits(ClassId id, NodeId node, const Shape& shape, Time end,
                   std::int64_t starts) const {
  const Node& one = nodes_[node.value];
  if (!one.has_promises) return true;
  if (is_closed(node, id)) return false;
  const std::int64_t most = end == kNever ? kOvertakesMax : kBackfillsMax;
  if (one.overtaken >= most - starts) return false;
  return end == kNever || fits(node, shape, now_, end);
}

void Slots::take(NodeId node, const Shape& shape, Time from, Time to) {
  if (nodes_[node.value].timeline) nodes_[node.value].timeline->take(shape, from, to);
}

void Slots::give(NodeId node, const Shape& shape, Time from, Time to) {
  heaps_.clear();
  if (nodes_[node.value].timeline) nodes_[node.value].timeline->give(shape, from, to);
}

bool Slots::fits(NodeId node, const Shape& shape, Time from, Time to) const {
  const Node& one = nodes_[node.value];
  return !one.has_promises || !one.timeline || one.timeline->fits(shape, from, to);
}

}  // namespace reeve::schedule
