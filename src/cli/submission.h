// A run from the command line: a workflow file with its inputs, or a command that becomes a
// workflow of one task. No state; reads files.
#pragma once

#include <memory>
#include <string>

#include "api/json_values.h"
#include "cli/session.h"
#include "core/event.h"
#include "engine/ports/clock.h"

namespace reeve::cli {

struct Submission {
  core::SubmitRun event;
  bool is_bare = false;    ///< a command, not a file
  bool is_single = false;  ///< a command that runs once: its output and status are passed on
};

Checked<Submission> make_submission(const Session& session, engine::Random& random);

/// The same as the body of a request: for a service, which reads workflows and commands itself.
Checked<api::JsonObject> submission_body(const Session& session);

}  // namespace reeve::cli
