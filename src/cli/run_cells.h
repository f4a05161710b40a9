// Cells of the columns that several tables share: of runs, tasks and groups. Pure; no thread rule.
#pragma once

#include "api/run_json.h"
#include "cli/output.h"

namespace reeve::cli {

using api::attempt_json;
using api::count_json;
using api::egress_json;
using api::group_json;
using api::joined;
using api::run_document;
using api::run_json;
using api::run_name;
using api::run_sentence;
using api::run_state;
using api::task_json;

Cell state_cell(const JsonObject& item);
Cell time_cell(const JsonObject& item, std::string_view field, Time now);
Cell duration_cell(const JsonObject& item, std::string_view field);
Cell text_cell(const JsonObject& item, std::string_view field);
/// "✔ 812  ✖ 1" of a "tasks" object.
Cell counts_cell(const JsonObject& item, std::string_view field);
/// What a run follows: "12 (success): succeeded, 13 (end)"; "" for nothing.
std::string after_text(const JsonObject& run);
/// Those of them that have not ended: "12, 13 and 4 more".
std::string waits_for_text(const JsonObject& run);

}  // namespace reeve::cli
