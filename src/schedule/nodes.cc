#include "schedule/nodes.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

constexpr std::int64_t kPermille = 1000;
/// What a node is thought to have; then it is learnt anew.
constexpr std::size_t kAssetsMax = 4096;
constexpr float kLostWeight = 0.1F;   // of the newest attempt in the share of lost ones
constexpr double kSpeedWeight = 0.1;  // of the newest attempt in the logarithm of the speed

std::vector<Label> labels_with_names(const NodeSetup& setup) {
  std::vector<Label> labels = setup.labels;
  const auto put = [&](const char* key, const std::string& value) {
    const auto at = std::ranges::lower_bound(labels, key, {}, &Label::key);
    if (at != labels.end() && at->key == key)
      at->value = value;
    else
      labels.insert(at, {key, value});
  };
  put("node", setup.name);
  put("pool", setup.pool);
  return labels;
}

std::int64_t share_of(std::int64_t amount, std::int64_t permille) {
  // Divided first where the product would not fit: memory in bytes times a thousand does.
  return amount / kPermille * permille + amount % kPermille * permille / kPermille;
}

}  // namespace

std::string_view name(NodeTerm term) {
  static constexpr std::array<std::string_view, kNodeTermCount> kNames{
      "fit", "prefer", "spread", "locality", "risk", "price", "speed"};
  return kNames[static_cast<std::size_t>(term)];
}

void Nodes::ensure_dimensions() {
  while (free_.size() < dimensions_.size()) {
    for (auto* table : {&whole_, &capacity_, &free_, &taken_})
      table->emplace_back(nodes_.size(), 0);
    totals_.push_back(0);
  }
}

NodeId Nodes::add(const NodeSetup& setup) {
  const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
  ENSURE(by_name_.emplace(setup.name, id).second);
  nodes_.push_back({.setup = setup, .assets = {}});
  nodes_.back().setup.labels = labels_with_names(setup);
  nodes_.back().lost_share = static_cast<float>(setup.failure_permille) / kPermille;
  nodes_.back().speed = static_cast<float>(std::max(setup.speed_permille, 1)) / kPermille;
  for (auto* table : {&whole_, &capacity_, &free_, &taken_}) {
    for (std::vector<std::int64_t>& column : *table) column.push_back(0);
  }
  open_.push_back(setup.cordoned ? 0 : 1);
  kept_.push_back(0);
  for (std::vector<std::int32_t>& column : running_) {
    if (!column.empty()) column.push_back(0);
  }
  for (Compiled& demand : demands_) compile_for(demand, id.value);
  set_capacity(id, setup.capacity);
  return id;
}

std::optional<NodeId> Nodes::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

void Nodes::describe(NodeId id, const NodeSetup& setup) {
  Node& node = nodes_[id.value];
  NodeSetup described = setup;
  described.name = node.setup.name;
  described.pool = node.setup.pool;
  described.capacity = node.setup.capacity;
  node.setup = std::move(described);
  node.setup.labels = labels_with_names(node.setup);
  node.lost_share = static_cast<float>(setup.failure_permille) / kPermille;
  node.speed = static_cast<float>(std::max(setup.speed_permille, 1)) / kPermille;
  for (Compiled& demand : demands_) compile_for(demand, id.value);
  ++setups_;
  grow(id);
}

Duration Nodes::usual_length(NodeId id, Duration length) const {
  const float speed = nodes_[id.value].speed;
  if (speed == 1.0F) return length;
  return Duration{static_cast<std::int64_t>(static_cast<double>(length.count()) * speed)};
}

void Nodes::set_capacity(NodeId id, const Resources& capacity) {
  nodes_[id.value].setup.capacity = capacity;
  set_capacity_of(id);
}

void Nodes::set_load(NodeId id, std::int32_t permille) {
  nodes_[id.value].load_permille = std::clamp<std::int32_t>(permille, 0, kPermille);
  set_capacity_of(id);
}

void Nodes::set_capacity_of(NodeId id) {
  ++setups_;
  const Node& node = nodes_[id.value];
  const Shape whole = shape_for(node.setup.capacity);
  for (std::uint32_t d = 0; d < free_.size(); ++d) {
    totals_[d] -= whole_[d][id.value];
    whole_[d][id.value] = capacity_[d][id.value] = 0;
  }
  for (const Amount& amount : whole) {
    // Saturation takes processors away, not memory or licences.
    const std::int64_t units = amount.dimension == 0
                                   ? share_of(amount.units, kPermille - node.load_permille)
                                   : amount.units;
    whole_[amount.dimension][id.value] = amount.units;
    capacity_[amount.dimension][id.value] = units;
  }
  for (std::uint32_t d = 0; d < free_.size(); ++d) totals_[d] += whole_[d][id.value];
  set_free(id);
  grow(id);
}

void Nodes::set_free(NodeId id) {
  const auto& capacity = nodes_[id.value].holders > 0 ? capacity_ : whole_;
  for (std::uint32_t d = 0; d < free_.size(); ++d)
    free_[d][id.value] = capacity[d][id.value] - taken_[d][id.value];
}

void Nodes::set_open(NodeId id, bool open) {
  if (open && open_[id.value] == 0) grow(id);
  open_[id.value] = open ? 1 : 0;
}

void Nodes::grow(NodeId id) { grown_[growths_++ % kGrowthsKept] = id; }

void Nodes::observe_end(NodeId id, bool lost) {
  float& share = nodes_[id.value].lost_share;
  share += kLostWeight * ((lost ? 1.0F : 0.0F) - share);
}

void Nodes::observe_run(NodeId id, Duration took, Duration predicted) {
  if (took <= Duration{0} || predicted <= Duration{0}) return;
  float& speed = nodes_[id.value].speed;
  // Within a factor of four: what is further off says more of the task than of the node.
  const double seen = std::clamp(
      static_cast<double>(predicted.count()) / static_cast<double>(took.count()), 0.25, 4.0);
  const double log_speed = std::log(speed) + kSpeedWeight * (std::log(seen) - std::log(speed));
  speed = static_cast<float>(std::exp(log_speed));
}

Duration Nodes::length_on(NodeId id, Duration length) const {
  const float speed = nodes_[id.value].speed;
  if (speed == 1.0F) return length;
  return Duration{static_cast<std::int64_t>(static_cast<double>(length.count()) / speed)};
}

std::uint32_t Nodes::tag(const std::string& text) {
  const auto [id, is_new] = tag_numbers_.give(text);
  if (is_new) {
    put_at(running_, id.value, {});
    put_at(running_total_, id.value, 0);
  }
  return id.value;
}

void Nodes::keep(const std::vector<bool>& is_demand_used) {
  demand_numbers_.keep(is_demand_used, [&](DemandId id) { demands_[id.value] = {}; });
  std::vector<bool> is_used(tag_numbers_.end());
  const auto use = [&](const std::vector<std::uint32_t>& tags) {
    for (const std::uint32_t tag : tags) is_used[tag] = true;
  };
  for (const Compiled& each : demands_) {
    for (const auto* tags : {&each.tags, &each.assets, &each.affinity, &each.anti_affinity})
      use(*tags);
  }
  for (const Node& node : nodes_) use(node.assets);
  tag_numbers_.keep(is_used, [&](TagId id) { running_[id.value] = {}; });
}

void Nodes::compile_for(Compiled& compiled, std::uint32_t node) const {
  const NodeSetup& setup = nodes_[node].setup;
  const PlacementRules& rules = compiled.demand.rules;
  const bool eligible =
      std::ranges::all_of(rules.require,
                          [&](const LabelRule& r) { return r.holds(setup.labels); }) &&
      (rules.price_micros_per_hour_max < 0 ||
       setup.price_micros_per_hour <= rules.price_micros_per_hour_max);
  compiled.eligible.resize(std::max<std::size_t>(compiled.eligible.size(), node + 1), 0);
  compiled.eligible[node] = eligible ? 1 : 0;
  if (rules.prefer.empty()) return;
  const auto held = std::ranges::count_if(
      rules.prefer, [&](const LabelRule& r) { return r.holds(setup.labels); });
  compiled.preferred.resize(compiled.eligible.size(), 0);
  compiled.preferred[node] =
      static_cast<std::int16_t>(kPermille * held / static_cast<std::int64_t>(rules.prefer.size()));
}

DemandId Nodes::intern(const Demand& demand) {
  ENSURE(!demand.variants.empty() && demand.nodes > 0);
  const auto [id, is_new] = demand_numbers_.give(demand);
  if (!is_new) return id;
  Compiled compiled{.demand = demand,
                    .shapes = {},
                    .eligible = {},
                    .preferred = {},
                    .tags = {},
                    .assets = {},
                    .affinity = {},
                    .anti_affinity = {}};
  for (const Resources& variant : demand.variants) compiled.shapes.push_back(shape_for(variant));
  for (const std::string& text : demand.tags) compiled.tags.push_back(tag(text));
  for (const std::string& text : demand.assets) compiled.assets.push_back(tag(text));
  for (const std::string& text : demand.rules.affinity) compiled.affinity.push_back(tag(text));
  for (const std::string& text : demand.rules.anti_affinity)
    compiled.anti_affinity.push_back(tag(text));
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) compile_for(compiled, node);
  compiled.roomy.resize(compiled.shapes.size());
  put_at(demands_, id.value, std::move(compiled));
  return id;
}

Shape Nodes::shape_for(const Resources& resources) {
  Shape out = dimensions_.shape(resources);
  ensure_dimensions();
  return out;
}

Resources Nodes::used(NodeId id) const {
  Resources out;
  const auto taken = [&](std::size_t d) { return d < taken_.size() ? taken_[d][id.value] : 0; };
  out.cpu_millicores = taken(0);
  out.memory_bytes = taken(1);
  out.disk_bytes = taken(2);
  out.gpu_milli = taken(3);
  for (std::uint32_t d = 4; d < taken_.size(); ++d) {
    if (taken(d) > 0) out.countables.push_back({dimensions_.name(d), taken(d)});
  }
  std::ranges::sort(out.countables);
  return out;
}

bool Nodes::fits(NodeId node, const Shape& shape) const {
  return std::ranges::all_of(shape, [&](const Amount& amount) {
    return free_[amount.dimension][node.value] >= amount.units;
  });
}

std::int32_t Nodes::running_with(std::uint32_t tag, std::uint32_t node) const {
  return running_[tag].empty() ? 0 : running_[tag][node];
}

bool Nodes::allowed(const Compiled& demand, std::uint32_t node) const {
  if (open_[node] == 0 || demand.eligible[node] == 0) return false;
  const auto runs_here = [&](std::uint32_t tag) { return running_with(tag, node) > 0; };
  if (std::ranges::any_of(demand.anti_affinity, runs_here)) return false;
  if (demand.affinity.empty() || std::ranges::any_of(demand.affinity, runs_here)) return true;
  // The first of those that want to be together has nobody to go to.
  return std::ranges::any_of(demand.affinity, [&](std::uint32_t tag) {
    return running_total_[tag] == 0 && std::ranges::find(demand.tags, tag) != demand.tags.end();
  });
}

bool Nodes::may_take(NodeId node, DemandId demand) const {
  return allowed(demands_[demand.value], node.value);
}

bool Nodes::ever_fits(const Compiled& demand, const Shape& shape) const {
  std::uint32_t found = 0;
  for (std::uint32_t node = 0; node < nodes_.size() && found < demand.demand.nodes; ++node) {
    if (demand.eligible[node] == 0) continue;
    found += std::ranges::all_of(shape, [&](const Amount& wanted) {
      return whole_[wanted.dimension][node] >= wanted.units;
    });
  }
  return found >= demand.demand.nodes;
}

std::uint32_t Nodes::variants_that_fit(DemandId id) const {
  const Compiled& demand = demands_[id.value];
  if (demand.ever_fits_at == setups_) return demand.ever_fits;
  demand.ever_fits = 0;
  for (std::size_t v = 0; v < demand.shapes.size(); ++v)
    if (ever_fits(demand, demand.shapes[v])) demand.ever_fits |= 1U << v;
  demand.ever_fits_at = setups_;
  return demand.ever_fits;
}

Nodes::Roomy& Nodes::roomy(Compiled& demand, std::uint8_t variant) {
  Roomy& known = demand.roomy[variant];
  if (known.known_at == growths_) return known;
  const Shape& shape = demand.shapes[variant];
  const auto put = [&](std::uint32_t node) {
    const std::uint64_t bit = std::uint64_t{1} << (node % 64);
    const bool has_room = demand.eligible[node] != 0 && fits(NodeId{node}, shape);
    std::uint64_t& word = known.bits[node / 64];
    word = has_room ? word | bit : word & ~bit;
  };
  const std::uint64_t most = std::min<std::uint64_t>(nodes_.size(), kGrowthsKept);
  const bool is_near = known.known_at != kNotKnown && growths_ - known.known_at <= most;
  known.bits.resize((nodes_.size() + 63) / 64, 0);
  if (is_near) {
    for (std::uint64_t growth = known.known_at; growth < growths_; ++growth)
      put(grown_at(growth).value);
  } else {
    for (std::uint32_t node = 0; node < nodes_.size(); ++node) put(node);
  }
  known.known_at = growths_;
  return known;
}

/// Nodes in [from, to) that have room and may take it, in order, as long as `visit` says so.
template <class Visit>
void Nodes::each_roomy(Compiled& demand, std::uint8_t variant, std::uint32_t from, std::uint32_t to,
                       Visit visit) {
  Roomy& known = roomy(demand, variant);
  const Shape& shape = demand.shapes[variant];
  for (std::uint32_t word = from / 64; word * 64 < to; ++word) {
    std::uint64_t left = known.bits[word];
    if (word == from / 64) left &= ~std::uint64_t{0} << (from % 64);
    while (left != 0) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(left));
      const std::uint32_t node = word * 64 + bit;
      if (node >= to) return;
      left &= left - 1;
      if (!fits(NodeId{node}, shape))
        known.bits[word] &= ~(std::uint64_t{1} << bit);  // until it grows again
      else if (allowed(demand, node) && !visit(node))
        return;
    }
  }
}

bool Nodes::may_have_room(DemandId id) {
  Compiled& demand = demands_[id.value];
  if (demand.no_room_at == growths_) return false;
  bool any = false;
  for (std::uint8_t variant = 0; variant < demand.shapes.size() && !any; ++variant) {
    each_roomy(demand, variant, 0, static_cast<std::uint32_t>(nodes_.size()), [&](std::uint32_t) {
      any = true;
      return false;
    });
  }
  // What starts beside others may have room because they started.
  if (!any && demand.affinity.empty()) demand.no_room_at = growths_;
  return any;
}

/// Fills candidates_.
void Nodes::gather(Compiled& demand, std::uint8_t variant, const Admission& admission,
                   std::size_t limit) {
  candidates_.clear();
  const Shape& shape = demand.shapes[variant];
  const auto count = static_cast<std::uint32_t>(nodes_.size());
  if (start_ >= count) start_ = 0;
  const std::uint32_t start = start_;
  const auto look_at = [&](std::uint32_t node) {
    if (kept_[node] != 0 && !admission.admits(NodeId{node}, shape)) return true;
    candidates_.push_back(node);
    if (candidates_.size() < limit) return true;
    start_ = node + 1;
    return false;
  };
  each_roomy(demand, variant, start, count, look_at);
  if (candidates_.size() < limit) each_roomy(demand, variant, 0, start, look_at);
}

std::int16_t Nodes::fit_term(const Shape& shape, std::uint32_t node) const {
  double lowest = 1;
  double highest = 0;
  double sum = 0;
  int dimensions = 0;
  for (std::uint32_t d = 0; d < capacity_.size(); ++d) {
    const std::int64_t capacity = capacity_[d][node];
    if (capacity <= 0) continue;
    std::int64_t left = free_[d][node];
    for (const Amount& amount : shape) left -= amount.dimension == d ? amount.units : 0;
    const double full =
        std::clamp(1 - static_cast<double>(left) / static_cast<double>(capacity), 0.0, 1.0);
    lowest = std::min(lowest, full);
    highest = std::max(highest, full);
    sum += full;
    ++dimensions;
  }
  if (dimensions == 0) return 0;
  return static_cast<std::int16_t>(500 * sum / dimensions + 500 * (1 - (highest - lowest)));
}

std::int16_t Nodes::spread_term(const Compiled& demand, std::uint32_t node) const {
  if (demand.demand.rules.spread.empty() || demand.tags.empty()) return 0;
  // Of its like, how few run where the node's label has the value that it has.
  const std::string& key = demand.demand.rules.spread;
  const auto value_of = [&](std::uint32_t at) -> const std::string* {
    const std::vector<Label>& labels = nodes_[at].setup.labels;
    const auto found = std::ranges::lower_bound(labels, key, {}, &Label::key);
    return found != labels.end() && found->key == key ? &found->value : nullptr;
  };
  const std::string* own = value_of(node);
  if (own == nullptr) return 0;
  std::int64_t here = 0;
  std::int64_t all = 0;
  for (std::uint32_t other = 0; other < nodes_.size(); ++other) {
    const std::int64_t running = running_with(demand.tags.front(), other);
    if (running == 0) continue;
    all += running;
    const std::string* value = value_of(other);
    if (value != nullptr && *value == *own) here += running;
  }
  return static_cast<std::int16_t>(all == 0 ? kPermille : kPermille - kPermille * here / all);
}

NodeTerms Nodes::terms_of(const Compiled& demand, const Shape& shape, std::uint32_t node) const {
  const Node& one = nodes_[node];
  const auto held = std::ranges::count_if(demand.assets, [&](std::uint32_t asset) {
    return std::ranges::binary_search(one.assets, asset);
  });
  // Half the points at one unit of the currency an hour for what it takes of the node's processors.
  double price = static_cast<double>(one.setup.price_micros_per_hour) / 1e6;
  if (!shape.empty() && shape.front().dimension == 0 && capacity_[0][node] > 0)
    price *= static_cast<double>(shape.front().units) / static_cast<double>(capacity_[0][node]);
  const double delay = std::chrono::duration<double>(one.setup.start_delay).count();
  const double speed = one.speed / (one.speed + 1.0) * 60 / (60 + delay);
  return {fit_term(shape, node),
          demand.preferred.empty() ? std::int16_t{0} : demand.preferred[node],
          spread_term(demand, node),
          static_cast<std::int16_t>(demand.assets.empty()
                                        ? 0
                                        : kPermille * held /
                                              static_cast<std::int64_t>(demand.assets.size())),
          static_cast<std::int16_t>(kPermille * (1 - std::min(one.lost_share, 1.0F))),
          static_cast<std::int16_t>(kPermille / (1 + price)),
          static_cast<std::int16_t>(kPermille * speed)};
}

std::int32_t Nodes::total_score(const NodeTerms& terms) const {
  const std::array<std::int32_t, kNodeTermCount> weights{
      weights_.fit,  weights_.prefer, weights_.spread, weights_.locality,
      weights_.risk, weights_.price,  weights_.speed};
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < kNodeTermCount; ++i) sum += weights[i] * terms[i];
  return sum;
}

std::optional<NodeChoice> Nodes::choose(DemandId id, const Admission& admission) {
  Compiled& demand = demands_[id.value];
  for (std::uint8_t variant = 0; variant < demand.shapes.size(); ++variant) {
    const Shape& shape = demand.shapes[variant];
    if (demand.shapes.size() > 1 && !admission.allows(shape)) continue;
    gather(demand, variant, admission, kScoredMax);
    if (candidates_.empty()) continue;
    NodeChoice best{.node = NodeId{candidates_.front()}, .variant = variant, .score = -1};
    best.candidates = static_cast<std::uint32_t>(candidates_.size());
    if (candidates_.size() == 1) return best;  // nothing to choose
    for (const std::uint32_t node : candidates_) {
      const NodeTerms terms = terms_of(demand, shape, node);
      const std::int32_t score = total_score(terms);
      if (score < best.score || (score == best.score && node > best.node.value)) continue;
      best.node = NodeId{node};
      best.score = score;
      best.terms = terms;
    }
    return best;
  }
  return std::nullopt;
}

std::vector<NodeChoice> Nodes::choose_gang(DemandId id, const Admission& admission) {
  Compiled& demand = demands_[id.value];
  for (std::uint8_t variant = 0; variant < demand.shapes.size(); ++variant) {
    const Shape& shape = demand.shapes[variant];
    if (demand.shapes.size() > 1 && !admission.allows(shape)) continue;
    gather(demand, variant, admission, nodes_.size() + 1);
    if (candidates_.size() < demand.demand.nodes) continue;
    std::vector<NodeChoice> out;
    for (const std::uint32_t node : candidates_) {
      const NodeTerms terms = terms_of(demand, shape, node);
      out.push_back({.node = NodeId{node},
                     .variant = variant,
                     .candidates = static_cast<std::uint32_t>(candidates_.size()),
                     .score = total_score(terms),
                     .terms = terms});
    }
    std::ranges::stable_sort(out, std::greater{}, &NodeChoice::score);
    out.resize(demand.demand.nodes);
    return out;
  }
  return {};
}

void Nodes::take(NodeId node, DemandId id, std::uint8_t variant) {
  const Compiled& demand = demands_[id.value];
  for (const Amount& amount : demand.shapes[variant]) {
    taken_[amount.dimension][node.value] += amount.units;
    free_[amount.dimension][node.value] -= amount.units;
  }
  Node& taken_from = nodes_[node.value];
  if (taken_from.holders++ == 0 && taken_from.load_permille > 0) set_free(node);
  for (const std::uint32_t tag : demand.tags) {
    running_[tag].resize(nodes_.size(), 0);
    ++running_[tag][node.value];
    ++running_total_[tag];
  }
  std::vector<std::uint32_t>& assets = taken_from.assets;
  for (const std::uint32_t asset : demand.assets) {
    const auto at = std::ranges::lower_bound(assets, asset);
    if (at != assets.end() && *at == asset) continue;
    if (assets.size() >= kAssetsMax)
      assets = {asset};
    else
      assets.insert(at, asset);
  }
}

void Nodes::release(NodeId node, DemandId id, std::uint8_t variant) {
  const Compiled& demand = demands_[id.value];
  for (const Amount& amount : demand.shapes[variant]) {
    std::int64_t& taken = taken_[amount.dimension][node.value];
    ENSURE(taken >= amount.units);
    taken -= amount.units;
    free_[amount.dimension][node.value] += amount.units;
  }
  Node& at = nodes_[node.value];
  ENSURE(at.holders > 0);
  if (--at.holders == 0 && at.load_permille > 0) set_free(node);
  for (const std::uint32_t tag : demand.tags) {
    --running_[tag][node.value];
    --running_total_[tag];
  }
  grow(node);
}

}  // namespace reeve::schedule
