#include "schedule/planner.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "schedule/node_timeline.h"

namespace reeve::schedule {

namespace {

std::int64_t millicore_seconds(const Shape& shape, Duration took) {
  if (shape.empty() || shape.front().dimension != 0) return 0;
  return shape.front().units *
         std::chrono::ceil<std::chrono::seconds>(std::max(took, Duration{0})).count();
}

}  // namespace

Planner::Planner() { configure({}); }

void Planner::configure(const SchedulingPolicy& policy) {
  policy_ = policy;
  std::vector<Shape> caps;
  for (const QueueSetup& queue : policy.queues) caps.push_back(nodes.shape_for(queue.cap));
  shares.configure(policy.queues, caps, policy.share_half_life);
  waiting.clear();
  reservations_.clear();
  promises_.assign(nodes.size(), 0);
  waiting.set_weights(policy.order);
  nodes.set_weights(policy.node);
  gates.configure(policy, shares);
  if (policy.breaker.failures_permille == 0) tripped_.clear();
  retries.configure(policy);
  for (std::uint32_t n = 0; n < nodes.size(); ++n) {  // what runs counts, also what ran before
    each_holder(NodeId{n}, [&](HolderId, const Holder& holder) {
      if (holder.gang == kNoHolder) gates.hold(waiting.key(holder.owner), shares);
    });
  }
  pool_windows_.clear();
  for (const WindowSetup& window : policy.windows) {
    if (!window.pool.empty()) pool_windows_[window.pool].add(window);
  }
  next_window_ = pool_windows_.empty() && tripped_.empty() ? kNever : kUnset;
  for (std::uint32_t n = 0; n < nodes.size(); ++n) {
    closes_at_[n] = kNever;
    open_most_[n] = kDurationMax;
    nodes.set_open(NodeId{n}, is_there_[n] != 0 && !is_tripped(NodeId{n}));
    refresh_kept(NodeId{n});
  }
}

void Planner::apply_windows(Time now) {
  if (next_window_ > now) return;
  next_window_ = kNever;
  std::erase_if(tripped_, [&](NodeId node) {
    const Time until = circuit_opens_at(node, now);
    nodes.set_open(node, until <= now && is_there_[node.value] != 0);
    if (until > now) next_window_ = std::min(next_window_, until);
    return gates.circuits.state(circuit_of(node), now) == Circuits::State::closed;
  });
  for (const auto& [pool, calendar] : pool_windows_) {
    const bool open = calendar.is_open(now);
    const Time closes = open ? calendar.closes(now) : kNever;
    next_window_ = std::min(next_window_, open ? closes : calendar.opens(now));
    for (std::uint32_t n = 0; n < nodes.size(); ++n) {
      if (nodes.setup(NodeId{n}).pool != pool) continue;
      const bool is_let_in = !is_tripped(NodeId{n}) || circuit_opens_at(NodeId{n}, now) <= now;
      nodes.set_open(NodeId{n}, open && is_let_in && is_there_[n] != 0);
      closes_at_[n] = closes;
      open_most_[n] = calendar.longest();
      refresh_kept(NodeId{n});
    }
  }
}

bool Planner::is_tripped(NodeId node) const {
  return std::ranges::find(tripped_, node) != tripped_.end();
}

Time Planner::circuit_opens_at(NodeId node, Time now) const {
  const auto id = gates.circuits.find("node:" + nodes.setup(node).name);
  return id ? gates.circuits.opens_at(*id, now) : now;
}

bool Planner::has_time(ClassId id, NodeId node, Time from, std::uint32_t members) const {
  if (closes_at_[node.value] == kNever) return true;
  const Duration length = length_there(id, node, 1, members);
  return length < Duration{0} || length > open_most_[node.value] ||
         later_by(from, length) <= closes_at_[node.value];
}

Time Planner::takes_at(NodeId node, ClassId id, Time now) const {
  const Duration length = length_there(id, node, 1, 1);
  const Time from = is_tripped(node) ? circuit_opens_at(node, now) : now;
  const auto calendar = pool_windows_.find(nodes.setup(node).pool);
  if (from == kNever || calendar == pool_windows_.end()) return from;
  if (calendar->second.has_time(from, length)) return from;
  return calendar->second.opens_for(length, from);
}

bool Planner::could_ever_run(const ClassKey& key, std::uint8_t variant) const {
  const std::uint32_t count = nodes.demand(key.demand).nodes;
  return nodes.could_ever_fit(key.demand, variant) &&
         !shares.is_beyond_caps(key.leaf, nodes.shape(key.demand, variant), count);
}

bool Planner::could_ever_run(const ClassKey& key) const {
  const std::size_t variants = nodes.demand(key.demand).variants.size();
  for (std::uint8_t variant = 0; variant < variants; ++variant)
    if (could_ever_run(key, variant)) return true;
  return false;
}

const std::string* Planner::limit_reached(const ClassKey& key) const {
  const Demand& demand = nodes.demand(key.demand);
  const std::string* first = nullptr;
  for (std::uint8_t variant = 0; variant < demand.variants.size(); ++variant) {
    const Shape& shape = nodes.shape(key.demand, variant);
    const std::string* const queue = shares.limit_reached(key.leaf, shape, demand.nodes);
    if (queue == nullptr) return nullptr;
    if (first == nullptr) first = queue;
  }
  return first;
}

void Planner::refresh_kept(NodeId node) {
  nodes.set_kept(node, !staging_[node.value].empty() || closes_at_[node.value] != kNever ||
                           promises_[node.value] > 0);
}

void Planner::add_promise(Reservation promise) {
  ++promises_[promise.node.value];
  nodes.set_kept(promise.node, true);
  reservations_.push_back(std::move(promise));
}

std::vector<Reservation> Planner::take_promises(ClassId id) {
  std::vector<Reservation> taken;
  std::erase_if(reservations_, [&](const Reservation& one) {
    if (one.owner != id) return false;
    --promises_[one.node.value];
    taken.push_back(one);
    return true;
  });
  for (const Reservation& one : taken) refresh_kept(one.node);
  return taken;
}

void Planner::forget_promises() {
  const std::vector<Reservation> before = std::exchange(reservations_, {});
  for (const Reservation& one : before) promises_[one.node.value] = 0;
  for (const Reservation& one : before) refresh_kept(one.node);
}

void Planner::set_open(NodeId node, bool open) {
  is_there_[node.value] = open ? 1 : 0;
  nodes.set_open(node, open && !is_tripped(node));
  // The next pass looks at them again.
  if (!pool_windows_.empty() || !tripped_.empty()) next_window_ = kUnset;
}

void Planner::refresh_totals() {
  std::vector<std::int64_t> totals;
  for (std::uint32_t d = 0; d < nodes.dimensions().size(); ++d) totals.push_back(nodes.total(d));
  shares.set_totals(std::move(totals));
}

NodeId Planner::add_node(const NodeSetup& setup) {
  const NodeId id = nodes.add(setup);
  staging_.emplace_back();
  first_.push_back(kNoHolder);
  is_there_.push_back(setup.cordoned ? 0 : 1);
  closes_at_.push_back(kNever);
  open_most_.push_back(kDurationMax);
  promises_.push_back(0);
  if (!pool_windows_.empty()) next_window_ = kUnset;
  refresh_totals();
  return id;
}

void Planner::set_capacity(NodeId node, const Resources& capacity) {
  nodes.set_capacity(node, capacity);
  refresh_totals();
}

void Planner::set_load(NodeId node, std::int32_t permille) {
  nodes.set_load(node, permille);
  refresh_totals();
}

HolderId Planner::add_holder(const Holder& holder) {
  HolderId id{static_cast<std::uint32_t>(holders_.size())};
  if (unused_.empty()) {
    holders_.emplace_back();
  } else {
    id = unused_.back();
    unused_.pop_back();
  }
  Holder& added = holders_[id.value];
  added = holder;
  HolderId& first = first_[holder.node.value];
  added.previous = kNoHolder;
  added.next = first;
  if (first != kNoHolder) holders_[first.value].previous = id;
  first = id;
  ++held_;
  return id;
}

void Planner::remove_holder(HolderId id) {
  const Holder& gone = holders_[id.value];
  if (gone.previous == kNoHolder)
    first_[gone.node.value] = gone.next;
  else
    holders_[gone.previous.value].next = gone.next;
  if (gone.next != kNoHolder) holders_[gone.next.value].previous = gone.previous;
  unused_.push_back(id);
  --held_;
}

HolderId Planner::restore(const Holder& holder, Time now) {
  const ClassKey& key = waiting.key(holder.owner);
  const Shape& shape = nodes.shape(key.demand, holder.variant);
  const HolderId id = add_holder(holder);
  const bool is_attempt = holder.gang == kNoHolder;  // of a gang one holder counts
  if (is_attempt) gates.hold(key, shares);
  if (holder.staged) {
    staging_[holder.node.value].push(id);
    refresh_kept(holder.node);
    return id;
  }
  nodes.take(holder.node, key.demand, holder.variant);
  staging_[holder.node.value].note({key.demand, holder.variant});
  shares.start(key.leaf, shape, now, is_attempt ? 1 : 0);
  return id;
}

void Planner::promote(NodeId node, Time now, std::vector<HolderId>& out) {
  if (staging_[node.value].empty()) return;
  Staging& staging = staging_[node.value];
  while (!staging.empty()) {
    const HolderId id = staging.front();
    Holder& holder = holders_[id.value];
    const ClassKey& key = waiting.key(holder.owner);
    const Shape& shape = nodes.shape(key.demand, holder.variant);
    if (!nodes.fits(node, shape)) return;
    nodes.take(node, key.demand, holder.variant);
    shares.start(key.leaf, shape, now);
    holder.staged = false;
    holder.since = now;
    staging.pop();
    out.push_back(id);
  }
  refresh_kept(node);
}

std::vector<HolderId> Planner::end(HolderId id, Time now) {
  std::vector<HolderId> promoted;
  while (id != kNoHolder) {
    const Holder holder = holders_[id.value];
    const ClassKey& key = waiting.key(holder.owner);
    const std::int32_t attempts = holder.gang == kNoHolder ? 1 : 0;
    if (holder.staged) {
      staging_[holder.node.value].remove(id);
      refresh_kept(holder.node);
    } else {
      nodes.release(holder.node, key.demand, holder.variant);
      shares.end(key.leaf, nodes.shape(key.demand, holder.variant), now, attempts);
    }
    const Shape& shape = nodes.shape(key.demand, holder.variant);
    const Duration took = holder.staged ? Duration{0} : now - holder.since;
    const std::int64_t used = millicore_seconds(shape, took);
    shares.note_use(key.leaf, used, now);
    gates.on_end(key, used, now, shares, attempts);
    remove_holder(id);
    promote(holder.node, now, promoted);
    id = holder.gang;
  }
  return promoted;
}

void Planner::note_start(NodeId node, Time now) {
  if (!is_tripped(node)) return;
  gates.circuits.on_start(circuit_of(node), now);
  nodes.set_open(node, false);  // one at a time
}

void Planner::note_end(NodeId node, bool lost, Time since, Time now) {
  nodes.observe_end(node, lost);
  if (policy_.breaker.failures_permille == 0) return;
  if (gates.circuits.on_end(circuit_of(node), lost, since, now)) {
    nodes.set_open(node, false);
    if (!is_tripped(node)) tripped_.push_back(node);
  }
  if (is_tripped(node)) next_window_ = kUnset;  // the next pass looks at its circuit
}

const Reservation* Planner::reservation_of(ClassId id) const {
  const auto found = std::ranges::find(reservations_, id, &Reservation::owner);
  return found == reservations_.end() ? nullptr : &*found;
}

const Reservation* Planner::reservation_of(ClassId id, TaskId task) const {
  if (!is_conservative()) return reservation_of(id);
  const auto found = std::ranges::find_if(
      reservations_, [&](const Reservation& one) { return one.owner == id && one.task == task; });
  return found == reservations_.end() ? nullptr : &*found;
}

Duration Planner::length_there(ClassId id, NodeId node, std::int32_t times,
                               std::uint32_t members) const {
  const Duration length = waiting.length(id);
  if (length < Duration{0}) return length;
  const Duration one = nodes.length_on(node, times * std::min(length, kDurationMax / 100));
  return std::min(one, kDurationMax / members) * members;
}

Time Planner::promised_end(ClassId id, NodeId node, Time from, std::uint32_t members) const {
  return later_by(from, length_there(id, node, policy_.margin, members));
}

Time Planner::expected_end(const Holder& holder, Time now) const {
  if (holder.end == kNever || holder.end > now) return std::min(holder.end, holder.limit);
  // It has outlived what was expected of it.
  if (policy_.overrun == Overrun::request && holder.limit > now && holder.limit != kNever)
    return holder.limit;
  const Duration so_far = std::max<Duration>(now - holder.since, std::chrono::seconds{1});
  return std::min(now + so_far, std::max(holder.limit, now + std::chrono::seconds{1}));
}

std::uint64_t Planner::waiting_of(const std::string& queue, const std::string& user) const {
  std::uint64_t sum = 0;
  for (const LeafId leaf : waiting.active()) {
    const std::string& of = shares.queue_of(leaf);
    const bool is_below = of == queue || of.starts_with(queue + "/");
    if (is_below && (user.empty() || shares.user_of(leaf) == user)) sum += waiting.waiting_of(leaf);
  }
  return sum;
}

std::int64_t Planner::places(NodeId node, const Shape& shape) const {
  if (shape.empty() || shape.front().dimension != 0) return 1;
  return std::max<std::int64_t>(1, nodes.capacity(node, 0) / shape.front().units);
}

}  // namespace reeve::schedule
