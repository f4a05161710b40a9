// A stored run as a whole, for people and programs: what `show` prints, and what `run -o` prints at
// the end. Reads the archive; one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/archive.h"
#include "cli/output.h"
#include "cli/session.h"

namespace reeve::cli {

/// What `show` prints of a run: lines of text.
std::string run_text(const Session& session, const LoadedRun& loaded);

/// At the end of `run`, `resume`, `retry`: the runs, and the status that they ended with.
Ended report_runs(const Session& session, const StateLayout& layout, const std::vector<Uuid>& runs,
                  const OutputChoice& choice, int status);
/// A submission whose idempotency key was known: says so, and how that run ended.
Ended report_existing_run(const Session& session, const StateLayout& layout, RunId run);

}  // namespace reeve::cli
