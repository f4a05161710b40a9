#include "schedule/pass.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

constexpr std::size_t kPassedMax = 1024;  // overtaking is counted for the first so many
constexpr std::size_t kStarvingMax = 64;
constexpr std::uint64_t kNotForced = ~std::uint64_t{0};

}  // namespace

Pass::Pass(Planner& planner, Time now, std::function<bool(TaskId)> is_stale)
    : planner_(planner),
      now_(now),
      forced_at_(kNotForced),
      is_stale_(std::move(is_stale)) {
  ++planner_.passes_;
  planner_.forget_promises();
  planner_.apply_windows(now);
  planner_.wake_ = kNever;
  if (planner_.is_conservative()) slots_.emplace(planner_, now);
  std::vector<ShareTree::Active> active;
  active.reserve(planner_.waiting.active().size());
  for (const LeafId leaf : planner_.waiting.active())
    active.push_back({leaf, planner_.waiting.order(leaf).begin()->arrival});
  planner_.shares.begin(now, active);
}

Planner::Cursor& Pass::cursor(LeafId leaf) {
  if (planner_.cursors_.size() <= leaf.value) planner_.cursors_.resize(leaf.value + 1);
  Planner::Cursor& found = planner_.cursors_[leaf.value];
  if (found.pass != planner_.passes_)
    found = {.pass = planner_.passes_, .at = {.arrival = Time::min()}};
  return found;
}

bool Pass::is_shut(const ClassKey& key, Duration length) {
  if (!planner_.gates.empty()) {
    const Shut shut = planner_.gates.shut(key, length, now_, planner_.shares);
    planner_.wake_ = std::min(planner_.wake_, shut.gate == Gate::none ? kNever : shut.until);
    if (shut.gate != Gate::none) return true;
  }
  if (planner_.limit_reached(key) != nullptr) return true;
  return planner_.locks.first_busy(key.locks) != nullptr;
}

/// No room, and no promise to be had either: need not be looked at closer.
bool Pass::is_hopeless(DemandId demand) {
  looked_for_room_ = false;
  return !may_preempt() && (planner_.nodes.size() > 1 || planner_.staging_[0].depth(1) == 0) &&
         !may_promise(true) && !may_have_room(demand);
}

bool Pass::may_have_room(DemandId demand) {
  looked_for_room_ = true;
  return planner_.nodes.may_have_room(demand);
}

bool Pass::find_class() {
  const std::set<Waiting::Position>& order = planner_.waiting.order(*leaf_);
  Planner::Cursor& at = cursor(*leaf_);
  auto found = at.passed_over ? order.upper_bound(at.at) : order.lower_bound(at.at);
  const bool is_noted_enough = passed_.size() >= kPassedMax && planner_.gates.empty();
  for (; found != order.end(); ++found) {
    if (slots_) promise_deeper(*leaf_, &*found);
    at.at = *found;
    at.passed_over = true;
    // Most of what waits has no room: where nothing is noted of it any more, it is not looked at.
    if (is_noted_enough && is_hopeless(found->demand)) continue;
    const ClassKey& key = planner_.waiting.key(found->id);
    if (is_shut(key, planner_.waiting.length(found->id))) continue;
    if (is_hopeless(key.demand)) {
      note_passed(found->id);
      continue;
    }
    at.passed_over = false;
    current_ = found->id;
    return true;
  }
  if (slots_) promise_deeper(*leaf_, nullptr);
  return false;
}

std::optional<TaskId> Pass::next() {
  while (true) {
    if (leaf_ && served_) {  // somebody else may have the lesser claim now
      const auto& order = planner_.waiting.order(*leaf_);
      planner_.shares.again(order.empty() ? kNever : order.begin()->arrival);
      leaf_.reset();
    }
    if (!leaf_) leaf_ = planner_.shares.next();
    if (!leaf_) return std::nullopt;
    served_ = false;
    if (find_class()) return planner_.waiting.head(current_);
    planner_.shares.done();
    leaf_.reset();
  }
}

void Pass::drop() { planner_.waiting.drop(current_); }

void Pass::skip() { cursor(*leaf_).passed_over = true; }

const Reservation* Pass::reserved(NodeId node) const {
  const auto found = std::ranges::find(planner_.reservations_, node, &Reservation::node);
  return found == planner_.reservations_.end() ? nullptr : &*found;
}

Time Pass::end_of(NodeId node, std::uint32_t members) const {
  return planner_.promised_end(current_, node, now_, members);
}

bool Pass::allows(const Shape& shape) const {
  const ClassKey& key = planner_.waiting.key(current_);
  const std::uint32_t nodes = planner_.nodes.demand(key.demand).nodes;
  return planner_.shares.limit_reached(key.leaf, shape, nodes) == nullptr;
}

bool Pass::admits(NodeId node, const Shape& shape) const {
  if (planner_.staged(node) > 0) return false;  // those are first
  const Time end = end_of(node);
  if (!planner_.has_time(current_, node, now_)) return false;
  for (const ClassId id : starving_) {
    if (id == current_) continue;
    const bool enough = end == kNever || overtaken(id) >= kBackfillsMax;
    if (enough && planner_.nodes.may_take(node, planner_.waiting.key(id).demand)) return false;
  }
  if (slots_) return slots_->admits(current_, node, shape, end, static_cast<std::int64_t>(starts_));
  const Reservation* kept = reserved(node);
  if (kept == nullptr || kept->owner == current_) return true;
  if (kept->at == kNever) return false;
  if (overtaken(kept->owner) >= (end == kNever ? kOvertakesMax : kBackfillsMax)) return false;
  if (end == kNever || end <= kept->at) return true;
  return std::ranges::all_of(shape, [&](const Amount& wanted) {
    const auto spare = std::ranges::find(kept->spare, wanted.dimension, &Amount::dimension);
    return spare == kept->spare.end() || spare->units >= wanted.units;
  });
}

std::uint32_t Pass::overtaken(ClassId id) const {
  const std::uint32_t before = planner_.waiting.overtaken(id);
  if (id.value >= planner_.passed_.size()) return before;
  const Planner::PassedAt& at = planner_.passed_[id.value];
  if (at.pass != planner_.passes_) return before;
  return before + static_cast<std::uint32_t>(starts_ - passed_[at.index].starts);
}

const Placement* Pass::place() {
  const ClassKey& key = planner_.waiting.key(current_);
  placement_.owner = current_;
  placement_.staged = false;
  placement_.nodes.clear();
  if (looked_for_room_ || may_have_room(key.demand)) {
    if (planner_.nodes.demand(key.demand).nodes == 1) {
      if (const auto choice = planner_.nodes.choose(key.demand, *this))
        placement_.nodes.push_back(*choice);
    } else {
      for (const NodeChoice& choice : planner_.nodes.choose_gang(key.demand, *this))
        placement_.nodes.push_back(choice);
    }
    if (!placement_.nodes.empty()) return &placement_;
  }
  if (try_stage()) return &placement_;
  pass_over();
  return nullptr;
}

bool Pass::try_stage() {
  // Only the first in order that lacks a place is handed over early, without locks, and where there
  // is no choice of nodes. Not where a queue bounds how many run: they start without being asked.
  const ClassKey& key = planner_.waiting.key(current_);
  if (!passed_.empty() || key.locks != LockSetId{} || planner_.nodes.size() != 1) return false;
  if (planner_.shares.has_limits(key.leaf)) return false;
  const NodeId node{0};
  if (!planner_.nodes.may_take(node, key.demand) || !planner_.nodes.could_ever_fit(key.demand))
    return false;
  const Shape& shape = planner_.nodes.shape(key.demand, 0);
  if (!planner_.staging_[0].may_stage({key.demand, 0}, planner_.places(node, shape))) return false;
  placement_.nodes.push_back({.node = node, .candidates = 1});
  placement_.staged = true;
  return true;
}

bool Pass::may_promise(bool forced) const {
  if (slots_) return promised_ < kPromisesMax + (forced ? kForcedMax : 0);
  const std::size_t given = planner_.reservations_.size();
  const auto wanted = static_cast<std::size_t>(std::max(planner_.policy_.reservations, 0));
  return given < planner_.nodes.size() && given < wanted + (forced ? kForcedMax : 0);
}

void Pass::pass_over() {
  Planner::Cursor& at = cursor(*leaf_);
  at.passed_over = true;
  if (!planner_.could_ever_run(planner_.waiting.key(current_))) return;
  const bool forced = note_passed(current_);
  if (may_promise(forced)) reserve(forced);
  preempt();
}

/// Counts what starts from now on as overtaking it. True: it has been overtaken often enough, and
/// nothing that may be in its way starts behind it.
bool Pass::note_passed(ClassId id) {
  if (!planner_.could_ever_run(planner_.waiting.key(id))) return false;
  if (passed_.size() < kPassedMax) {
    if (planner_.passed_.size() <= id.value) planner_.passed_.resize(id.value + 1);
    planner_.passed_[id.value] = {planner_.passes_, static_cast<std::uint32_t>(passed_.size())};
    passed_.push_back({id, starts_});
  }
  const std::uint32_t before = planner_.waiting.overtaken(id);
  if (before < kOvertakesMax) {
    forced_at_ = std::min(forced_at_, starts_ + kOvertakesMax - before);
    return false;
  }
  if (starving_.size() < kStarvingMax) starving_.push_back(id);
  return true;
}

PlacementScore Pass::score() const {
  const ClassKey& key = planner_.waiting.key(current_);
  const HeadStart start = head_start(planner_.waiting.weights(), key, now_);
  const NodeChoice& choice = placement_.nodes.front();
  PlacementScore score{
      .priority = start.priority,
      .deadline = start.deadline,
      .length = start.length,
      .candidates = placement_.staged || choice.candidates < 2 ? 0 : choice.candidates,
      .variant = choice.variant,
      .score = std::max(choice.score, 0),
      .terms = choice.terms};
  if (planner_.shares.leaves() > 1) {
    const double share = std::min(planner_.shares.share_now(key.leaf), 1.0);
    score.share_permille = static_cast<std::int32_t>(share * 1000);
  }
  return score;
}

HolderId Pass::accept(Token token) {
  const ClassKey& key = planner_.waiting.key(current_);
  planner_.waiting.pop(current_);
  planner_.locks.take(key.locks);
  planner_.gates.on_start(key, now_);
  HolderId first = kNoHolder;
  for (std::size_t i = placement_.nodes.size(); i-- > 0;) {
    const NodeChoice& choice = placement_.nodes[i];
    const Shape& shape = planner_.nodes.shape(key.demand, choice.variant);
    if (!placement_.staged && planner_.nodes.is_kept(choice.node)) spend_spare(choice.node, shape);
    if (!placement_.staged && slots_) slots_->take(choice.node, shape, now_, end_of(choice.node));
    planner_.note_start(choice.node, now_);
    first = planner_.restore({.token = token,
                              .node = choice.node,
                              .owner = current_,
                              .since = now_,
                              .end = end_of(choice.node),
                              .variant = choice.variant,
                              .staged = placement_.staged,
                              .gang = first},
                             now_);
  }
  forget_promise(current_);
  if (++starts_ >= forced_at_) let_through();
  served_ = true;
  return first;
}

void Pass::forget_promise(ClassId id) {
  if (planner_.reservations_.empty()) return;
  const DemandId demand = planner_.waiting.key(id).demand;
  for (const Reservation& one : planner_.take_promises(id)) {
    if (slots_) slots_->forget(one, planner_.nodes.shape(demand, one.variant));
  }
}

void Pass::spend_spare(NodeId node, const Shape& shape) {
  if (slots_) return;
  const auto kept = std::ranges::find(planner_.reservations_, node, &Reservation::node);
  if (kept == planner_.reservations_.end() || end_of(node) <= kept->at) return;
  for (const Amount& used : shape) {
    const auto spare = std::ranges::find(kept->spare, used.dimension, &Amount::dimension);
    if (spare != kept->spare.end()) spare->units -= used.units;
  }
}

void Pass::let_through() {
  // Some have been overtaken often enough, in this very pass: each keeps a node from now on.
  forced_at_ = kNotForced;
  const ClassId before = current_;
  for (const Passed& passed : passed_) {
    const std::uint32_t times =
        planner_.waiting.overtaken(passed.id) + static_cast<std::uint32_t>(starts_ - passed.starts);
    if (times > kOvertakesMax) continue;  // keeps one, or there is none to keep
    if (times < kOvertakesMax) {
      forced_at_ = std::min(forced_at_, starts_ + kOvertakesMax - times);
      continue;
    }
    current_ = passed.id;
    if (starving_.size() < kStarvingMax) starving_.push_back(passed.id);
    if (may_promise(true)) reserve(true);
  }
  current_ = before;
}

Pass::~Pass() {
  for (const Passed& passed : passed_)
    planner_.waiting.count_overtaken(passed.id,
                                     static_cast<std::uint32_t>(starts_ - passed.starts));
}

}  // namespace reeve::schedule
