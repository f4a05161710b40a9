// Why a run or a task is as it is: what is stored, and what the engine that works on it says. No
// state; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "api/loaded_run.h"
#include "core/explain.h"

namespace reeve::api {

struct Answer {
  std::string id;
  std::string label;
  std::string state;
  std::string reason;
  std::string sentence;
  std::vector<std::string> facts;
  bool is_live = false;
};

/// Fills reason, sentence and facts with what the engine says of the run, or of that task of it.
/// False: the engine does not know it, or there is none.
using AskLive =
    std::function<Result<bool>(RunId run, std::optional<std::uint32_t> task, Answer& answer)>;

/// `task`: "" for the whole run, else as find_task() understands it.
Result<Answer> explain(engine::History& history, const LoadedRun& loaded, const std::string& task,
                       const AskLive& ask, Time now);

/// What the core says, as part of an answer.
void take_over(Answer& answer, const core::Explanation& explanation);

/// The fields of kind "explanation".
JsonObject answer_json(const Answer& answer);

}  // namespace reeve::api
