// Two runs, and what is not the same in them: for `reeve diff` and for the API. Pure; no thread
// rule.
#pragma once

#include <vector>

#include "api/json_values.h"
#include "core/state.h"

namespace reeve::api {

/// Of the runs as a whole, what differs: {"field", "a", "b"}, with the values of the fields of a
/// run; `workflow_digest` says whether the specification is another one.
std::vector<JsonObject> run_changes(const core::Run& a, const core::Run& b);

/// Every task of either, by its name: the items of kind "differences".
std::vector<JsonObject> task_differences(const core::Run& a, const core::Run& b);
/// Whether such an item says that something differs.
bool is_change(const JsonObject& difference);

}  // namespace reeve::api
