// In which order the tasks of a workflow would start: the real core decides, with tasks that all
// take one step and go well. Conditions and fan-outs that depend on results are assumed. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/resources.h"
#include "base/result.h"
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

}  // namespace reeve::cli
