// The nodes of a cluster: what is free on each, which may take a demand, and which of them best.
// Capacities lie by dimension, so that looking at a thousand nodes is a walk along a few arrays.
//
// A node is scored by terms of 0 to 1000 (NodeTerms) times their weights. Fit follows Tetris
// (Grandl et al., "Multi-resource packing for cluster schedulers", SIGCOMM 2014) in preferring what
// leaves a node full and evenly so. Of more than kScoredMax nodes with room, that many are looked
// at, from a place that moves on with each choice (Kubernetes does alike).
//
// Pure; one thread. Invariant: free = effective capacity - what was taken; it is negative only
// after the capacity shrank. Load takes from the effective capacity while something runs there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/cluster.h"
#include "base/scheduling_policy.h"
#include "base/time.h"
#include "schedule/demand.h"
#include "schedule/node_choice.h"
#include "schedule/numbers.h"

namespace reeve::schedule {

inline constexpr std::size_t kScoredMax = 256;

class Nodes {
 public:
  NodeId add(const NodeSetup& setup);
  std::size_t size() const { return nodes_.size(); }
  const NodeSetup& setup(NodeId id) const { return nodes_[id.value].setup; }
  std::optional<NodeId> find(std::string_view name) const;
  /// Everything of the setup but name, pool and capacity.
  void describe(NodeId id, const NodeSetup& setup);
  void set_capacity(NodeId id, const Resources& capacity);
  /// A node that is not open takes nothing new.
  void set_open(NodeId id, bool open);
  bool is_open(NodeId id) const { return open_[id.value] != 0; }
  /// Observed saturation: new work sees so much of its processors less (0 to 1000). On a node where
  /// nothing runs it sees all of them, so that nothing is kept waiting for ever.
  void set_load(NodeId id, std::int32_t permille);
  std::int32_t load(NodeId id) const { return nodes_[id.value].load_permille; }
  /// What it is marked as kept for: choose() asks the admission about it.
  void set_kept(NodeId id, bool kept) { kept_[id.value] = kept ? 1 : 0; }
  bool is_kept(NodeId id) const { return kept_[id.value] != 0; }
  void set_weights(const NodeWeights& weights) { weights_ = weights; }
  /// An attempt there was lost or could not start, or was not.
  void observe_end(NodeId id, bool lost);
  /// How long an attempt took there over what was predicted; learns the node's speed.
  void observe_run(NodeId id, Duration took, Duration predicted);
  /// How long what takes `length` on a usual node takes there, and the other way round.
  Duration length_on(NodeId id, Duration length) const;
  Duration usual_length(NodeId id, Duration length) const;
  double speed(NodeId id) const { return nodes_[id.value].speed; }

  DemandId intern(const Demand& demand);
  /// Forgets the demands that are not used (by demand), and the labels of none.
  void keep(const std::vector<bool>& is_demand_used);
  std::uint32_t demands_end() const { return demand_numbers_.end(); }
  std::size_t names() const { return demand_numbers_.size() + tag_numbers_.size(); }
  const Demand& demand(DemandId id) const { return demands_[id.value].demand; }
  const Shape& shape(DemandId id, std::uint8_t variant) const {
    return demands_[id.value].shapes[variant];
  }
  Shape shape_for(const Resources& resources);
  const Dimensions& dimensions() const { return dimensions_; }

  /// The best node with room for a variant, the first variant that fits anywhere. Gangs:
  /// choose_gang.
  std::optional<NodeChoice> choose(DemandId id, const Admission& admission);
  /// So many nodes as the demand asks for, best first, or none.
  std::vector<NodeChoice> choose_gang(DemandId id, const Admission& admission);
  void take(NodeId node, DemandId demand, std::uint8_t variant);
  void release(NodeId node, DemandId demand, std::uint8_t variant);

  bool fits(NodeId node, const Shape& shape) const;
  bool may_take(NodeId node, DemandId demand) const;  ///< rules and open, not room
  /// Whether enough empty nodes, open or not, would hold it.
  bool could_ever_fit(DemandId id) const { return variants_that_fit(id) != 0; }
  bool could_ever_fit(DemandId id, std::uint8_t variant) const {
    return (variants_that_fit(id) >> variant & 1) != 0;
  }
  /// Whether a node has room, kept or not. Cheap where what was found when it was last looked for
  /// still holds; the answer does not depend on that.
  bool may_have_room(DemandId id);
  std::int64_t free(NodeId node, std::uint32_t dimension) const {
    return dimension < free_.size() ? free_[dimension][node.value] : 0;
  }
  /// Whatever its load is.
  std::int64_t capacity(NodeId node, std::uint32_t dimension) const {
    return dimension < whole_.size() ? whole_[dimension][node.value] : 0;
  }
  /// free(), if there were no load.
  std::int64_t free_without_load(NodeId node, std::uint32_t dimension) const {
    return capacity(node, dimension) -
           (dimension < taken_.size() ? taken_[dimension][node.value] : 0);
  }
  /// What its attempts have been given.
  Resources used(NodeId id) const;
  /// Of all nodes together.
  std::int64_t total(std::uint32_t dimension) const {
    return dimension < totals_.size() ? totals_[dimension] : 0;
  }
  /// Grows with each release, opening and growth of a node: what had no room may have now.
  std::uint64_t growths() const { return growths_; }
  NodeId grown_at(std::uint64_t growth) const { return grown_[growth % kGrowthsKept]; }
  static constexpr std::uint64_t kGrowthsKept = 4096;

 private:
  using TagId = Id<struct TagIdTag, std::uint32_t>;
  static constexpr std::uint64_t kNotKnown = ~std::uint64_t{0};
  struct Node {
    NodeSetup setup;
    std::int32_t load_permille = 0;
    std::int32_t holders = 0;
    float lost_share = 0;               ///< exponentially weighted
    float speed = 1;                    ///< over usual; learned
    std::vector<std::uint32_t> assets;  ///< tags, sorted
  };
  /// Nodes that had room for a variant when they were last looked at; no other has any, but those
  /// that have grown since. So a look is at few nodes, and what it finds is the same as at all.
  struct Roomy {
    std::vector<std::uint64_t> bits;     ///< by node
    std::uint64_t known_at = kNotKnown;  ///< growths_ then
  };
  struct Compiled {
    Demand demand;
    std::vector<Shape> shapes;
    std::vector<std::uint8_t> eligible;   ///< by node: rules hold
    std::vector<std::int16_t> preferred;  ///< by node: 0 to 1000; empty: nothing is preferred
    std::vector<std::uint32_t> tags, assets, affinity, anti_affinity;
    std::vector<Roomy> roomy;              ///< by variant
    std::uint64_t no_room_at = kNotKnown;  ///< growths_ when no node had room
    // Kept answers: found out when they are asked for.
    mutable std::uint64_t ever_fits_at = kNotKnown;  ///< setups_ then
    mutable std::uint32_t ever_fits = 0;             ///< bit n: variant n
  };
  std::uint32_t tag(const std::string& text);
  void compile_for(Compiled& compiled, std::uint32_t node) const;
  void grow(NodeId id);
  void ensure_dimensions();
  void set_capacity_of(NodeId id);
  void set_free(NodeId id);
  bool allowed(const Compiled& demand, std::uint32_t node) const;
  /// Brings it up to what has grown since.
  Roomy& roomy(Compiled& demand, std::uint8_t variant);
  template <class Visit>
  void each_roomy(Compiled& demand, std::uint8_t variant, std::uint32_t from, std::uint32_t to,
                  Visit visit);
  bool ever_fits(const Compiled& demand, const Shape& shape) const;
  std::uint32_t variants_that_fit(DemandId id) const;
  void gather(Compiled& demand, std::uint8_t variant, const Admission& admission,
              std::size_t limit);
  NodeTerms terms_of(const Compiled& demand, const Shape& shape, std::uint32_t node) const;
  std::int16_t fit_term(const Shape& shape, std::uint32_t node) const;
  std::int16_t spread_term(const Compiled& demand, std::uint32_t node) const;
  std::int32_t total_score(const NodeTerms& terms) const;
  std::int32_t running_with(std::uint32_t tag, std::uint32_t node) const;

  Dimensions dimensions_;
  NodeWeights weights_;
  std::vector<Node> nodes_;
  std::map<std::string, NodeId, std::less<>> by_name_;
  std::vector<std::vector<std::int64_t>> whole_;     ///< by dimension, then node
  std::vector<std::vector<std::int64_t>> capacity_;  ///< what load leaves of it, if anything runs
  std::vector<std::vector<std::int64_t>> free_;
  std::vector<std::vector<std::int64_t>> taken_;
  std::vector<std::int64_t> totals_;
  std::vector<std::uint8_t> open_;
  std::vector<std::uint8_t> kept_;
  std::vector<Compiled> demands_;
  Numbers<Demand, DemandId> demand_numbers_;
  Numbers<std::string, TagId> tag_numbers_;
  std::vector<std::vector<std::int32_t>> running_;  ///< by tag, then node; only of tags in use
  std::vector<std::int32_t> running_total_;         ///< by tag
  std::vector<std::uint32_t> candidates_;           ///< of the present choice
  std::uint32_t start_ = 0;                         ///< where the next choice begins to look
  std::uint64_t growths_ = 0;
  std::uint64_t setups_ = 0;  ///< grows when a capacity or the set of nodes changes
  std::vector<NodeId> grown_ = std::vector<NodeId>(kGrowthsKept);
};

}  // namespace reeve::schedule
