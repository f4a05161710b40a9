// What the service tells of a change: one event of CloudEvents 1.0 for each change of a run or of
// tasks, made in the same way from what the engine commits and from what a replay of its journal
// gives. Values; pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace reeve::api {

/// Where an event stands: step of the journal, and place in it. "17-3" in Last-Event-ID.
struct EventId {
  std::uint64_t step = 0;
  std::uint32_t index = 0;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};
std::string format_event_id(const EventId& id);
std::optional<EventId> parse_event_id(std::string_view text);
/// Behind all events of a step.
constexpr EventId end_of_step(std::uint64_t step) { return {step, UINT32_MAX}; }

struct ChangeEvent {
  EventId id;
  Time at = kUnset;
  std::string_view type;  ///< "dev.reeve.task.started"
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
  std::string frame;  ///< as it goes out; made when it is first wanted, by one thread
};
using EventPtr = std::shared_ptr<ChangeEvent>;  // shared: by the hub and whoever sends it now

/// Of one step, in order.
std::vector<EventPtr> change_events(const engine::Committed& committed);
/// As it stands in a stream of events.
std::string event_frame(const ChangeEvent& event);
/// Something is missing here. It has no id: whoever comes again asks for what he asked for before.
std::string gap_frame();
/// The last of a stream whose token or session has ended. It has no id, for the same reason.
std::string closed_frame();

}  // namespace reeve::api
