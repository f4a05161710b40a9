#include "api/event_hub.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/json_values.h"
#include "api/submission.h"
#include "core/launch.h"

namespace reeve::api {
namespace {

constexpr std::size_t kEventsMax = 32'768;
constexpr std::size_t kBatch = 256;
constexpr std::size_t kUnsentMax = 256 * 1024;
constexpr std::chrono::seconds kHeartbeat{15};

std::string_view run_type(const core::RunChange& change) {
  switch (change.to) {
    case core::RunState::queued: return "dev.reeve.run.submitted";
    case core::RunState::running: return "dev.reeve.run.started";
    case core::RunState::succeeded: return "dev.reeve.run.succeeded";
    case core::RunState::failed: return "dev.reeve.run.failed";
    case core::RunState::cancelled: return "dev.reeve.run.cancelled";
  }
  return "";
}

std::string task_type(core::TaskState state) {
  switch (state) {
    case core::TaskState::starting: return "dev.reeve.task.placed";
    case core::TaskState::running: return "dev.reeve.task.started";
    case core::TaskState::retry_wait: return "dev.reeve.task.retrying";
    case core::TaskState::awaiting_approval: return "dev.reeve.approval.requested";
    default: return fmt::format("dev.reeve.task.{}", name(state));
  }
}

/// Written by hand: with a stream open, this is done for every change of every task.
std::string frame_of(const ChangeEvent& event, std::string_view time) {
  const std::string run = format_uuid("run", event.run);
  const auto quoted = [](std::string text) {
    return to_json_text(text_json(std::move(text)), false);
  };
  const bool is_task = !event.task.empty();
  std::string out;
  out.reserve(768);
  const std::string id = format_event_id(event.id);
  const auto add = std::back_inserter(out);
  fmt::format_to(
      add,
      "id: {0}\nevent: {1}\ndata: {{\"specversion\":\"1.0\",\"id\":\"{0}\",\"source\":"
      "\"/v1/runs/{2}\",\"type\":\"{1}\",\"subject\":{3},\"time\":\"{4}\","
      "\"datacontenttype\":\"application/json\",\"data\":{{\"run\":\"{2}\",\"number\":{5},"
      "\"namespace\":{6},\"from\":\"{7}\",\"to\":\"{8}\"",
      id, event.type, run, is_task ? quoted(run + "/" + event.task) : '"' + run + '"', time,
      event.number.value, quoted(event.name_space), event.from, event.to);
  if (is_task)
    fmt::format_to(add,
                   ",\"task\":{},\"index\":{},\"count\":{},\"attempt\":{},\"reason\":\"{}\","
                   "\"sentence\":{}",
                   quoted(event.task), event.index, event.count, event.attempt,
                   name(event.reason.code), quoted(describe(event.reason)));
  out += "}}\n\n";
  return out;
}

/// Without an id: whoever comes again asks for what he asked for before.
std::string gap_frame() {
  return "event: dev.reeve.stream.gap\ndata: {\"detail\":\"events were lost between this and the "
         "one before: read the present state anew\"}\n\n";
}

}  // namespace

std::string format_event_id(const EventId& id) { return fmt::format("{}-{}", id.step, id.index); }

std::optional<EventId> parse_event_id(std::string_view text) {
  EventId id;
  const char* const end = text.data() + text.size();
  const auto step = std::from_chars(text.data(), end, id.step);
  if (step.ec != std::errc{} || step.ptr == end || *step.ptr != '-') return std::nullopt;
  const auto index = std::from_chars(step.ptr + 1, end, id.index);
  if (index.ec != std::errc{} || index.ptr != end) return std::nullopt;
  return id;
}

void EventHub::on_committed(const engine::Committed& committed) {
  std::vector<EventPtr> events;
  events.reserve(committed.runs.size() + committed.tasks.size());
  const auto make = [&](RunId id) -> ChangeEvent* {
    const core::Run* const run = committed.state.find_run(id);
    if (run == nullptr) return nullptr;
    ChangeEvent& event = *events.emplace_back(std::make_shared<ChangeEvent>());
    event.id = {committed.step, static_cast<std::uint32_t>(events.size() - 1)};
    event.at = committed.now;
    event.run = run->record.uuid;
    event.number = id;
    event.name_space = namespace_of(run->record);
    return &event;
  };
  const auto add_run = [&](const core::RunChange& change) {
    ChangeEvent* const event = make(change.run);
    if (event == nullptr) return;
    event->type = run_type(change);
    event->from = name(change.from);
    event->to = name(change.to);
    event->ends_run = core::is_final(change.to);
  };
  // A run's end comes behind the ends of its tasks.
  for (const core::RunChange& change : committed.runs)
    if (!core::is_final(change.to)) add_run(change);
  for (const core::TaskChange& change : committed.tasks) {
    ChangeEvent* const event = make(change.task.run);
    if (event == nullptr) continue;
    event->type = task_type(change.to);
    event->task = core::task_label(*committed.state.find_run(change.task.run), change.task.index);
    event->index = change.task.index;
    event->count = change.count;
    event->from = name(change.from);
    event->to = name(change.to);
    event->attempt = change.attempt;
    event->reason = change.reason;
  }
  for (const core::RunChange& change : committed.runs)
    if (core::is_final(change.to)) add_run(change);
  if (!events.empty()) add(std::move(events));
}

void EventHub::add(std::vector<EventPtr> events) {
  {
    const std::lock_guard lock(mutex_);
    for (EventPtr& event : events) events_.push_back(std::move(event));
    while (events_.size() > kEventsMax) {
      events_.pop_front();
      ++first_;
    }
  }
  if (count_ > 0 && !is_pumping_.exchange(true)) server_->post([this] { pump_all(); });
}

bool EventHub::knows(const Uuid& run) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(events_, [&](const EventPtr& each) { return each->run == run; });
}

/// The next few from `next` on, which moves behind them.
std::vector<EventHub::EventPtr> EventHub::take_from(std::uint64_t& next, bool& has_gap) const {
  const std::lock_guard lock(mutex_);
  has_gap = next < first_;
  if (has_gap) next = first_;
  const auto begin = static_cast<std::size_t>(next - first_);
  const std::size_t count = std::min(events_.size() - begin, kBatch);
  next += count;
  const auto from = events_.begin() + static_cast<std::ptrdiff_t>(begin);
  return {from, from + static_cast<std::ptrdiff_t>(count)};
}

/// Appends it to what goes out to the follower, if he wants it.
void EventHub::add_frame(Follower& follower, ChangeEvent& event, std::string& out) {
  const Following& following = follower.following;
  if (following.run && *following.run != event.run) return;
  if (!following.name_spaces.empty() &&
      std::ranges::find(following.name_spaces, event.name_space) == following.name_spaces.end())
    return;
  if (event.at != time_.first) time_ = {event.at, format_time(event.at)};
  if (event.frame.empty()) event.frame = frame_of(event, time_.second);
  out += event.frame;
  follower.is_over = following.run && event.ends_run;
}

void EventHub::pump(Follower& follower) {
  while (!follower.is_over && follower.stream.is_open() && follower.stream.unsent() < kUnsentMax) {
    bool has_gap = false;
    const std::vector<EventPtr> events = take_from(follower.next, has_gap);
    // One write for all of them: with many followers, what costs is each write.
    std::string out = has_gap ? gap_frame() : std::string();
    for (const EventPtr& event : events) {
      add_frame(follower, *event, out);
      if (follower.is_over) break;
    }
    follower.stream.write(std::move(out));
    if (events.empty()) return;
  }
  if (follower.is_over) follower.stream.end();
}

void EventHub::forget_those_who_left() {
  std::erase_if(followers_, [](const auto& each) { return !each->stream.is_open(); });
  count_ = followers_.size();
}

void EventHub::pump_all() {
  is_pumping_ = false;
  for (const auto& follower : followers_) pump(*follower);
  forget_those_who_left();
}

void EventHub::heartbeat() {
  for (const auto& follower : followers_) {
    if (follower->following.may_go_on && !follower->following.may_go_on())
      follower->stream.end();
    else if (follower->stream.unsent() == 0)
      follower->stream.write(": heartbeat\n\n");
  }
  forget_those_who_left();
  beats_ = !followers_.empty();
  if (beats_) server_->after(kHeartbeat, [this] { heartbeat(); });
}

void EventHub::follow(http::Stream stream, Following following) {
  // shared: with the callback of the stream
  const auto follower = std::make_shared<Follower>();
  follower->stream = std::move(stream);
  follower->following = std::move(following);
  {
    const std::lock_guard lock(mutex_);
    follower->next = first_ + events_.size();
    if (follower->following.from_oldest) follower->next = first_;
    if (const auto& after = follower->following.after; after) {
      const auto behind = std::ranges::upper_bound(events_, *after, {},
                                                   [](const EventPtr& each) { return each->id; });
      follower->next = first_ + static_cast<std::uint64_t>(behind - events_.begin());
      // What came between that event and the oldest that is kept, nobody knows here any more.
      const bool is_known = behind != events_.begin();
      if (!is_known) follower->next = first_ - 1;
    }
  }
  followers_.push_back(follower);
  ++count_;
  follower->stream.on_change([this, weak = std::weak_ptr(follower)] {
    if (const auto found = weak.lock(); found && found->stream.is_open()) pump(*found);
  });
  pump(*follower);
  if (!beats_) {
    beats_ = true;
    server_->after(kHeartbeat, [this] { heartbeat(); });
  }
}

}  // namespace reeve::api
