// One round of placing what waits (schedule/planner.h has the picture). The caller takes one task
// after the other from next(): it drops one that is stale; else it asks for a place(), and if there
// is one accepts it. What has no place was passed over by that.
//
// Pure; one thread; the planner must outlive it and be changed by nobody else meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "schedule/placement_score.h"
#include "schedule/planner.h"
#include "schedule/slots.h"

namespace reeve::schedule {

/// Promises beyond the policy's, to what was overtaken often.
inline constexpr std::size_t kForcedMax = 2;

struct Placement {
  ClassId owner;
  boost::container::small_vector<NodeChoice, 1> nodes;  ///< one, or one for each of a gang
  bool staged = false;
};

class Pass final : private Admission {
 public:
  /// `is_stale`: a task does not wait any more, though it is still listed: nothing is promised to
  /// it.
  Pass(Planner& planner, Time now, std::function<bool(TaskId)> is_stale = {});
  ~Pass();
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  /// The task that is next and may start as far as anything but room goes.
  std::optional<TaskId> next();
  ClassId owner() const { return current_; }
  /// It does not wait any more.
  void drop();
  /// It is not to start yet, for a reason of the caller's; nor is what waits behind it.
  void skip();
  /// Where it goes; null: there is no room, and its class is passed over for this pass.
  const Placement* place();
  /// What decided for it and for its place. Before accept().
  PlacementScore score() const;
  /// It starts there. Gives the holder (of a gang: the first).
  HolderId accept(Token token);
  // What was accepted may bring more of its class, to run after it in the same place.
  /// How many in all, if at most so many: no more than leave enough for what other room there is.
  /// Before accept().
  std::uint32_t batch_size(std::uint32_t most);
  /// The task that may come along as one more beside `members`; nothing: none may.
  std::optional<TaskId> next_along(std::uint32_t members) const;
  /// It comes along with the `members` that the holder has already.
  void bring_along(HolderId holder, std::uint32_t members);
  /// Attempts that should make room for what was passed over, which keeps their node.
  const std::vector<HolderId>& preempted() const { return preempted_; }

 private:
  bool allows(const Shape& shape) const override;
  bool admits(NodeId node, const Shape& shape) const override;
  bool find_class();
  std::uint32_t overtaken(ClassId id) const;
  bool is_hopeless(DemandId demand);
  bool may_have_room(DemandId demand);
  bool is_shut(const ClassKey& key, Duration length);
  void pass_over();
  bool note_passed(ClassId id);
  bool try_stage();
  bool may_promise(bool forced) const;
  bool reserve(bool forced);
  // Conservative backfilling.
  /// A task behind the first of its class, which has no room: it is promised a place when it is
  /// its turn.
  struct Deeper {
    Waiting::Position position;
    std::uint32_t offset = 0;    ///< in the range of its entry
    std::size_t entry = 0;       ///< of the class
    Time from;                   ///< what was promised to the one before it
    std::int64_t overtaken = 0;  ///< the class, less the starts of this pass before it was passed
    bool operator<(const Deeper& other) const {
      return std::tie(position, offset) < std::tie(other.position, other.offset);
    }
  };
  bool reserve_slot(bool forced);
  std::optional<Time> promise(ClassId id, TaskId task, Time from, std::int64_t overtaken);
  bool close_nodes();
  bool has_limits(const ClassKey& key) const;
  void go_deeper(Deeper at);
  void promise_deeper(LeafId leaf, const Waiting::Position* before);
  bool may_preempt() const;
  /// Its priority, or that of what waits for one of its locks, if that is higher: a holder inherits
  /// (Sha, Rajkumar and Lehoczky, "Priority inheritance protocols", 1990).
  std::int32_t inherited_priority(const ClassKey& key);
  void preempt();
  bool would_have_room(NodeId node, const std::vector<HolderId>& without, Time from);
  void stop(const std::vector<HolderId>& victims, NodeId node, Time gone);
  void forget_promise(ClassId id);
  Time end_of(NodeId node, std::uint32_t members = 1) const;
  void spend_spare(NodeId node, const Shape& shape);
  void let_through();
  Planner::Cursor& cursor(LeafId leaf);
  const Reservation* reserved(NodeId node) const;

  Planner& planner_;
  Time now_;
  std::optional<LeafId> leaf_;
  ClassId current_;
  bool looked_for_room_ = false;  ///< for the present class, and there may be some
  bool served_ = false;           ///< the leaf has had a start since it was chosen
  Placement placement_;
  /// What found no room, and how many had started before it was passed over.
  struct Passed {
    ClassId id;
    std::uint64_t starts;
  };
  std::vector<Passed> passed_;
  std::vector<ClassId> starving_;  ///< overtaken often enough
  std::uint64_t starts_ = 0;
  std::uint64_t forced_at_;  ///< starts_ at which the first of them has been overtaken enough
  std::size_t preempt_tries_ = 0;
  std::function<bool(TaskId)> is_stale_;
  std::optional<Slots> slots_;  ///< if promises are conservative
  std::map<LeafId, std::set<Deeper>> deeper_;
  std::size_t promised_ = 0;  ///< tasks
  std::size_t closed_ = 0;    ///< of them, those that keep nodes until there is room
  std::size_t stale_ = 0;     ///< that were passed over
  std::map<LockId, std::int32_t> wanted_locks_;  ///< highest priority of what waits for them
  bool knows_wanted_ = false;
  std::vector<HolderId> preempted_;
};

}  // namespace reeve::schedule
