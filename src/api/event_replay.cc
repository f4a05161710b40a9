#include "api/event_replay.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "api/job_queue.h"
#include "engine/replay.h"

namespace reeve::api {
namespace {

constexpr std::size_t kUnsentReplayMax = std::size_t{1} << 20;
constexpr std::size_t kHandedOverMax = 32'768;
constexpr std::chrono::seconds kPatience{10};
constexpr int kTriesMax = 8;

}  // namespace

struct EventReplay::Parts {
  struct Job {
    FollowerPtr follower;
    EventId after;
  };
  /// One walk through the journal for one follower.
  struct Pass {
    FollowerPtr follower;
    EventId after;              ///< what he had when it began
    EventId position;           ///< all up to here has been seen
    std::deque<EventPtr> kept;  ///< newest of the old ones, for the hub
    EventId floor;              ///< all behind it are in `kept`
  };

  Parts(JournalSource source, EventHub& events)
      : open(std::move(source.open)),
        pools(std::move(source.pools)),
        hub(events) {}
  void serve(const Job& job);
  bool walk(Pass& pass);
  bool take_step(Pass& pass, const engine::JournalRecord& record, const core::State& state,
                 const core::Changes& changes);
  bool wait_for_room(Follower& follower);
  bool is_stopping();

  std::function<Result<std::unique_ptr<engine::Store>>()> open;
  std::vector<core::PoolSetup> pools;
  EventHub& hub;
  JobQueue<Job> jobs;
  std::mutex mutex;  // guards stopping and takes
  std::condition_variable came;
  bool stopping = false;
  std::uint64_t takes = 0;  ///< how often somebody has taken something
  std::thread thread;       // last: it uses all above
};

bool EventReplay::Parts::is_stopping() {
  const std::lock_guard lock(mutex);
  return stopping;
}

/// False: he has gone, takes nothing, or the service ends.
bool EventReplay::Parts::wait_for_room(Follower& follower) {
  std::unique_lock lock(mutex);
  while (!stopping && follower.stream.is_open()) {
    if (follower.stream.unsent() <= kUnsentReplayMax) return true;
    const std::uint64_t before = takes;
    const std::size_t unsent = follower.stream.unsent();
    came.wait_for(lock, kPatience, [&] { return stopping || takes != before; });
    if (follower.stream.unsent() >= unsent) return false;
  }
  return false;
}

bool EventReplay::Parts::take_step(Pass& pass, const engine::JournalRecord& record,
                                   const core::State& state, const core::Changes& changes) {
  const engine::Committed committed{.now = record.now,
                                    .state = state,
                                    .runs = changes.run_changes,
                                    .tasks = changes.task_changes,
                                    .attempts = changes.attempts,
                                    .progressed = changes.progressed,
                                    .step = record.step,
                                    .run_rows = changes.runs,
                                    .task_rows = changes.tasks};
  std::string out;
  for (EventPtr& event : change_events(committed)) {
    if (event->id <= pass.after) continue;
    pass.follower->add(*event, out);
    pass.kept.push_back(std::move(event));
    if (pass.kept.size() <= kHandedOverMax) continue;
    pass.floor = pass.kept.front()->id;
    pass.kept.pop_front();
  }
  if (!out.empty()) pass.follower->stream.write(std::move(out));
  pass.position = end_of_step(record.step);
  if (pass.follower->is_over || is_stopping() || !wait_for_room(*pass.follower)) return false;
  return !hub.has_all_after(pass.position);
}

/// False: the journal could not be read.
bool EventReplay::Parts::walk(Pass& pass) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const auto store = open();
    if (!store) return false;
    pass.after = pass.follower->last;
    const auto report = engine::replay(
        **store,
        {.pools = pools,
         .on_step = nullptr,
         .after_step = nullptr,
         .on_changes = [&](const auto& record, const auto& state,
                           const auto& changes) { return take_step(pass, record, state, changes); },
         .goes_on = [&] { return !is_stopping() && hub.is_more_written(pass.position); }});
    if (report) return !report->diverged_at;
    // A run came back meanwhile: once more.
    if (report.error().code != ErrorCode::conflict) return false;
  }
  return false;
}

void EventReplay::Parts::serve(const Job& job) {
  while (!hub.has_begun()) {
    if (is_stopping()) return;
  }
  Pass pass{job.follower, job.after, job.after, {}, job.after};
  const bool is_read = hub.has_all_after(pass.position) || walk(pass);
  const Follower& follower = *pass.follower;
  if (is_stopping() || !follower.stream.is_open()) return;
  if (follower.is_over) return follower.stream.end();
  if (!is_read) return hub.take_back_with_gap(pass.follower);
  // Too slow: he may come again with the id that he has got.
  if (!hub.has_all_after(pass.position)) return follower.stream.end();
  hub.put_before(std::move(pass.kept), pass.floor);
  hub.take_back(pass.follower, pass.position);
}

EventReplay::EventReplay(JournalSource source, EventHub& hub)
    : parts_(std::make_unique<Parts>(std::move(source), hub)) {
  parts_->thread = std::thread([parts = parts_.get()] {
    while (const auto job = parts->jobs.take()) parts->serve(*job);
  });
}

EventReplay::~EventReplay() { stop(); }

void EventReplay::catch_up(const FollowerPtr& follower, EventId after) {
  Parts::Job job{follower, after};
  parts_->jobs.put(job);  // but if the service ends
}

void EventReplay::look_again() {
  const std::lock_guard lock(parts_->mutex);
  ++parts_->takes;
  parts_->came.notify_all();
}

void EventReplay::stop() {
  parts_->jobs.close();
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->stopping = true;
    parts_->came.notify_all();
  }
  if (parts_->thread.joinable()) parts_->thread.join();
}

}  // namespace reeve::api
