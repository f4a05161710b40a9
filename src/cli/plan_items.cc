#include "cli/plan_items.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "cli/run_cells.h"

namespace reeve::cli {
namespace {

std::string_view phase_name(spec::Phase phase) {
  switch (phase) {
    case spec::Phase::main: return "main";
    case spec::Phase::on_failure: return "on_failure";
    case spec::Phase::finally: return "finally";
  }
  return "";
}

Json number_or_null(const std::optional<std::uint32_t>& number) {
  return number ? Json(*number) : Json(nullptr);
}

/// Of a forecast, in seconds: start or end, as low, middle or high.
void add_forecast(JsonObject& item, const std::optional<PlanForecast>& forecast,
                  std::uint32_t index) {
  using Group = PlanForecast::Group;
  const Group* const group =
      forecast && forecast->groups[index] ? &*forecast->groups[index] : nullptr;
  const auto put = [&](std::string_view name, Forecast Group::*what, Duration Forecast::*part) {
    item[name] = group == nullptr ? Json(nullptr) : seconds_json(group->*what.*part);
  };
  put("start_seconds", &Group::start, &Forecast::middle);
  put("start_low_seconds", &Group::start, &Forecast::low);
  put("start_high_seconds", &Group::start, &Forecast::high);
  put("end_seconds", &Group::end, &Forecast::middle);
  put("end_low_seconds", &Group::end, &Forecast::low);
  put("end_high_seconds", &Group::end, &Forecast::high);
}

JsonObject planned_json(const spec::Workflow& workflow, std::uint32_t index,
                        const PlannedGroup& planned) {
  const spec::TaskGroup& group = workflow.groups[index];
  boost::json::array needs;
  for (const spec::Need& need : group.needs)
    needs.emplace_back(workflow.groups[need.group.value].id);
  return {{"group", group.id},
          {"phase", phase_name(group.phase)},
          {"level", planned.level},
          {"tasks", number_or_null(planned.tasks)},
          {"first_step", number_or_null(planned.first_step)},
          {"last_step", number_or_null(planned.last_step)},
          {"needs", std::move(needs)},
          {"condition", group.condition ? Json(group.condition->text()) : Json(nullptr)},
          {"resources", format_resources(workflow.policy_of(group).resources)},
          {"network", name(workflow.policy_of(group).sandbox.network)},
          {"egress", egress_json(workflow.policy_of(group).sandbox)},
          {"placeable", planned.is_placeable}};
}

/// In the order in which they would start; those that would not, last.
std::vector<std::uint32_t> order_of(const std::vector<PlannedGroup>& groups) {
  std::vector<std::uint32_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t g) {
    return std::pair(groups[g].first_step.value_or(UINT32_MAX), groups[g].level);
  });
  return order;
}

/// Of a group: {need, why} of what was found.
boost::json::array found_needs_json(const spec::Workflow& workflow,
                                    const std::optional<spec::FoundParallelism>& parallelism,
                                    std::uint32_t group) {
  boost::json::array out;
  if (!parallelism) return out;
  for (const spec::FoundNeed& need :
       std::ranges::equal_range(parallelism->needs, GroupIndex{group}, {}, &spec::FoundNeed::group))
    out.push_back(JsonObject{{"need", workflow.groups[need.need.value].id}, {"why", need.why}});
  return out;
}

}  // namespace

std::vector<JsonObject> plan_items(const spec::Parsed& parsed,
                                   const std::vector<PlannedGroup>& groups,
                                   const std::optional<PlanForecast>& forecast) {
  std::vector<JsonObject> items;
  for (const std::uint32_t g : order_of(groups)) {
    JsonObject& item = items.emplace_back(planned_json(*parsed.workflow, g, groups[g]));
    item["found_needs"] = found_needs_json(*parsed.workflow, parsed.parallelism, g);
    add_forecast(item, forecast, g);
  }
  return items;
}

}  // namespace reeve::cli
