// `reeve diff`.
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/archive.h"
#include "cli/run_cells.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

using TasksByName = std::map<std::string, JsonObject>;

TasksByName tasks_of(const core::Run& run) {
  TasksByName tasks;
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
    tasks.emplace(core::task_label(run, i), task_json(run, i));
  return tasks;
}

double seconds_of(const JsonObject& task) {
  const Json* const value = task.if_contains("duration_seconds");
  return value != nullptr && value->is_number() ? value->to_number<double>() : -1;
}

/// Half as long again, and by more than a second, is not noise.
bool is_other_duration(double a, double b) {
  constexpr double kRatio = 1.5;
  constexpr double kSecondsMin = 1;
  if (a < 0 || b < 0) return false;
  return std::abs(a - b) > kSecondsMin && (a > b * kRatio || b > a * kRatio);
}

std::string_view change_of(const JsonObject* a, const JsonObject* b) {
  if (a == nullptr) return "added";
  if (b == nullptr) return "removed";
  if (text_of(*a, "state") != text_of(*b, "state")) return "result";
  if (text_of(*a, "attempt") != text_of(*b, "attempt")) return "attempts";
  return is_other_duration(seconds_of(*a), seconds_of(*b)) ? "duration" : "none";
}

Json field_of(const JsonObject* task, std::string_view field) {
  return task == nullptr ? Json(nullptr) : task->at(field);
}

JsonObject difference(const std::string& name, const JsonObject* a, const JsonObject* b) {
  return {{"task", name},
          {"change", change_of(a, b)},
          {"state_a", field_of(a, "state")},
          {"state_b", field_of(b, "state")},
          {"attempts_a", field_of(a, "attempt")},
          {"attempts_b", field_of(b, "attempt")},
          {"duration_seconds_a", field_of(a, "duration_seconds")},
          {"duration_seconds_b", field_of(b, "duration_seconds")}};
}

std::vector<JsonObject> compare(const core::Run& a, const core::Run& b) {
  const TasksByName left = tasks_of(a);
  const TasksByName right = tasks_of(b);
  std::vector<JsonObject> out;
  for (const auto& [name, task] : left) {
    const auto other = right.find(name);
    out.push_back(difference(name, &task, other == right.end() ? nullptr : &other->second));
  }
  for (const auto& [name, task] : right) {
    if (!left.contains(name)) out.push_back(difference(name, nullptr, &task));
  }
  return out;
}

/// A line of what differs between the runs as a whole; nothing when it is equal.
void add_line(std::string& out, std::string_view what, const std::string& a, const std::string& b) {
  if (a == b) return;
  out += sanitize_for_terminal(fmt::format("{}: {} → {}", what, a, b)) + "\n";
}

std::string run_lines(const core::Run& a, const core::Run& b) {
  const JsonObject left = run_json(a.record, count_json(a), a.record.interrupted);
  const JsonObject right = run_json(b.record, count_json(b), b.record.interrupted);
  std::string out;
  for (const std::string_view field : {"workflow", "state", "inputs", "outputs", "directory"})
    add_line(out, field, text_of(left, field), text_of(right, field));
  add_line(out, "specification", text_of(left, "workflow_digest").substr(0, 12),
           text_of(right, "workflow_digest").substr(0, 12));
  add_line(out, "duration", duration_cell(left, "duration_seconds").text,
           duration_cell(right, "duration_seconds").text);
  return out;
}

Cell pair_cell(const std::string& a, const std::string& b) {
  if (a == b) return {a};
  return {fmt::format("{} → {}", a.empty() ? "-" : a, b.empty() ? "-" : b)};
}

std::vector<Column> difference_columns() {
  return {
      {"TASK", [](const JsonObject& item) { return text_cell(item, "task"); }, Align::left, true},
      {"CHANGE", [](const JsonObject& item) { return text_cell(item, "change"); }},
      {"STATE",
       [](const JsonObject& item) {
         return pair_cell(text_of(item, "state_a"), text_of(item, "state_b"));
       }},
      {"ATTEMPTS",
       [](const JsonObject& item) {
         return pair_cell(text_of(item, "attempts_a"), text_of(item, "attempts_b"));
       }},
      {"DURATION",
       [](const JsonObject& item) {
         return pair_cell(duration_cell(item, "duration_seconds_a").text,
                          duration_cell(item, "duration_seconds_b").text);
       }},
  };
}

}  // namespace

Ended command_diff(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "differences"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const RunId a, archive.history->find_run(session.arguments.words[0]));
  TRY_ASSIGN(const RunId b, archive.history->find_run(session.arguments.words[1]));
  TRY_ASSIGN(const LoadedRun left, archive.load(a));
  TRY_ASSIGN(const LoadedRun right, archive.load(b));
  Listing listing{.kind = "differences",
                  .id_field = "task",
                  .items = compare(left.run(), right.run()),
                  .columns = difference_columns()};
  if (choice.format != Format::table) return session.print(listing, choice);
  // People want what changed; programs get all.
  std::erase_if(listing.items,
                [](const JsonObject& item) { return text_of(item, "change") == "none"; });
  std::string out = run_lines(left.run(), right.run());
  if (listing.items.empty()) {
    out += out.empty() ? "no differences\n" : "no differences between tasks\n";
    return session.print(out);
  }
  out += out.empty() ? "" : "\n";
  out += render_listing(listing, choice, session.out.colour(), session.table_columns());
  return session.print(out);
}

}  // namespace reeve::cli
