// A command without a file as the workflow of one task that it becomes, for `reeve run -- CMD` and
// for the API. Every word is an input and never a template. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "spec/parse.h"

namespace reeve::api {

struct BareCommand {
  std::vector<std::string> words;  ///< at least one, not "" the first
  JsonObject environment;          ///< texts by name
  std::string timeout;             ///< as in a file, or ""
  std::optional<std::int64_t> retry;
  JsonObject resources;  ///< as in a file
  std::string array;     ///< as in a file, or ""
};

struct BareRun {
  std::shared_ptr<const spec::Workflow> workflow;  // shared: by all plain commands
  std::string inputs;                              ///< JSON object
};

/// invalid_argument: an option has no meaning, or a word is not UTF-8.
Result<BareRun> bare_run(const BareCommand& command);

/// As people would type it.
std::string command_text(const std::vector<std::string>& words);

}  // namespace reeve::api
