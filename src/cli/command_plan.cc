// `reeve plan`.
#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/archive.h"
#include "cli/cluster_settings.h"
#include "cli/plan_items.h"
#include "cli/resource_list.h"
#include "cli/run_cells.h"
#include "cli/run_times.h"
#include "cli/session.h"
#include "cli/workflow_file.h"

namespace reeve::cli {
namespace {

Cell step_cell(const JsonObject& item) {
  const std::string first = text_of(item, "first_step");
  const std::string last = text_of(item, "last_step");
  if (first.empty()) return {"-", Tone::faint};
  return {first == last ? first : fmt::format("{}-{}", first, last)};
}

Cell tasks_cell(const JsonObject& item) {
  const std::string tasks = text_of(item, "tasks");
  return {tasks.empty() ? "at run time" : tasks};
}

Cell needs_cell(const JsonObject& item) { return {joined(item, "needs")}; }

Cell note_cell(const JsonObject& item) {
  if (!item.at("placeable").as_bool()) return {"asks for more than there is", Tone::bad};
  const std::string phase = text_of(item, "phase");
  std::string note = phase == "main" ? "" : phase;
  const std::string condition = text_of(item, "condition");
  if (!condition.empty()) note += fmt::format("{}if {}", note.empty() ? "" : ", ", condition);
  const std::string egress = joined(item, "egress");
  if (!egress.empty()) note += fmt::format("{}reaches {}", note.empty() ? "" : ", ", egress);
  return {note, Tone::faint};
}

/// "in 2m05s"
Cell time_cell(const JsonObject& item, std::string_view field) {
  if (item.at(field).is_null()) return {"-", Tone::faint};
  return duration_cell(item, field);
}

std::vector<Column> plan_columns(bool has_forecast) {
  std::vector<Column> columns{
      {"STEP", step_cell, Align::right},
      {"TASK", [](const JsonObject& item) { return Cell{text_of(item, "group")}; }, Align::left,
       true},
      {"TASKS", tasks_cell, Align::right},
      {"NEEDS", needs_cell, Align::left, true},
      {"EACH", [](const JsonObject& item) { return Cell{text_of(item, "resources")}; }, Align::left,
       true},
      {"NOTE", note_cell, Align::left, true},
  };
  if (has_forecast) {
    const auto column = [](std::string_view title, std::string_view field) {
      return Column{title, [field](const JsonObject& item) { return time_cell(item, field); },
                    Align::right};
    };
    columns.insert(columns.begin() + 3,
                   {column("STARTS", "start_seconds"), column("ENDS", "end_seconds")});
  }
  return columns;
}

/// What tasks took before, where anything is known here of this workflow.
Result<std::optional<PlanForecast>> forecast_for(const Session& session,
                                                 const spec::Workflow& workflow,
                                                 const std::string& inputs,
                                                 const Resources& capacity) {
  auto archive = Archive::open(session);
  if (!archive) return std::optional<PlanForecast>();  // nothing has been run here
  TRY_ASSIGN(const RunTimes times, past_run_times(*archive->history, workflow));
  return forecast_groups(workflow, inputs, capacity, times.by_group);
}

std::string head_text(const spec::Workflow& workflow, const std::vector<PlannedGroup>& groups,
                      const Resources& capacity, const std::optional<PlanForecast>& forecast) {
  std::uint64_t tasks = 0;
  std::uint32_t steps = 0;
  bool is_exact = true;
  for (const PlannedGroup& group : groups) {
    tasks += group.tasks.value_or(0);
    is_exact = is_exact && group.tasks.has_value();
    steps = std::max(steps, group.last_step.value_or(0));
  }
  std::string out = fmt::format("{}: {} task{}{}", sanitize_for_terminal(workflow.name), tasks,
                                tasks == 1 ? "" : "s", is_exact ? "" : " and more at run time");
  if (steps > 0)
    out += fmt::format(", {} step{} with {}", steps, steps == 1 ? "" : "s",
                       format_resources(capacity));
  if (forecast)
    out += fmt::format(
        "\nexpected to take {}, with what its tasks took before ({} to {} in eight "
        "of ten simulations)",
        format_duration(forecast->whole.middle), format_duration(forecast->whole.low),
        format_duration(forecast->whole.high));
  return out + "\n\n";
}

/// What `parallel: auto` found, for people.
std::string parallelism_text(const spec::Workflow& workflow,
                             const spec::FoundParallelism& parallelism) {
  constexpr std::size_t kShownMax = 20;
  std::string out =
      parallelism.at_once_max < 2
          ? fmt::format("none of the {} steps can run beside another\n", parallelism.steps)
          : fmt::format("{} of {} steps may run at once\n", parallelism.at_once_max,
                        parallelism.steps);
  for (std::size_t i = 0; i < std::min(parallelism.needs.size(), kShownMax); ++i) {
    const spec::FoundNeed& need = parallelism.needs[i];
    out += fmt::format("  {} waits for {}: {}\n", workflow.groups[need.group.value].id,
                       workflow.groups[need.need.value].id, sanitize_for_terminal(need.why));
  }
  if (parallelism.needs.size() > kShownMax)
    out += fmt::format("  and {} more; -o json has all\n", parallelism.needs.size() - kShownMax);
  return out + "\n";
}

}  // namespace

Ended command_plan(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "plan"));
  Resources capacity = machine_capacity();
  if (const std::string* jobs = session.arguments.find("jobs"); jobs != nullptr) {
    TRY_ASSIGN(capacity, parse_capacity("jobs", *jobs));
  }
  std::vector<std::string> warnings;
  TRY_ASSIGN(const spec::Parsed loaded, load_parsed(session.arguments.words.front(), warnings));
  const auto& workflow = loaded.workflow;
  for (const std::string& warning : warnings) session.say(warning);
  TRY_ASSIGN(const Json inputs, read_inputs(*workflow, session.arguments.all("input")));
  const std::string given = boost::json::serialize(inputs);
  TRY_ASSIGN(const auto groups, plan_groups(*workflow, given, capacity));
  TRY_ASSIGN(const auto forecast, forecast_for(session, *workflow, given, capacity));
  Listing listing{
      .kind = "plan", .id_field = "group", .columns = plan_columns(forecast.has_value())};
  listing.items = plan_items(loaded, groups, forecast);
  std::optional<core::PolicySet> policy;
  if (const auto layout = session.find_state(); layout) {
    TRY_ASSIGN(policy, engine_policy(nullptr, *layout));
  }
  const auto unplaceable = unplaceable_groups(*workflow, local_node(policy, capacity));
  const int status = unplaceable.empty() ? kExitDone : kExitUnplaceable;
  for (const std::string& group : unplaceable) session.say(group);
  std::string out;
  if (choice.format == Format::table) {
    out = head_text(*workflow, groups, capacity, forecast);
    if (loaded.parallelism) out += parallelism_text(*workflow, *loaded.parallelism);
  }
  out += render_listing(listing, choice, session.out.colour(), session.table_columns());
  return session.print(out, status);
}

}  // namespace reeve::cli
