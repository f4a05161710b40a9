// The part of Pass that lets more of a class come along with one that starts.
#include <algorithm>

#include "schedule/pass.h"

namespace reeve::schedule {

std::uint32_t Pass::batch_size(std::uint32_t most) {
  const ClassKey& key = planner_.waiting.key(current_);
  if (placement_.nodes.size() != 1 || key.locks != LockSetId{}) return 1;
  const NodeChoice& choice = placement_.nodes.front();
  const Shape& shape = planner_.nodes.shape(key.demand, choice.variant);
  std::int64_t places = std::int64_t{1} << 30;
  for (const Amount& wanted : shape) {
    if (wanted.units <= 0) continue;
    places = std::min(places, planner_.nodes.free(choice.node, wanted.dimension) / wanted.units);
  }
  // Where it is handed over early there is no room now, and soon as much as there ever is.
  if (places < 1) places = planner_.places(choice.node, shape);
  const auto waiting = static_cast<std::int64_t>(planner_.waiting.waiting(current_));
  const std::int64_t share = (waiting + places - 1) / places;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(share, 1, std::max(most, 1U)));
}

std::optional<TaskId> Pass::next_along(std::uint32_t members) const {
  if (planner_.waiting.waiting(current_) == 0) return std::nullopt;
  if (!planner_.gates.empty()) {
    const Shut shut = planner_.gates.shut(planner_.waiting.key(current_),
                                          planner_.waiting.length(current_), now_, planner_.shares);
    // Of its user's quota no more is taken: they have one place together.
    if (shut.gate == Gate::rate || shut.gate == Gate::circuit) return std::nullopt;
  }
  const NodeId node = placement_.nodes.front().node;
  const Time end = end_of(node, members + 1);
  if (end == kNever) return planner_.waiting.head(current_);
  if (!planner_.has_time(current_, node, now_, members + 1)) return std::nullopt;
  if (slots_) {
    const Shape& shape = planner_.nodes.shape(planner_.waiting.key(current_).demand,
                                              placement_.nodes.front().variant);
    if (!slots_->fits(node, shape, end_of(node, members), end)) return std::nullopt;
    return planner_.waiting.head(current_);
  }
  const Reservation* const kept = reserved(node);
  const bool is_mine = kept == nullptr || kept->owner == current_;
  // One that goes on beyond the promise has been counted as that already.
  if (!is_mine && end > kept->at && end_of(node, members) <= kept->at) return std::nullopt;
  return planner_.waiting.head(current_);
}

void Pass::bring_along(HolderId holder, std::uint32_t members) {
  const ClassKey& key = planner_.waiting.key(current_);
  planner_.waiting.pop(current_);
  planner_.gates.on_start(key, now_);
  const NodeChoice& choice = placement_.nodes.front();
  const Time end = end_of(choice.node, members + 1);
  planner_.holders_[holder.value].end = end;
  if (slots_ && !placement_.staged && end != kNever) {
    slots_->take(choice.node, planner_.nodes.shape(key.demand, choice.variant),
                 end_of(choice.node, members), end);
  }
  if (++starts_ >= forced_at_) let_through();
}

}  // namespace reeve::schedule
