// Old events for those who come back after a restart of the service, or after more events than the
// hub keeps: one thread replays the journal from its beginning, since what an event changed follows
// from all before it, and writes what each of them has missed. The first such replay also hands the
// newest of the old events to the hub, so that those who come next find them there. A reader that
// takes too little is let go, with the id that he has got: he may come again.
//
// Thread rule: catch_up(), look_again() and stop() from any thread.
#pragma once

#include <functional>
#include <memory>

#include "api/event_hub.h"
#include "base/result.h"
#include "engine/ports/store.h"

namespace reeve::api {

/// Where the journal is, beside the engine that writes it.
struct JournalSource {
  std::function<Result<std::unique_ptr<engine::Store>>()> open;
  std::vector<core::PoolSetup> pools;  ///< as of engine::ReplayOptions
};

class EventReplay {
 public:
  /// `hub` is told how far it got; it outlives this.
  EventReplay(JournalSource source, EventHub& hub);
  ~EventReplay();
  EventReplay(const EventReplay&) = delete;
  EventReplay& operator=(const EventReplay&) = delete;

  /// Writes what comes behind `after`, and gives the follower back to the hub.
  void catch_up(const FollowerPtr& follower, EventId after);
  /// A follower has taken something, or has gone.
  void look_again();
  /// What is under way is broken off. No follower is touched any more when it returns.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::api
