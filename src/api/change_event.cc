#include "api/change_event.h"

#include <array>
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

std::string made_task_type(core::TaskState state) {
  switch (state) {
    case core::TaskState::starting: return "dev.reeve.task.placed";
    case core::TaskState::running: return "dev.reeve.task.started";
    case core::TaskState::retry_wait: return "dev.reeve.task.retrying";
    case core::TaskState::awaiting_approval: return "dev.reeve.approval.requested";
    default: return fmt::format("dev.reeve.task.{}", name(state));
  }
}

std::string_view task_type(core::TaskState state) {
  static const auto kTypes = [] {
    std::array<std::string, core::kTaskStateCount> types;
    for (std::size_t i = 0; i < types.size(); ++i)
      types[i] = made_task_type(static_cast<core::TaskState>(i));
    return types;
  }();
  return kTypes[static_cast<std::size_t>(state)];
}

}  // namespace

/// Written by hand: with a stream open, this is done for every change of every task.
std::string event_frame(const ChangeEvent& event) {
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
      id, event.type, run, is_task ? quoted(run + "/" + event.task) : '"' + run + '"',
      format_time(event.at), event.number.value, quoted(event.name_space), event.from, event.to);
  if (is_task)
    fmt::format_to(add,
                   ",\"task\":{},\"index\":{},\"count\":{},\"attempt\":{},\"reason\":\"{}\","
                   "\"sentence\":{}",
                   quoted(event.task), event.index, event.count, event.attempt,
                   name(event.reason.code), quoted(describe(event.reason)));
  out += "}}\n\n";
  return out;
}

std::string gap_frame() {
  return "event: dev.reeve.stream.gap\ndata: {\"detail\":\"events were lost between this and the "
         "one before: read the present state anew\"}\n\n";
}

std::string closed_frame() {
  return "event: dev.reeve.stream.closed\ndata: {\"reason\":\"unauthenticated\",\"detail\":\"the "
         "token or session that this stream was opened with has ended: come again with another "
         "one, and with Last-Event-ID\"}\n\n";
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
