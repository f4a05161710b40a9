#include "schedule/share_tree.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include <boost/container/small_vector.hpp>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

// Above every claim of a weighted sibling: what has no weight is served when nobody else is there.
constexpr double kNoWeight = 1e9;
// Who has had nothing for so long is as one who never had.
constexpr Duration kRemembered = std::chrono::days{30};

bool in_order(const UsageRecord& a, const UsageRecord& b) {
  return std::tie(a.queue, a.is_user, a.user) < std::tie(b.queue, b.is_user, b.user);
}

template <class Visit>
void for_each_name(const std::string& path, Visit visit) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    visit(path.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

ShareTree::ShareTree() { nodes_.emplace_back(); }

void ShareTree::configure_node(Node& node) const {
  const auto found = limits_.find(node.path);
  node.limits = node.is_leaf || found == limits_.end() ? Limits{} : found->second;
}

void ShareTree::configure(const std::vector<QueueSetup>& queues, const std::vector<Shape>& caps,
                          Duration half_life) {
  limits_.clear();
  for (std::size_t i = 0; i < queues.size(); ++i) limits_[queues[i].name] = {queues[i], caps[i]};
  half_life_us_ = static_cast<double>(std::max<std::int64_t>(half_life.count(), 1));
  for (Node& node : nodes_) configure_node(node);
}

void ShareTree::set_totals(std::vector<std::int64_t> totals) {
  per_total_.clear();
  for (const std::int64_t total : totals)
    per_total_.push_back(total > 0 ? 1.0 / static_cast<double>(total) : 0.0);
  for (Node& node : nodes_) node.share = dominant(node);
}

std::uint32_t ShareTree::child(std::uint32_t parent, const std::string& name, bool is_leaf) {
  // A user and a queue below may have one name: users are marked in the key.
  const auto key = std::pair{parent, is_leaf ? "\n" + name : name};
  const auto found = children_.find(key);
  if (found != children_.end()) return found->second;
  const auto id = static_cast<std::uint32_t>(nodes_.size());
  const std::string& above = nodes_[parent].path;
  Node node;
  node.path = is_leaf || above.empty() ? (is_leaf ? above : name) : above + "/" + name;
  node.name = name;
  node.parent = parent;
  node.is_leaf = is_leaf;
  configure_node(node);
  nodes_.push_back(std::move(node));
  children_.emplace(key, id);
  return id;
}

LeafId ShareTree::leaf(const std::string& queue, const std::string& user) {
  std::uint32_t at = kRoot;
  for_each_name(queue, [&](const std::string& name) { at = child(at, name, false); });
  const std::size_t before = nodes_.size();
  at = child(at, user, true);
  leaves_ += nodes_.size() - before;
  return LeafId{at};
}

std::int32_t ShareTree::priority_of(LeafId leaf) const {
  std::int32_t sum = 0;
  for (std::uint32_t at = nodes_[leaf.value].parent; at != kRoot; at = nodes_[at].parent)
    sum += nodes_[at].limits.setup.priority;
  return sum;
}

bool ShareTree::preemptible(LeafId leaf) const {
  for (std::uint32_t at = nodes_[leaf.value].parent; at != kRoot; at = nodes_[at].parent) {
    if (nodes_[at].limits.setup.preemptible) return true;
  }
  return false;
}

double ShareTree::dominant(const Node& node) const {
  double share = 0;
  for (std::size_t d = 0; d < node.used.size() && d < per_total_.size(); ++d)
    share = std::max(share, static_cast<double>(node.used[d]) * per_total_[d]);
  return share;
}

double ShareTree::past_at(const Node& node, Time now) const {
  if (node.settled == kUnset || now <= node.settled) return node.past;
  const auto passed = static_cast<double>((now - node.settled).count());
  const double kept = std::exp2(-passed / half_life_us_);
  return node.past * kept + node.share * (1 - kept);
}

void ShareTree::settle(Node& node, Time now) const {
  node.past = past_at(node, now);
  node.settled = std::max(node.settled, now);
}

void ShareTree::charge(LeafId leaf, const Shape& shape, std::int64_t sign, std::int32_t attempts,
                       Time now) {
  for (std::uint32_t at = leaf.value;; at = nodes_[at].parent) {
    Node& node = nodes_[at];
    settle(node, now);
    touch(at);
    for (const Amount& amount : shape) {
      if (node.used.size() <= amount.dimension) node.used.resize(amount.dimension + 1, 0);
      node.used[amount.dimension] += sign * amount.units;
      ENSURE(node.used[amount.dimension] >= 0);
    }
    node.running += static_cast<std::int32_t>(sign) * attempts;
    node.share = dominant(node);
    if (at == kRoot) return;
  }
}

void ShareTree::note_use(LeafId leaf, std::int64_t millicore_seconds, Time now) {
  if (millicore_seconds == 0) return;
  nodes_[leaf.value].hours.add(millicore_seconds, now);
  touch(leaf.value);
}

void ShareTree::touch(std::uint32_t id) {
  if (id == kRoot || std::exchange(nodes_[id].touched, true)) return;
  touched_.push_back(id);
}

void ShareTree::forget_touched() {
  for (const std::uint32_t id : touched_) nodes_[id].touched = false;
  touched_.clear();
}

UsageRecord ShareTree::record_of(const Node& node) const {
  return {.queue = node.path,
          .user = node.is_leaf ? node.name : std::string{},
          .is_user = node.is_leaf,
          .past = node.past,
          .share = node.share,
          .settled = node.settled,
          .hours = node.hours};
}

std::vector<UsageRecord> ShareTree::touched() const {
  std::vector<UsageRecord> records;
  records.reserve(touched_.size());
  for (const std::uint32_t id : touched_) records.push_back(record_of(nodes_[id]));
  return records;
}

std::vector<UsageRecord> ShareTree::records() const {
  std::vector<UsageRecord> records;
  for (std::uint32_t id = 1; id < nodes_.size(); ++id) {
    if (nodes_[id].settled != kUnset) records.push_back(record_of(nodes_[id]));
  }
  std::ranges::sort(records, in_order);
  return records;
}

void ShareTree::restore(std::vector<UsageRecord> records, Time stopped) {
  std::ranges::sort(records, in_order);
  for (UsageRecord& record : records) {
    if (stopped != kUnset && record.settled + kRemembered < stopped && record.share == 0) continue;
    // A user of a queue is made with the queue, and a queue with those above it.
    std::uint32_t at = kRoot;
    if (record.is_user)
      at = leaf(record.queue, record.user).value;
    else
      for_each_name(record.queue, [&](const std::string& name) { at = child(at, name, false); });
    Node& node = nodes_[at];
    node.past = record.past;
    node.share = record.share;
    node.settled = record.settled;
    node.hours = record.hours;
    settle(node, stopped == kUnset ? record.settled : stopped);
    node.share = 0;
    touch(at);  // what is stored is what is known here, to the last bit
  }
}

const std::string* ShareTree::limit_reached(LeafId leaf, const Shape& shape,
                                            std::uint32_t nodes) const {
  for (std::uint32_t at = nodes_[leaf.value].parent; at != kRoot; at = nodes_[at].parent) {
    const Node& node = nodes_[at];
    const std::int32_t most = node.limits.setup.running_max;
    if (most >= 0 && node.running >= most) return &node.path;
    for (const Amount& cap : node.limits.cap) {
      const auto wanted = std::ranges::find(shape, cap.dimension, &Amount::dimension);
      if (wanted == shape.end()) continue;
      const std::int64_t used = cap.dimension < node.used.size() ? node.used[cap.dimension] : 0;
      // Divided, not multiplied: nobody knows how large the amounts are.
      if (wanted->units > (cap.units - used) / nodes) return &node.path;
    }
  }
  return nullptr;
}

bool ShareTree::is_beyond_caps(LeafId leaf, const Shape& shape, std::uint32_t nodes) const {
  for (std::uint32_t at = nodes_[leaf.value].parent; at != kRoot; at = nodes_[at].parent) {
    for (const Amount& cap : nodes_[at].limits.cap) {
      const auto wanted = std::ranges::find(shape, cap.dimension, &Amount::dimension);
      if (wanted != shape.end() && wanted->units > cap.units / nodes) return true;
    }
  }
  return false;
}

bool ShareTree::has_limits(LeafId leaf) const {
  for (std::uint32_t at = nodes_[leaf.value].parent; at != kRoot; at = nodes_[at].parent) {
    const Limits& limits = nodes_[at].limits;
    if (limits.setup.running_max >= 0 || !limits.cap.empty()) return true;
  }
  return false;
}

void ShareTree::lift_limits(LeafId leaf) {
  for (std::uint32_t at = nodes_[leaf.value].parent; at != kRoot; at = nodes_[at].parent) {
    nodes_[at].limits.setup.running_max = -1;
    nodes_[at].limits.cap.clear();
  }
}

std::int32_t ShareTree::weight_of(const Node& node) const {
  return node.is_leaf ? 1 : node.limits.setup.weight;
}

double ShareTree::claim_of(std::uint32_t id, Time now) const {
  const Node& node = nodes_[id];
  const double had = kNowWeight * node.share + past_at(node, now);
  const std::int32_t weight = weight_of(node);
  return weight > 0 ? had / weight : kNoWeight + had;
}

void ShareTree::note_claim(Node& node, std::uint32_t id) const {
  node.round_claim = claim_of(id, now_);
  // Rounded, so that what is a whole number of steps but for the last bit is one.
  node.round_steps = static_cast<std::int64_t>(std::floor(node.round_claim / kClaimStep + 1e-6));
}

void ShareTree::enter(const Active& active) {
  for (std::uint32_t at = active.leaf.value; at != kRoot; at = nodes_[at].parent) {
    Node& node = nodes_[at];
    if (node.in_round) {
      node.round_arrival = std::min(node.round_arrival, active.arrival);
      continue;
    }
    node.in_round = true;
    note_claim(node, at);
    node.round_arrival = active.arrival;
    entered_.push_back(at);
    nodes_[node.parent].waiting.push_back(at);
  }
}

void ShareTree::begin(Time now, const std::vector<Active>& active) {
  for (const std::uint32_t id : entered_) {
    nodes_[id].in_round = false;
    nodes_[id].waiting.clear();
  }
  nodes_[kRoot].waiting.clear();
  entered_.clear();
  path_.clear();
  now_ = now;
  weighed_ = false;
  for (const Active& one : active) enter(one);
  const auto later = [this](std::uint32_t a, std::uint32_t b) { return after(a, b); };
  std::ranges::make_heap(nodes_[kRoot].waiting, later);
  for (const std::uint32_t id : entered_) std::ranges::make_heap(nodes_[id].waiting, later);
}

bool ShareTree::after(std::uint32_t a, std::uint32_t b) const {
  const Node& one = nodes_[a];
  const Node& other = nodes_[b];
  return std::tie(one.round_steps, one.round_arrival, one.round_claim, a) >
         std::tie(other.round_steps, other.round_arrival, other.round_claim, b);
}

std::optional<LeafId> ShareTree::next() {
  const auto later = [this](std::uint32_t a, std::uint32_t b) { return after(a, b); };
  path_.clear();
  std::uint32_t at = kRoot;
  if (nodes_[kRoot].waiting.empty()) return std::nullopt;
  do {  // what is in a heap has something below it
    std::vector<std::uint32_t>& heap = nodes_[at].waiting;
    std::ranges::pop_heap(heap, later);
    at = heap.back();
    heap.pop_back();
    path_.push_back(at);
  } while (!nodes_[at].is_leaf);
  return LeafId{at};
}

void ShareTree::put_back(std::uint32_t id) {
  const auto later = [this](std::uint32_t a, std::uint32_t b) { return after(a, b); };
  Node& node = nodes_[id];
  note_claim(node, id);
  // What is below it may have gone on: its first is the first of those that are left.
  if (!node.is_leaf && !node.waiting.empty())
    node.round_arrival = nodes_[node.waiting.front()].round_arrival;
  std::vector<std::uint32_t>& heap = nodes_[nodes_[id].parent].waiting;
  heap.push_back(id);
  std::ranges::push_heap(heap, later);
}

void ShareTree::again(Time arrival) {
  nodes_[path_.back()].round_arrival = arrival;
  for (std::size_t i = path_.size(); i-- > 0;) put_back(path_[i]);
  path_.clear();
}

void ShareTree::done() {
  // The leaf is not put back; those above it are, if they have more to serve.
  if (path_.empty()) return;
  path_.pop_back();
  for (std::size_t i = path_.size(); i-- > 0;) {
    if (!nodes_[path_[i]].waiting.empty()) put_back(path_[i]);
  }
  path_.clear();
}

void ShareTree::weigh() {
  if (weighed_) return;
  weighed_ = true;
  for (Node& node : nodes_) node.children_weight = 0;
  for (std::uint32_t id = 1; id < nodes_.size(); ++id) {
    const Node& node = nodes_[id];
    if (node.in_round || node.running > 0) nodes_[node.parent].children_weight += weight_of(node);
  }
}

double ShareTree::entitlement(std::uint32_t id) const {
  double share = 1;
  for (std::uint32_t at = id; at != kRoot; at = nodes_[at].parent) {
    const double all = nodes_[nodes_[at].parent].children_weight;
    share *= all > 0 ? weight_of(nodes_[at]) / all : 0;
  }
  return share;
}

bool ShareTree::may_reclaim(LeafId taker, LeafId from) {
  weigh();
  const auto way = [this](std::uint32_t id) {
    boost::container::small_vector<std::uint32_t, 8> up;
    for (std::uint32_t at = id; at != kRoot; at = nodes_[at].parent) up.push_back(at);
    return up;
  };
  const auto to = way(taker.value);
  const auto of = way(from.value);
  std::size_t a = to.size();
  std::size_t b = of.size();
  while (a > 0 && b > 0 && to[a - 1] == of[b - 1]) --a, --b;
  if (a == 0 || b == 0) return false;  // the same leaf
  const std::uint32_t mine = to[a - 1];
  const std::uint32_t theirs = of[b - 1];
  const double allowed = entitlement(theirs);
  return nodes_[theirs].share > allowed && past_at(nodes_[theirs], now_) > allowed &&
         claim_of(mine, now_) + kClaimStep < claim_of(theirs, now_);
}

}  // namespace reeve::schedule
