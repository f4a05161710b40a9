// `reeve show`.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/archive.h"
#include "cli/run_cells.h"
#include "cli/run_report.h"
#include "cli/run_tracker.h"
#include "cli/system_clock.h"
#include "cli/text_width.h"

namespace reeve::cli {
namespace {

std::vector<Column> task_columns() {
  return {
      {"TASK", [](const JsonObject& task) { return text_cell(task, "name"); }, Align::left, true},
      {"STATE", state_cell},
      {"ATTEMPT",
       [](const JsonObject& task) {
         return Cell{
             fmt::format("{} of {}", text_of(task, "attempt"), text_of(task, "attempts_max"))};
       }},
      {"DURATION", [](const JsonObject& task) { return duration_cell(task, "duration_seconds"); },
       Align::right},
      {"BECAUSE", [](const JsonObject& task) { return text_cell(task, "sentence"); }, Align::left,
       true},
  };
}

Ended show_tasks(const Session& session, const LoadedRun& loaded, std::optional<GroupIndex> group) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "tasks"));
  TRY_ASSIGN(const auto given, session.arguments.number("limit", 0, 1'000'000'000));
  const std::int64_t asked = given.value_or(1000);
  const std::size_t limit = asked == 0 ? SIZE_MAX : static_cast<std::size_t>(asked);
  const auto states = session.arguments.all("status");
  const core::Run& run = loaded.run();
  Listing listing{.kind = "tasks", .columns = task_columns()};
  std::size_t left_out = 0;
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const core::Task& task = run.tasks[i];
    if (group && task.group != *group) continue;
    if (!states.empty() && std::ranges::find(states, name(task.state)) == states.end()) continue;
    if (listing.items.size() >= limit) {
      ++left_out;
    } else {
      listing.items.push_back(task_json(run, i));
    }
  }
  if (left_out > 0) session.say(fmt::format("{} more tasks; --limit 0 shows all", left_out));
  return session.print(listing, choice);
}

void add_field(std::string& out, std::string_view label, const std::string& value) {
  constexpr int kLabelColumns = 12;
  if (value.empty() || value == "{}") return;
  out += fmt::format("{}{}\n", pad_right(std::string(label), kLabelColumns),
                     sanitize_for_terminal(value));
}

std::string attempt_text(const JsonObject& attempt) {
  std::string out = fmt::format("\nattempt {}: {}\n", text_of(attempt, "number"),
                                sanitize_for_terminal(text_of(attempt, "sentence")));
  const auto bytes = [&](std::string_view field) {
    const Json* const value = attempt.if_contains(field);
    const auto size = value->to_number<std::int64_t>();
    return size == 0 ? std::string() : format_bytes(size);
  };
  add_field(out, "  message", text_of(attempt, "message"));
  add_field(out, "  started", text_of(attempt, "started_at"));
  add_field(out, "  duration", duration_cell(attempt, "duration_seconds").text);
  add_field(out, "  cpu",
            fmt::format("{} user, {} system", duration_cell(attempt, "user_cpu_seconds").text,
                        duration_cell(attempt, "system_cpu_seconds").text));
  add_field(out, "  memory", bytes("memory_peak_bytes"));
  add_field(out, "  output", bytes("output_bytes"));
  add_field(out, "  placed", text_of(attempt, "placed"));
  add_field(out, "  decided", text_of(attempt, "decided"));
  add_field(out, "  tier", text_of(attempt, "tier"));
  add_field(out, "  then", text_of(attempt, "next"));
  return out;
}

std::string entry_text(const JsonObject& entry) {
  return fmt::format("{}: {} entered attempt {} with: {}", text_of(entry, "at"),
                     text_of(entry, "by"), text_of(entry, "attempt"), text_of(entry, "command"));
}

std::string task_text(const Session& session, const JsonObject& task,
                      const std::vector<JsonObject>& attempts) {
  const Cell state = state_cell(task);
  std::string out =
      fmt::format("{}  {}\n", to_text(Line(state.text, state.tone), session.out.colour()),
                  sanitize_for_terminal(text_of(task, "name")));
  add_field(out, "id", text_of(task, "id"));
  add_field(out, "because", text_of(task, "sentence"));
  add_field(out, "message", text_of(task, "message"));
  add_field(out, "attempt",
            fmt::format("{} of {}", text_of(task, "attempt"), text_of(task, "attempts_max")));
  add_field(out, "started", text_of(task, "started_at"));
  add_field(out, "ended", text_of(task, "ended_at"));
  add_field(out, "next try", text_of(task, "wake_at"));
  add_field(out, "duration", duration_cell(task, "duration_seconds").text);
  add_field(out, "reaches", joined(task, "egress"));
  add_field(out, "outputs", text_of(task, "outputs"));
  add_field(out, "artifacts", text_of(task, "artifacts"));
  for (const Json& entry : task.at("entries").as_array())
    add_field(out, "entered", entry_text(entry.as_object()));
  for (const JsonObject& attempt : attempts) out += attempt_text(attempt);
  return out;
}

Ended show_task(const Session& session, Archive& archive, const LoadedRun& loaded,
                std::uint32_t index) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "task"));
  const core::RunRecord& record = loaded.run().record;
  TRY_ASSIGN(const auto records, archive.history->list_attempts({record.id, index}));
  std::vector<JsonObject> attempts;
  boost::json::array array;
  for (const core::AttemptRecord& attempt : records) {
    const std::string log = archive.log_path({record.id, index}, record.uuid, attempt.number);
    attempts.push_back(attempt_json(attempt, log));
    array.emplace_back(attempts.back());
  }
  const JsonObject task = task_json(loaded.run(), index);
  JsonObject body{{"task", task}, {"attempts", std::move(array)}};
  if (choice.format == Format::name) body = {{"id", text_of(task, "id")}};
  return session.print(
      render_document("task", body, choice, [&] { return task_text(session, task, attempts); }));
}

}  // namespace

Ended command_show(const Session& session) {
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const Target target, find_target(archive, session.arguments.words.front()));
  TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
  if (!target.task.empty()) {
    TRY_ASSIGN(const TaskChoice choice, find_task(loaded.run(), target.task));
    if (choice.index) return show_task(session, archive, loaded, *choice.index);
    return show_tasks(session, loaded, choice.group);
  }
  if (session.arguments.has("tasks") || session.arguments.has("status"))
    return show_tasks(session, loaded, std::nullopt);
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "run"));
  return session.print(render_document("run", run_document(loaded.run()), choice,
                                       [&] { return run_text(session, loaded); }));
}

}  // namespace reeve::cli
