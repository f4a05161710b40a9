// YAML text → Workflow. Strict: unknown keys, wrong types, cycles and bad expressions are errors
// with file:line:column, what was expected and a suggestion. All errors of a file are reported, not
// the first only. Pure: the caller reads the file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/workflow.h"

namespace reeve::spec {

inline constexpr std::size_t kSourceBytesMax = std::size_t{64} << 20;
inline constexpr std::size_t kDepthMax = 64;

enum class Severity : std::uint8_t { error, warning };
struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  int line = 0;            ///< from 1
  int column = 0;          ///< from 1
  std::string message;     ///< what is wrong and what was expected
  std::string suggestion;  ///< "did you mean 'needs'?", or ""
  /// "file:3:5: error: unknown key 'need'; expected one of ...; did you mean 'needs'?"
  std::string text() const;
};

/// A need that `parallel: auto` found; it stands among the needs of its group like any other.
struct FoundNeed {
  GroupIndex group;
  GroupIndex need;
  std::string why;  ///< "both touch data/x.csv"
};
struct FoundParallelism {
  std::uint32_t steps = 0;
  std::uint32_t at_once_max = 0;  ///< so many may run at the same time; perhaps even more
  std::vector<FoundNeed> needs;   ///< by group; those that follow from others are left out
};

struct Parsed {
  std::shared_ptr<const Workflow> workflow;     ///< null when there is an error
  std::optional<FoundParallelism> parallelism;  ///< with `parallel: auto`
  std::vector<Diagnostic> diagnostics;          ///< sorted by position
};

/// `origin` names the file in messages.
Parsed parse_workflow(std::string_view source, std::string_view origin);

/// The workflow behind `reeve run -- CMD`: one task `main` whose command is ${{ inputs.argv }}, so
/// that all bare commands share one specification. Its inputs: {argv: [..], name: ..}.
const std::shared_ptr<const Workflow>& bare_command_workflow();

/// JSON Schema (draft 2020-12) of the workflow file, from the table that the parser uses.
std::string workflow_json_schema();

}  // namespace reeve::spec
