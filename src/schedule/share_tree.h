// Who is next among queues and users: a tree of queues with the users of each as leaves. A node's
// claim is its dominant share in the past, which counts half after a half-life, plus a part of its
// dominant share now, over its weight; the least claim among siblings is served, from the root
// down. The past counts more, so that a burst of somebody who is modest on the whole does not wait
// behind somebody who always takes more. Claims count in steps of kClaimStep: who has had next to
// nothing of late is like who has had nothing, and among such the one whose task waits longest is
// next. Dominant resource fairness: Ghodsi et al., NSDI 2011; hierarchical: Bhattacharya et al.,
// SoCC 2013; decayed usage as in Slurm's fair tree. A user who hands in work under a thousand names
// is one leaf all the same.
//
// Pure; one thread. Invariant: the amounts in use of a node are the sum over its children.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/scheduling_policy.h"
#include "base/time.h"
#include "schedule/demand.h"
#include "schedule/usage.h"

namespace reeve::schedule {

inline constexpr double kClaimStep = 0.01;
inline constexpr double kNowWeight = 0.2;            ///< of the share now, in a claim
using LeafId = Id<struct LeafIdTag, std::uint32_t>;  ///< one user in one queue

class ShareTree {
 public:
  ShareTree();
  /// Weights, caps and the half-life; queues that are not named have weight 1 and no limits.
  /// `caps` are those of the queues, one for each.
  void configure(const std::vector<QueueSetup>& queues, const std::vector<Shape>& caps,
                 Duration half_life);
  /// What a share is of, by dimension.
  void set_totals(std::vector<std::int64_t> totals);
  LeafId leaf(const std::string& queue, const std::string& user);
  const std::string& queue_of(LeafId leaf) const { return nodes_[nodes_[leaf.value].parent].path; }
  const std::string& user_of(LeafId leaf) const { return nodes_[leaf.value].name; }
  /// Added to the priority of what waits there.
  std::int32_t priority_of(LeafId leaf) const;
  bool preemptible(LeafId leaf) const;

  /// `attempts`: 1, or 0 for what an attempt has on a further node: a gang is one attempt.
  void start(LeafId leaf, const Shape& shape, Time now, std::int32_t attempts = 1) {
    charge(leaf, shape, 1, attempts, now);
  }
  void end(LeafId leaf, const Shape& shape, Time now, std::int32_t attempts = 1) {
    charge(leaf, shape, -1, attempts, now);
  }

  /// So much processor time was used, as of now.
  void note_use(LeafId leaf, std::int64_t millicore_seconds, Time now);
  template <class Visit>
  void each_user(Visit visit) const {
    for (const Node& node : nodes_)
      if (node.is_leaf) visit(node.path, node.name, node.hours);
  }
  /// Of all that ever had something, by queue and user.
  std::vector<UsageRecord> records() const;
  /// As records() gave them; nothing has run from `stopped` on (kUnset: not known). What was too
  /// long ago to count is left out. Before anything starts.
  void restore(std::vector<UsageRecord> records, Time stopped);
  /// Those whose record has changed since forget_touched().
  std::vector<UsageRecord> touched() const;
  void forget_touched();

  /// The queue on the leaf's path whose limit does not let an attempt start that has the shape on
  /// each of so many nodes, or null.
  const std::string* limit_reached(LeafId leaf, const Shape& shape, std::uint32_t nodes) const;
  /// Whether that is more than a queue on the leaf's path may ever have at once.
  bool is_beyond_caps(LeafId leaf, const Shape& shape, std::uint32_t nodes) const;
  /// Whether a queue on the leaf's path has any limit.
  bool has_limits(LeafId leaf) const;
  /// Of the queues on the leaf's path: for trying what would be without them.
  void lift_limits(LeafId leaf);
  std::int32_t running(LeafId leaf) const { return nodes_[leaf.value].running; }
  /// What the leaf has and had, over its weight: for people.
  double claim(LeafId leaf, Time now) const { return claim_of(leaf.value, now); }
  double share_now(LeafId leaf) const { return nodes_[leaf.value].share; }
  std::size_t leaves() const { return leaves_; }

  /// One round of serving: leaves that have something, least claim first. After next(), again()
  /// puts the leaf back, and done() leaves it out for the rest of the round.
  struct Active {
    LeafId leaf;
    Time arrival;  ///< virtual, of the first of what waits there
  };
  void begin(Time now, const std::vector<Active>& active);
  std::optional<LeafId> next();
  void again(Time arrival);
  void done();
  /// Whether, where the ways of the two part, the other side has and had more than its share, and
  /// the taker's side has the lesser claim. Shares go by weight among those who wait or run in the
  /// present round.
  bool may_reclaim(LeafId taker, LeafId from);

 private:
  static constexpr std::uint32_t kRoot = 0;
  struct Limits {
    QueueSetup setup;
    Shape cap;
  };
  struct Node {
    std::string path;  ///< of queues: "a/b"
    std::string name;
    std::uint32_t parent = kRoot;
    bool is_leaf = false;
    Limits limits;
    std::int32_t running = 0;
    std::vector<std::int64_t> used;  ///< by dimension
    double share = 0;                ///< dominant, now
    double past = 0;                 ///< exponentially weighted mean of it, at `settled`
    Time settled = kUnset;
    UsageHours hours;  ///< of leaves
    bool touched = false;
    // Of the present round:
    std::vector<std::uint32_t> waiting;  ///< children, a heap by claim
    std::int64_t round_steps = 0;        ///< of the claim
    double round_claim = 0;
    Time round_arrival = kNever;
    bool in_round = false;
    double children_weight = 0;  ///< of those that wait or run, since weigh()
  };
  std::uint32_t child(std::uint32_t parent, const std::string& name, bool is_leaf);
  void configure_node(Node& node) const;
  void charge(LeafId leaf, const Shape& shape, std::int64_t sign, std::int32_t attempts, Time now);
  void settle(Node& node, Time now) const;
  void touch(std::uint32_t node);
  UsageRecord record_of(const Node& node) const;
  double past_at(const Node& node, Time now) const;
  double claim_of(std::uint32_t node, Time now) const;
  double dominant(const Node& node) const;
  void enter(const Active& active);
  bool after(std::uint32_t a, std::uint32_t b) const;
  void put_back(std::uint32_t node);
  void note_claim(Node& node, std::uint32_t id) const;
  std::int32_t weight_of(const Node& node) const;
  void weigh();
  double entitlement(std::uint32_t node) const;

  std::vector<Node> nodes_;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> children_;  ///< users: "\n" + name
  std::map<std::string, Limits, std::less<>> limits_;
  std::vector<double> per_total_;  ///< one over the total, 0 where there is none
  double half_life_us_ = 3.6e9;
  std::size_t leaves_ = 0;
  Time now_ = kUnset;
  bool weighed_ = false;                ///< in the present round
  std::vector<std::uint32_t> path_;     ///< of the leaf that next() gave, from the root's child
  std::vector<std::uint32_t> entered_;  ///< nodes of the present round
  std::vector<std::uint32_t> touched_;
};

}  // namespace reeve::schedule
