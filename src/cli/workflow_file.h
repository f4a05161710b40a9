// Workflows and their inputs from the command line: read, parsed, checked. Touches files and
// standard input; no state.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/failure.h"
#include "cli/output.h"
#include "spec/parse.h"

namespace reeve::cli {

/// The text of a file, or of standard input for "-". not_found, or exhausted when it is too large.
Result<std::string> read_source(const std::string& path);

/// What `spec` makes of it. `origin` in messages is the path, or "<stdin>".
Result<spec::Parsed> parse_file(const std::string& path);

/// A workflow without errors; else a failure (6) with every error on a line of its own. Warnings go
/// into `warnings`.
Checked<spec::Parsed> load_parsed(const std::string& path, std::vector<std::string>& warnings);
/// Of the same only the workflow.
Checked<std::shared_ptr<const spec::Workflow>> load_workflow(const std::string& path,
                                                             std::vector<std::string>& warnings);

/// NAME=VALUE options as the object that the workflow's inputs become, with defaults.
Checked<Json> read_inputs(const spec::Workflow& workflow, std::span<const std::string> given);

/// The groups that could never run on the machine: a sentence each, with what comes nearest.
std::vector<std::string> unplaceable_groups(const spec::Workflow& workflow,
                                            const NodeSetup& machine);

}  // namespace reeve::cli
