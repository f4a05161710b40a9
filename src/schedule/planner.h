// What waits, who holds what, and the pass that brings them together:
//
//   share tree ──► the user in the queue with the least claim
//     waiting ───► that leaf's classes, by virtual arrival
//       gates ───► queue limits, locks, quotas, rates, windows, circuits: passed over while shut
//         nodes ─► the best node with room; or a reservation for the first that have none
//
// The first classes that find no room get a promise (EASY backfilling, Lifka 1995; as many as the
// policy says, one a node): the moment at which running attempts are expected to have made room.
// Others start on that node only if they are expected to end before it, or fit beside it. What has
// no expected length may overtake kOvertakesMax times; then nothing does any more. With
// Backfilling::conservative each of the first kPromisesMax tasks gets one (schedule/slots.h).
//
// Pure; one thread. Same calls, same answers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/scheduling_policy.h"
#include "base/time.h"
#include "schedule/gates.h"
#include "schedule/holder.h"
#include "schedule/locks.h"
#include "schedule/nodes.h"
#include "schedule/retry_budget.h"
#include "schedule/share_tree.h"
#include "schedule/staging.h"
#include "schedule/waiting.h"

namespace reeve::schedule {

/// So many tasks have promises at most, if each of the first gets one.
inline constexpr std::size_t kPromisesMax = 1000;

class Planner {
 public:
  Planner();
  /// Forgets what waits: it is to be pushed again, since its place may be another.
  void configure(const SchedulingPolicy& policy);
  const SchedulingPolicy& policy() const { return policy_; }
  NodeId add_node(const NodeSetup& setup);
  /// Labels, price, speed and the like; its name, pool and capacity stay.
  void describe_node(NodeId node, const NodeSetup& setup) { nodes.describe(node, setup); }
  /// Tasks that wait in a queue and those below it, of one user or ("") of all.
  std::uint64_t waiting_of(const std::string& queue, const std::string& user) const;
  void set_capacity(NodeId node, const Resources& capacity);
  void set_load(NodeId node, std::int32_t permille);
  /// Its executor is there, and nobody drains it. Windows of its pool close it too.
  void set_open(NodeId node, bool open);

  /// Puts an attempt where it is known to be (recovery): onto the node, or into its staging.
  HolderId restore(const Holder& holder, Time now);
  /// The attempt ended, or was lost: frees what it held. Gives the holders that move up from
  /// staging.
  std::vector<HolderId> end(HolderId holder, Time now);
  const Holder& holder(HolderId id) const { return holders_[id.value]; }
  /// Is not asked to make room any more.
  void spare(HolderId id) { holders_[id.value].spared = true; }
  void set_limit(HolderId id, Time limit) { holders_[id.value].limit = limit; }
  /// Of several attempts that have it together, another than the one that ended stands for it.
  void rename(HolderId id, Token token) { holders_[id.value].token = token; }
  void observe_run_time(NodeId node, Duration run_time) {
    staging_[node.value].observe_run_time(run_time);
  }
  /// An attempt that began at `since` ended there: `lost` says that it is the node's fault. Too
  /// many close it for a while.
  void note_end(NodeId node, bool lost, Time since, Time now);
  /// Whether the node has room that nobody was promised, and nothing is staged there.
  bool fits_now(NodeId node, DemandId demand, std::uint8_t variant) const {
    return nodes.may_take(node, demand) && !nodes.is_kept(node) &&
           nodes.fits(node, nodes.shape(demand, variant));
  }
  std::size_t staged(NodeId node) const { return staging_[node.value].size(); }
  std::size_t held() const { return held_; }

  /// When something that was shut in the last pass may start though nothing ends; kNever: nothing.
  Time wake() const { return std::min(wake_, next_window_); }
  /// Whether what begins there at `from` is expected to end, without any margin, before the windows
  /// of the node's pool close it, or takes longer than they ever leave it open. `members`: so many
  /// after one another.
  bool has_time(ClassId id, NodeId node, Time from, std::uint32_t members = 1) const;
  /// When windows of its pool, or its circuit, let the node take one of the class: now, later, or
  /// kNever: once something has ended there.
  Time takes_at(NodeId node, ClassId id, Time now) const;
  /// Whether attempts were lost there so often that it is closed, or tried with one.
  bool is_tripped(NodeId node) const;
  /// Whether, with nothing else at work, the variant (respectively any) would have room on nodes,
  /// open or not, and be within the caps of its queue. What could not is in nobody's way.
  bool could_ever_run(const ClassKey& key, std::uint8_t variant) const;
  bool could_ever_run(const ClassKey& key) const;
  /// The queue whose limit lets no variant of what asks for it start, or null.
  const std::string* limit_reached(const ClassKey& key) const;
  /// Promises are given anew in each pass: what was decided in a pass that came to nothing, which
  /// no journal holds, must not count in the next. To be called where a pass would be, if nothing
  /// waits.
  void forget_promises();
  const std::vector<Reservation>& reservations() const { return reservations_; }
  /// Of the first of the class that has one.
  const Reservation* reservation_of(ClassId id) const;
  /// Of the task, or, where there is one for the class alone (EASY), that.
  const Reservation* reservation_of(ClassId id, TaskId task) const;
  bool is_conservative() const { return policy_.backfilling == Backfilling::conservative; }
  /// When what begins at `from` is to end there, with the margin of promises; kNever: nobody knows.
  /// `members`: so many after one another.
  Time promised_end(ClassId id, NodeId node, Time from, std::uint32_t members = 1) const;
  /// When the holder is expected to end as seen from now: never in the past.
  Time expected_end(const Holder& holder, Time now) const;
  const Shape& shape_of(const Holder& holder) const {
    return nodes.shape(waiting.key(holder.owner).demand, holder.variant);
  }
  template <class Visit>
  void each_holder(NodeId node, Visit visit) const {
    for (HolderId id = first_[node.value]; id != kNoHolder; id = holders_[id.value].next)
      visit(id, holders_[id.value]);
  }

  /// How many names, demands and classes are remembered, of tasks that are there and that were.
  std::size_t names() const;
  /// Forgets those that neither it nor anybody else uses: the caller says which classes and sets of
  /// locks are, by number (Waiting::classes_end(), Locks::sets_end()).
  void forget_unused(std::vector<bool> classes, std::vector<bool> lock_sets, Time now);

  // The parts, each with its own rules. Changed by the pass and by the methods above only.
  Nodes nodes;
  ShareTree shares;
  Waiting waiting;
  Locks locks;
  Gates gates;
  RetryBudgets retries;

 private:
  friend class Pass;
  HolderId add_holder(const Holder& holder);
  void remove_holder(HolderId id);
  void promote(NodeId node, Time now, std::vector<HolderId>& out);
  std::int64_t places(NodeId node, const Shape& shape) const;
  void refresh_totals();
  void refresh_kept(NodeId node);
  void add_promise(Reservation promise);
  /// Those of a class, which are given back.
  std::vector<Reservation> take_promises(ClassId id);
  void apply_windows(Time now);
  /// So many of it after one another there, `times` as long as is expected; negative: nobody knows.
  Duration length_there(ClassId id, NodeId node, std::int32_t times, std::uint32_t members) const;
  CircuitId circuit_of(NodeId node) {
    return gates.circuits.intern("node:" + nodes.setup(node).name);
  }
  Time circuit_opens_at(NodeId node, Time now) const;
  void note_start(NodeId node, Time now);

  /// How far a pass has got in a leaf.
  struct Cursor {
    std::uint64_t pass = 0;
    Waiting::Position at;  ///< of the class that is served, or was passed over last
    bool passed_over = false;
  };

  /// Where a pass has noted that it passed a class over.
  struct PassedAt {
    std::uint64_t pass = 0;
    std::uint32_t index = 0;
  };

  SchedulingPolicy policy_;
  std::vector<Staging> staging_;        ///< by node
  std::vector<HolderId> first_;         ///< by node
  std::vector<std::uint8_t> is_there_;  ///< by node: set_open
  std::vector<Time> closes_at_;         ///< by node
  std::vector<Duration> open_most_;     ///< by node: between two closings of its pool
  std::map<std::string, Calendar, std::less<>> pool_windows_;
  /// Nodes at which attempts were lost: closed for a while, then tried with one.
  std::vector<NodeId> tripped_;
  Time next_window_ = kNever;  ///< when a pool or such a node opens, or a pool closes, next
  Time wake_ = kNever;
  std::vector<Holder> holders_;
  std::vector<HolderId> unused_;
  std::size_t held_ = 0;
  std::vector<Reservation> reservations_;
  std::vector<std::uint32_t> promises_;  ///< by node: how many of them
  std::vector<Cursor> cursors_;          ///< by leaf
  std::vector<PassedAt> passed_;         ///< by class
  std::uint64_t passes_ = 0;
};

}  // namespace reeve::schedule
