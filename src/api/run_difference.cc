#include "api/run_difference.h"

#include <array>
#include <cmath>
#include <map>
#include <string>

#include "api/run_json.h"
#include "core/launch.h"

namespace reeve::api {
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

}  // namespace

std::vector<JsonObject> task_differences(const core::Run& a, const core::Run& b) {
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

std::vector<JsonObject> run_changes(const core::Run& a, const core::Run& b) {
  constexpr auto kFields =
      std::to_array<std::string_view>({"workflow", "state", "inputs", "outputs", "directory",
                                       "workflow_digest", "duration_seconds"});
  const JsonObject left = run_json(a.record, count_json(a), a.record.interrupted);
  const JsonObject right = run_json(b.record, count_json(b), b.record.interrupted);
  std::vector<JsonObject> out;
  for (const std::string_view field : kFields) {
    if (left.at(field) != right.at(field))
      out.push_back({{"field", field}, {"a", left.at(field)}, {"b", right.at(field)}});
  }
  return out;
}

bool is_change(const JsonObject& difference) { return text_of(difference, "change") != "none"; }

}  // namespace reeve::api
