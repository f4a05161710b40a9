// What would run, as items of kind "plan": for `reeve plan` and for the API. Pure.
#pragma once

#include <optional>
#include <vector>

#include "cli/output.h"
#include "cli/plan_simulation.h"
#include "spec/parse.h"

namespace reeve::cli {

/// In the order in which they would start. REQUIRES a workflow without errors.
std::vector<JsonObject> plan_items(const spec::Parsed& parsed,
                                   const std::vector<PlannedGroup>& groups,
                                   const std::optional<PlanForecast>& forecast);

}  // namespace reeve::cli
