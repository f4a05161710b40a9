// Runs at a service: submitting what the command line says, and following it there. One thread.
#pragma once

#include "cli/archive.h"
#include "cli/signals.h"

namespace reeve::cli {

/// `reeve run`, where a service is chosen: submits, follows to the end; a command's output and
/// status are passed on. The run goes on when this is interrupted.
Ended run_at_service(const Session& session);

/// The run that a submission became, or found.
struct SubmittedRun {
  RunId id;
  JsonObject item;  ///< as of kind "runs"
};
Checked<SubmittedRun> submit_to(const Session& session, ServiceLink& service);

/// As `reeve watch`.
Ended watch_run(const Session& session, Archive& archive, RunId run, Signals& signals);

}  // namespace reeve::cli
