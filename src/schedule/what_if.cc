#include "schedule/what_if.h"

#include <algorithm>
#include <array>
#include <optional>

#include "schedule/pass.h"

namespace reeve::schedule {

namespace {

constexpr std::array<std::int64_t, 3> kRoomTried{1, 4, 16};
constexpr std::array<std::int32_t, 3> kPriorityTried{1, 10, 100};
constexpr TaskId kTried{RunId{0x7fffffff}, 0};

class Trial {
 public:
  Trial(const Planner& planner, ClassId id, TaskId task, Time now,
        const std::function<bool(TaskId)>& is_stale)
      : planner_(planner),
        id_(id),
        task_(task),
        now_(now),
        is_stale_(is_stale) {}

  std::vector<WouldStart> run() {
    try_later();
    try_room();
    try_limits();
    try_lock();
    try_priority();
    return std::move(found_);
  }

 private:
  /// Whether a pass over the changed copy starts the task.
  bool starts(Planner& changed, TaskId task, Time now) const {
    const auto is_gone = [&](TaskId one) { return one != kTried && is_stale_(one); };
    Pass pass(changed, now, is_gone);
    while (const auto next = pass.next()) {
      if (is_gone(*next)) {
        pass.drop();
        continue;
      }
      const Placement* const place = pass.place();
      if (place == nullptr) continue;
      if (*next == task) return !place->staged;
      pass.accept(Token{});
    }
    return false;
  }
  const ClassKey& key() const { return planner_.waiting.key(id_); }

  void try_later() {
    const Duration length = planner_.waiting.length(id_);
    const Shut shut = planner_.gates.shut(key(), length, now_, planner_.shares);
    Time at = shut.gate == Gate::none ? now_ : shut.until;
    if (at != kNever && planner_.nodes.size() == 1)
      at = std::max(at, planner_.takes_at(NodeId{0}, id_, at));
    if (at == kNever || at <= now_) return;
    Planner changed = planner_;
    if (starts(changed, task_, at)) found_.push_back({.change = Change::later, .at = at});
  }

  void try_room() {
    const auto count = static_cast<std::uint32_t>(planner_.nodes.size());
    for (std::uint32_t n = 0; n < count; ++n) {
      const NodeId node{n};
      if (!planner_.nodes.may_take(node, key().demand)) continue;
      for (const std::int64_t times : kRoomTried) {
        Planner changed = planner_;
        Resources more = planner_.nodes.setup(node).capacity;
        const Resources& asked = planner_.nodes.demand(key().demand).variants.front();
        for (std::int64_t i = 0; i < times; ++i) more.add(asked);
        changed.set_capacity(node, more);
        if (!starts(changed, task_, now_)) continue;
        found_.push_back({.change = Change::room, .amount = times});
        return;
      }
      return;  // the first that may take it speaks for all
    }
  }

  void try_limits() {
    if (planner_.limit_reached(key()) == nullptr) return;
    Planner changed = planner_;
    changed.shares.lift_limits(key().leaf);
    if (starts(changed, task_, now_)) found_.push_back({.change = Change::queue_limit});
  }

  void try_lock() {
    const LockUse* const busy = planner_.locks.first_busy(key().locks);
    if (busy == nullptr) return;
    const std::int32_t limit = planner_.locks.in_use(busy->lock) + busy->units;
    Planner changed = planner_;
    changed.locks.intern(planner_.locks.name(busy->lock), limit);
    if (starts(changed, task_, now_)) found_.push_back({.change = Change::lock, .amount = limit});
  }

  void try_priority() {
    for (const std::int32_t levels : kPriorityTried) {
      Planner changed = planner_;
      ClassKey higher = key();
      higher.priority += levels;
      changed.waiting.push(changed.waiting.intern(higher), {kTried, 1}, now_);
      if (!starts(changed, kTried, now_)) continue;
      found_.push_back({.change = Change::priority, .amount = levels});
      return;
    }
  }

  const Planner& planner_;
  ClassId id_;
  TaskId task_;
  Time now_;
  const std::function<bool(TaskId)>& is_stale_;
  std::vector<WouldStart> found_;
};

}  // namespace

std::vector<WouldStart> would_start(const Planner& planner, ClassId id, TaskId task, Time now,
                                    const std::function<bool(TaskId)>& is_stale) {
  if (planner.waiting.waiting() > kWhatIfWaitingMax) return {};
  return Trial(planner, id, task, now, is_stale).run();
}

}  // namespace reeve::schedule
