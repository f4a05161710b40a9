#include "api/event_hub.h"

#include <algorithm>

#include "api/event_replay.h"

namespace reeve::api {
namespace {

constexpr std::size_t kEventsMax = 32'768;
constexpr std::size_t kBatch = 256;
constexpr std::size_t kUnsentMax = 256 * 1024;
constexpr std::chrono::milliseconds kBeginPause{10};

}  // namespace

bool Following::wants(const ChangeEvent& event) const {
  if (run && *run != event.run) return false;
  return name_spaces.empty() ||
         std::ranges::find(name_spaces, event.name_space) != name_spaces.end();
}

bool Following::ends_with(const ChangeEvent& event) const {
  if (!attempt || event.task.empty() || attempt->index < event.index ||
      attempt->index - event.index >= event.count)
    return false;
  // The token of an attempt ends with it, and so does what it opened.
  return event.attempt > attempt->number ||
         (event.attempt == attempt->number && event.to != "starting" && event.to != "running");
}

void Follower::add(ChangeEvent& event, std::string& out) {
  if (event.id <= last) return;
  last = event.id;
  if (!following.wants(event)) return;
  if (event.frame.empty()) event.frame = event_frame(event);
  out += event.frame;
  // Of one that had ended before, and was tried again or not, all is told.
  if (following.ends_with(event)) is_over = true;
  if (is_over) return;
  is_over =
      following.run && event.ends_run && event.id > following.begun && !following.run_has_ended;
}

EventHub::EventHub() = default;
EventHub::~EventHub() { replay_.reset(); }

void EventHub::replay_from(std::unique_ptr<EventReplay> replay) { replay_ = std::move(replay); }

void EventHub::on_committed(const engine::Committed& committed) {
  std::vector<EventPtr> events = change_events(committed);
  const bool is_news = !events.empty();
  unfinished_ = committed.state.run_count();
  {
    const std::lock_guard lock(mutex_);
    if (!floor_) {
      floor_ = end_of_step(committed.step - 1);
      floor_at_ = committed.now - Duration{1};
      began_.notify_all();
    }
    for (EventPtr& event : events) events_.push_back(std::move(event));
    while (events_.size() > kEventsMax) {
      floor_ = events_.front()->id;
      floor_at_ = events_.front()->at;
      events_.pop_front();
      ++first_;
    }
  }
  if (is_news && count_ > 0 && !is_pumping_.exchange(true)) server_->post([this] { pump_all(); });
}

bool EventHub::has_all_after(const EventId& id) const {
  const std::lock_guard lock(mutex_);
  return floor_ && id >= *floor_;
}

bool EventHub::is_more_written(const EventId& id) const {
  const std::lock_guard lock(mutex_);
  return floor_ && id < *floor_ && floor_->step > id.step;
}

EventId EventHub::newest() const {
  const std::lock_guard lock(mutex_);
  if (!events_.empty()) return events_.back()->id;
  return floor_.value_or(EventId{});
}

EventId EventHub::before_all_since(Time submitted_at) const {
  const std::lock_guard lock(mutex_);
  return floor_ && submitted_at > floor_at_ ? *floor_ : EventId{};
}

bool EventHub::has_begun() const {
  std::unique_lock lock(mutex_);
  return began_.wait_for(lock, std::chrono::seconds{1}, [&] { return floor_.has_value(); });
}

void EventHub::put_before(std::deque<EventPtr> events, EventId floor) {
  const std::lock_guard lock(mutex_);
  while (!events.empty() && events.back()->id > *floor_) events.pop_back();
  if (events.empty() || events_.size() >= kEventsMax) return;
  while (!events.empty() && events_.size() < kEventsMax) {
    events_.push_front(std::move(events.back()));
    events.pop_back();
    --first_;
  }
  floor_ = events.empty() ? floor : events.back()->id;
  floor_at_ = *floor_ == EventId{} ? kUnset : events_.front()->at;
}

/// The next few from `next` on, which moves behind them.
std::vector<EventPtr> EventHub::take_from(std::uint64_t& next, bool& has_gap) const {
  const std::lock_guard lock(mutex_);
  has_gap = next < first_;
  if (has_gap) return {};
  const auto begin = static_cast<std::size_t>(next - first_);
  const std::size_t count = std::min(events_.size() - begin, kBatch);
  next += count;
  const auto from = events_.begin() + static_cast<std::ptrdiff_t>(begin);
  return {from, from + static_cast<std::ptrdiff_t>(count)};
}

void EventHub::pump(const FollowerPtr& follower) {
  Follower& to = *follower;
  if (to.following.is_in_time && !to.following.is_in_time()) return shut_out(to);
  while (!to.is_behind && !to.is_over && to.stream.is_open() && to.stream.unsent() < kUnsentMax) {
    bool has_gap = false;
    const std::vector<EventPtr> events = take_from(to.next, has_gap);
    if (has_gap) {
      to.is_behind = true;
      return replay_->catch_up(follower, to.last);
    }
    if (events.empty()) {
      to.is_over = to.following.run_has_ended;
      break;
    }
    // One write for all of them: with many followers, what costs is each write.
    std::string out;
    for (const EventPtr& event : events) {
      to.add(*event, out);
      if (to.is_over) break;
    }
    if (!out.empty()) to.stream.write(std::move(out));
  }
  if (!to.is_behind && to.is_over) to.stream.end();
}

void EventHub::forget_those_who_left() {
  std::erase_if(followers_, [](const auto& each) { return !each->stream.is_open(); });
  count_ = followers_.size();
}

void EventHub::shut_out(Follower& follower) {
  if (follower.is_over) return;
  follower.is_over = true;
  follower.stream.write(closed_frame());
  follower.stream.end();
}

void EventHub::pump_all() {
  is_pumping_ = false;
  for (const FollowerPtr& follower : followers_) pump(follower);
  forget_those_who_left();
}

void EventHub::heartbeat() {
  for (const FollowerPtr& follower : followers_) {
    if (follower->following.may_go_on && !follower->following.may_go_on())
      shut_out(*follower);
    else if (follower->stream.unsent() == 0)
      follower->stream.write(": heartbeat\n\n");
  }
  forget_those_who_left();
  beats_ = !followers_.empty();
  if (beats_) beat_later();
}

void EventHub::beat_later() {
  server_->after(std::chrono::ceil<std::chrono::milliseconds>(silence_()), [this] { heartbeat(); });
}

/// Where he goes on, or that he is behind what is kept.
void EventHub::place(Follower& follower) const {
  const std::lock_guard lock(mutex_);
  follower.is_behind = !floor_ || follower.last < *floor_;
  const auto behind = std::ranges::upper_bound(events_, follower.last, {},
                                               [](const EventPtr& each) { return each->id; });
  follower.next = first_ + static_cast<std::uint64_t>(behind - events_.begin());
}

void EventHub::take_back(const FollowerPtr& follower, EventId last) {
  server_->post([this, follower, last] {
    follower->last = std::max(follower->last, last);
    place(*follower);
    if (follower->is_behind) return replay_->catch_up(follower, follower->last);
    pump(follower);
  });
}

void EventHub::take_back_with_gap(const FollowerPtr& follower) {
  follower->stream.write(gap_frame());
  server_->post([this, follower] {
    {
      const std::lock_guard lock(mutex_);
      follower->last = floor_.value_or(EventId{});
    }
    place(*follower);
    pump(follower);
  });
}

/// Who comes back in the first moments of this process is placed when it is known what was before:
/// else his id would look like one of another life.
void EventHub::follow_once_begun(http::Stream stream, Following following, int tries) {
  if (following.after && newest() == EventId{} && tries > 0)
    return server_->after(
        kBeginPause, [this, stream = std::move(stream), following = std::move(following), tries] {
          if (stream.is_open()) follow_once_begun(stream, following, tries - 1);
        });
  const auto follower = std::make_shared<Follower>();  // shared: see FollowerPtr
  follower->stream = std::move(stream);
  follower->following = std::move(following);
  const EventId newest = this->newest();
  auto& after = follower->following.after;
  if (after && *after > newest) {
    // Of another life of this service: its files were put back.
    follower->stream.write(gap_frame());
    after.reset();
  }
  follower->last = after.value_or(newest);
  place(*follower);
  if (!after) follower->is_behind = false;
  followers_.push_back(follower);
  ++count_;
  follower->stream.on_change([this, weak = std::weak_ptr(follower)] {
    const auto found = weak.lock();
    if (!found) return;
    // The replay waits for room, or for the end.
    if (found->is_behind) return replay_->look_again();
    if (found->stream.is_open()) pump(found);
  });
  if (follower->is_behind)
    replay_->catch_up(follower, follower->last);
  else
    pump(follower);
  if (!beats_) {
    beats_ = true;
    beat_later();
  }
}

}  // namespace reeve::api
