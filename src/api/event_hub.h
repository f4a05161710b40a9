// What changes, for those who follow it: an observer of the engine that keeps the newest events,
// and the streams that they go out on. A stream holds a position and no events: who reads slowly
// falls behind and never makes the engine wait. Who is behind what is kept here, also after a
// restart, gets what is missing from the journal (event_replay.h) and then goes on here: no event
// is left out and none comes twice.
//
// Thread rule: on_committed() by the engine's thread; follow() and what it leads to by the
// server's; serve_on() before both; what Backlog has by the replay's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/change_event.h"
#include "engine/engine.h"
#include "http/server.h"

namespace reeve::api {

class EventReplay;

struct AttemptOfRun {
  std::uint32_t index = 0;  ///< of the task
  std::uint32_t number = 0;
};

/// Who follows what.
struct Following {
  std::vector<std::string> name_spaces;  ///< empty: all
  std::optional<Uuid> run;               ///< its events only
  bool run_has_ended = false;            ///< the stream ends once all of them are out
  EventId begun;                         ///< an end of the run up to here was not its last one
  std::optional<AttemptOfRun> attempt;   ///< it ends with this one, who follows
  std::optional<EventId> after;          ///< from behind this one on; else only what comes
  /// Asked at each heartbeat: whether he still may. Then, or when is_in_time says no, the stream
  /// ends with closed_frame().
  std::function<bool()> may_go_on;
  /// Asked before anything goes out to him, and so cheap: whether his token has not expired.
  std::function<bool()> is_in_time;

  bool wants(const ChangeEvent& event) const;
  bool ends_with(const ChangeEvent& event) const;
};

struct Follower {
  http::Stream stream;
  Following following;
  std::uint64_t next = 0;  ///< number of the event that he gets next
  EventId last;            ///< what he has got, or has no wish for
  bool is_behind = false;  ///< the replay writes to him, and the hub does not
  bool is_over = false;

  /// Appends it to what goes out to him, if he wants it and has not got it.
  void add(ChangeEvent& event, std::string& out);
};
using FollowerPtr = std::shared_ptr<Follower>;  // shared: with the callbacks of its stream

class EventHub final : public engine::Observer {
 public:
  EventHub();
  ~EventHub() override;
  /// `heartbeat`: how long a stream may be silent, asked each time; any thread.
  void serve_on(http::Server& server, std::function<Duration()> heartbeat) {
    server_ = &server;
    silence_ = std::move(heartbeat);
  }
  /// Where older events come from. Before serve_on().
  void replay_from(std::unique_ptr<EventReplay> replay);
  void on_committed(const engine::Committed& committed) override;
  /// `stream` is of type text/event-stream.
  void follow(http::Stream stream, Following following) {
    follow_once_begun(std::move(stream), std::move(following), kBeginTries);
  }
  std::size_t followers() const { return count_; }
  /// Runs that had not ended at the last commit. Any thread.
  std::size_t unfinished_runs() const { return unfinished_; }
  /// The newest event, or {} while there is none. Any thread.
  EventId newest() const;
  /// Behind this, all of a run that was submitted then is to be found. Any thread.
  EventId before_all_since(Time submitted_at) const;

  // For the replay.
  /// Waits for the first commit of this process, for a moment; false: there was none.
  bool has_begun() const;
  /// Whether all events behind this one are kept here.
  bool has_all_after(const EventId& id) const;
  /// Whether it makes sense to read on at the end of the journal: what is missing is on its way.
  bool is_more_written(const EventId& id) const;
  /// Older events: all from behind `floor` up to the oldest that is kept, and perhaps some more.
  void put_before(std::deque<EventPtr> events, EventId floor);
  /// He has all up to `last`: the hub goes on.
  void take_back(const FollowerPtr& follower, EventId last);
  /// What is missing cannot be read: the hub goes on with what it has, behind a gap.
  void take_back_with_gap(const FollowerPtr& follower);

 private:
  static constexpr int kBeginTries = 200;
  void follow_once_begun(http::Stream stream, Following following, int tries);
  void add(std::vector<EventPtr> events, std::uint64_t step);
  std::vector<EventPtr> take_from(std::uint64_t& next, bool& has_gap) const;
  void place(Follower& follower) const;
  void pump_all();
  void pump(const FollowerPtr& follower);
  static void shut_out(Follower& follower);
  void heartbeat();
  void beat_later();
  void forget_those_who_left();

  http::Server* server_ = nullptr;
  std::function<Duration()> silence_;
  std::unique_ptr<EventReplay> replay_;
  mutable std::mutex mutex_;                       // guards the next four
  mutable std::condition_variable began_;          ///< floor_ is there
  std::deque<EventPtr> events_;                    ///< oldest first
  std::uint64_t first_ = std::uint64_t{1} << 32U;  ///< number of the oldest; room for older ones
  std::optional<EventId> floor_;                   ///< all behind it are in events_
  Time floor_at_ = kNever;                         ///< what came later is behind it
  std::atomic<bool> is_pumping_{false};            ///< pump_all() is on its way
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> unfinished_{0};
  // The server's thread only.
  std::list<FollowerPtr> followers_;
  bool beats_ = false;
};

}  // namespace reeve::api
