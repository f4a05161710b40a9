// What changes, for those who follow it: an observer of the engine that keeps the newest events,
// and the streams that they go out on. A stream holds a position and no events: who reads slowly
// falls behind, is told when what he has not read is gone, and never makes the engine wait.
//
// Thread rule: on_committed() by the engine's thread; follow() and what it leads to by the
// server's; serve_on() before both.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "http/server.h"

namespace reeve::api {

/// Where an event stands: step of the journal, and place in it. "17-3" in Last-Event-ID.
struct EventId {
  std::uint64_t step = 0;
  std::uint32_t index = 0;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};
std::string format_event_id(const EventId& id);
std::optional<EventId> parse_event_id(std::string_view text);

struct ChangeEvent {
  EventId id;
  Time at = kUnset;
  std::string type;  ///< "dev.reeve.task.started"
  Uuid run;
  RunId number;
  std::string name_space;
  std::string task;  ///< "" of the run itself
  std::uint32_t index = 0;
  std::uint32_t count = 0;  ///< so many tasks from `index` on
  std::string_view from, to;
  std::uint32_t attempt = 0;
  Reason reason;
  bool ends_run = false;
  std::string frame;  ///< as it goes out; made when it is first wanted, by the server's thread
};

/// Who follows what.
struct Following {
  std::vector<std::string> name_spaces;  ///< empty: all
  std::optional<Uuid> run;               ///< its events only, and the stream ends with it
  std::optional<EventId> after;          ///< from behind this one on
  bool from_oldest = false;              ///< else, without `after`: only what comes
  /// Asked at each heartbeat: whether he still may.
  std::function<bool()> may_go_on;
};

class EventHub final : public engine::Observer {
 public:
  void serve_on(http::Server& server) { server_ = &server; }
  void on_committed(const engine::Committed& committed) override;
  /// `stream` is of type text/event-stream.
  void follow(http::Stream stream, Following following);
  std::size_t followers() const { return count_; }
  /// Whether events of the run are kept. Any thread.
  bool knows(const Uuid& run) const;

 private:
  using EventPtr = std::shared_ptr<ChangeEvent>;  // shared: by the hub and whoever sends it now
  struct Follower {
    http::Stream stream;
    Following following;
    std::uint64_t next = 0;  ///< number of the event that he gets next
    bool is_over = false;
  };

  void add(std::vector<EventPtr> events);
  std::vector<EventPtr> take_from(std::uint64_t& next, bool& has_gap) const;
  void pump_all();
  void pump(Follower& follower);
  void add_frame(Follower& follower, ChangeEvent& event, std::string& out);
  void heartbeat();
  void forget_those_who_left();

  http::Server* server_ = nullptr;
  mutable std::mutex mutex_;             // guards the next three
  std::deque<EventPtr> events_;          ///< oldest first
  std::uint64_t first_ = 1;              ///< number of the oldest
  std::atomic<bool> is_pumping_{false};  ///< pump_all() is on its way
  std::atomic<std::size_t> count_{0};
  // The server's thread only.
  std::list<std::shared_ptr<Follower>> followers_;  // shared: with the callbacks of their streams
  bool beats_ = false;
  std::pair<Time, std::string> time_{kUnset, {}};  ///< the one that was written last
};

}  // namespace reeve::api
