// In which order the tasks of a workflow would start: the real core decides, with tasks that all
// take one step, or as long as their like did, and go well. Conditions and fan-outs that depend on
// results are assumed. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/resources.h"
#include "base/result.h"
#include "cli/forecast.h"
#include "spec/workflow.h"

namespace reeve::cli {

struct PlannedGroup {
  std::uint32_t level = 1;             ///< longest way from a group without needs
  std::optional<std::uint32_t> tasks;  ///< none: known only while it runs
  std::optional<std::uint32_t> first_step;
  std::optional<std::uint32_t> last_step;
  bool is_placeable = true;
};

/// By group. `inputs`: JSON object. Steps are left out when there are too many tasks to try.
Result<std::vector<PlannedGroup>> plan_groups(const spec::Workflow& workflow,
                                              const std::string& inputs, const Resources& capacity);

struct PlanForecast {
  struct Group {
    Forecast start;  ///< of its first task, from the beginning
    Forecast end;    ///< of its last
  };
  std::vector<std::optional<Group>> groups;  ///< none: it would not start
  Forecast whole;
  std::uint32_t simulations = 0;
};
/// Plays the workflow again and again, each task as long as one that was seen of its group
/// (`lengths`; of groups of which nothing was seen: of any). Nothing where there is nothing to
/// draw from, or too much to play. The same input gives the same forecast.
Result<std::optional<PlanForecast>> forecast_groups(
    const spec::Workflow& workflow, const std::string& inputs, const Resources& capacity,
    const std::vector<std::vector<Duration>>& lengths);

}  // namespace reeve::cli
