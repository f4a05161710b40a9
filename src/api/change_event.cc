#include "api/change_event.h"

#include <charconv>

#include <fmt/format.h>

#include "api/json_values.h"
#include "api/submission.h"
#include "core/launch.h"

namespace reeve::api {
namespace {

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

}  // namespace

std::string event_frame(const ChangeEvent& event) {
  const std::string run = format_uuid("run", event.run);
  const bool is_task = !event.task.empty();
  JsonObject data{{"run", run},
                  {"number", event.number.value},
                  {"namespace", event.name_space},
                  {"from", event.from},
                  {"to", event.to}};
  if (is_task) {
    data["task"] = text_json(event.task);
    data["index"] = event.index;
    data["count"] = event.count;
    data["attempt"] = event.attempt;
    data["reason"] = name(event.reason.code);
    data["sentence"] = describe(event.reason);
  }
  const JsonObject whole{{"specversion", "1.0"},
                         {"id", format_event_id(event.id)},
                         {"source", "/v1/runs/" + run},
                         {"type", event.type},
                         {"subject", is_task ? text_json(run + "/" + event.task) : Json(run)},
                         {"time", time_json(event.at)},
                         {"datacontenttype", "application/json"},
                         {"data", std::move(data)}};
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", format_event_id(event.id), event.type,
                     to_json_text(whole, false));
}

std::string gap_frame() {
  return "event: dev.reeve.stream.gap\ndata: {\"detail\":\"events were lost between this and the "
         "one before: read the present state anew\"}\n\n";
}

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

std::vector<EventPtr> change_events(const engine::Committed& committed) {
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
  return events;
}

}  // namespace reeve::api
