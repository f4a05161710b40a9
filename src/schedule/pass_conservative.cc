// Promises to each of the first (conservative backfilling): what a pass does for tasks that find no
// room, the first of their class and those behind it.
#include <algorithm>

#include "schedule/pass.h"

namespace reeve::schedule {
namespace {

constexpr std::size_t kStaleMax = 10 * kPromisesMax;  // that are looked at to find who waits

}  // namespace

std::optional<Time> Pass::promise(ClassId id, TaskId task, Time from, std::int64_t overtaken) {
  const std::optional<Slot> slot = slots_->earliest(id, from);
  if (!slot) return std::nullopt;
  const Shape& shape = planner_.nodes.shape(planner_.waiting.key(id).demand, slot->variant);
  for (const NodeId node : slot->nodes) {
    const Reservation promise{.owner = id,
                              .node = node,
                              .at = slot->at,
                              .spare = {},
                              .task = task,
                              .until = planner_.promised_end(id, node, slot->at),
                              .variant = slot->variant};
    slots_->promise(promise, shape, overtaken);
    planner_.add_promise(promise);
  }
  ++promised_;
  return slot->at;
}

/// Nobody knows when there is room, and it has been overtaken often enough: it keeps nodes that
/// could hold it.
bool Pass::close_nodes() {
  if (closed_ >= kForcedMax) return false;
  const DemandId id = planner_.waiting.key(current_).demand;
  const Demand& demand = planner_.nodes.demand(id);
  for (std::uint8_t variant = 0; variant < demand.variants.size(); ++variant) {
    const Shape& shape = planner_.nodes.shape(id, variant);
    boost::container::small_vector<NodeId, 4> found;
    for (std::uint32_t n = 0; n < planner_.nodes.size() && found.size() < demand.nodes; ++n) {
      const NodeId node{n};
      const bool could_hold = std::ranges::all_of(shape, [&](const Amount& wanted) {
        return planner_.nodes.capacity(node, wanted.dimension) >= wanted.units;
      });
      if (could_hold && planner_.nodes.may_take(node, id) && !slots_->is_closed(node, current_))
        found.push_back(node);
    }
    if (found.size() < demand.nodes) continue;
    for (const NodeId node : found) {
      const Reservation promise{.owner = current_,
                                .node = node,
                                .spare = {},
                                .task = planner_.waiting.head(current_),
                                .variant = variant};
      slots_->promise(promise, shape, 0);
      planner_.add_promise(promise);
    }
    ++closed_;
    return true;
  }
  return false;
}

bool Pass::reserve_slot(bool forced) {
  if (planner_.reservation_of(current_) != nullptr) return true;
  const ClassKey& key = planner_.waiting.key(current_);
  const std::int64_t overtaken =
      std::int64_t{planner_.waiting.overtaken(current_)} - static_cast<std::int64_t>(starts_);
  const auto at = promise(current_, planner_.waiting.head(current_), now_, overtaken);
  if (!at) return forced && close_nodes();
  if (!has_limits(key)) {
    go_deeper({.position = planner_.waiting.position(current_),
               .offset = 0,
               .entry = 0,
               .from = *at,
               .overtaken = overtaken});
  }
  return true;
}

/// Whether something other than room bounds how many of its class may run at once. Then only the
/// first is promised a place: those behind it may not be able to use theirs.
bool Pass::has_limits(const ClassKey& key) const {
  if (key.locks != LockSetId{} || key.rate != RateId{}) return true;
  const std::string& queue = planner_.shares.queue_of(key.leaf);
  const std::string& user = planner_.shares.user_of(key.leaf);
  const auto is_in = [&](const std::string& above) {
    return above.empty() || queue == above || queue.starts_with(above + "/");
  };
  const auto limits = [&](const QueueSetup& one) {
    return is_in(one.name) && (one.running_max >= 0 || one.cap != Resources{});
  };
  const auto bounds = [&](const QuotaSetup& one) {
    return is_in(one.queue) && (one.user.empty() || one.user == user) &&
           (one.running_max >= 0 || one.cpu_seconds_a_day >= 0);
  };
  return std::ranges::any_of(planner_.policy_.queues, limits) ||
         std::ranges::any_of(planner_.policy_.quotas, bounds);
}

/// The task behind that one in its class is next.
void Pass::go_deeper(Deeper at) {
  const ClassId id = at.position.id;
  if (++at.offset >= planner_.waiting.range(id, at.entry).count) {
    at.offset = 0;
    if (++at.entry >= planner_.waiting.entries(id)) return;
    at.position = planner_.waiting.position(id, at.entry);
  }
  deeper_[planner_.waiting.key(id).leaf].insert(at);
}

/// All of a leaf that are before a position (null: all), in order.
void Pass::promise_deeper(LeafId leaf, const Waiting::Position* before) {
  const auto found = deeper_.find(leaf);
  if (found == deeper_.end()) return;
  std::set<Deeper>& waiting = found->second;
  while (!waiting.empty() && may_promise(false)) {
    Deeper one = *waiting.begin();
    if (before != nullptr && one.position > *before) return;
    waiting.erase(waiting.begin());
    TaskId task = planner_.waiting.range(one.position.id, one.entry).first;
    task.index += one.offset;
    if (!is_stale_ || !is_stale_(task)) {
      const auto at = promise(one.position.id, task, one.from, one.overtaken);
      if (!at) continue;
      one.from = *at;
    } else if (++stale_ >= kStaleMax) {
      continue;
    }
    go_deeper(one);
  }
}

}  // namespace reeve::schedule
