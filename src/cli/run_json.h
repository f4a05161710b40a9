// Stored runs, tasks and attempts as the items that commands print: the fields of output_fields.cc.
// Pure.
#pragma once

#include <string>

#include "cli/output.h"
#include "core/state.h"
#include "engine/ports/history.h"

namespace reeve::cli {

/// `held`: no engine works on the directory, so a run that is not final is interrupted.
JsonObject run_json(const core::RunRecord& record, const JsonObject& task_counts, bool held);
/// Counters of a run in memory, and of one of which only the stored rows are known.
JsonObject count_json(const core::Run& run);
JsonObject count_json(const core::RunRecord& record, const engine::TaskCounts& counts,
                      std::uint64_t expanded_tasks);

JsonObject group_json(const core::Run& run, GroupIndex group);
JsonObject task_json(const core::Run& run, std::uint32_t index);
JsonObject attempt_json(const core::AttemptRecord& attempt, const std::string& log_path);

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

/// Cells of the columns that several tables share.
Cell state_cell(const JsonObject& item);
Cell time_cell(const JsonObject& item, std::string_view field, Time now);
Cell duration_cell(const JsonObject& item, std::string_view field);
Cell text_cell(const JsonObject& item, std::string_view field);
/// "✔ 812  ✖ 1" of a "tasks" object.
Cell counts_cell(const JsonObject& item, std::string_view field);

}  // namespace reeve::cli
