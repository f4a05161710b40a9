// Stored runs, tasks and attempts as the items that commands and the API show: the fields of
// field_table.cc. Pure; no thread rule.
#pragma once

#include <array>
#include <string>

#include "api/json_values.h"
#include "core/state.h"
#include "engine/ports/history.h"
#include "spec/parse.h"

namespace reeve::api {

/// `held`: no engine works on the directory, so a run that is not final is interrupted.
JsonObject run_json(const core::RunRecord& record, const JsonObject& task_counts, bool held);
/// Counters of a run in memory, and of one of which only the stored rows are known.
JsonObject count_json(const core::Run& run);
JsonObject count_json(const core::RunRecord& record, const engine::TaskCounts& counts,
                      std::uint64_t expanded_tasks);

/// By core::TaskState.
using StateCounts = std::array<std::uint64_t, core::kTaskStateCount>;
/// The state that stands for a whole group.
core::TaskState group_state(bool is_expanded, const StateCounts& counts);

/// A run with its groups, as `show` gives it.
JsonObject run_document(const core::Run& run);
JsonObject group_json(const core::Run& run, GroupIndex group);
JsonObject task_json(const core::Run& run, std::uint32_t index);
JsonObject attempt_json(const core::AttemptRecord& attempt, const std::string& log_path);

/// What is wrong with a workflow: the fields of kind "diagnostics".
JsonObject diagnostic_json(const spec::Diagnostic& diagnostic);

/// What its policy lets a task reach: the `egress` of its JSON.
Json egress_json(const SandboxRequest& sandbox);
/// The items of an array of texts, with commas; nothing for none.
std::string joined(const JsonObject& item, std::string_view field);

/// What people call a run.
std::string run_name(const core::RunRecord& record);
/// Why it is in its state: describe(), but it knows the names of tasks.
std::string run_sentence(const core::RunRecord& record, bool held);
/// "succeeded", ..., or "interrupted".
std::string run_state(const core::RunRecord& record, bool held);

}  // namespace reeve::api
