// The runs that a submission follows: who they are. The right to read them is checked here; how
// those ended that have is looked up by the engine, in the step that takes the submission in. On a
// thread of the readers.
#pragma once

#include "api/call.h"
#include "api/submission.h"
#include "engine/ports/history.h"

namespace reeve::api {

struct ServiceParts;

/// Fills `after` of the run from what was asked for. 404 for a run that is not there or must not be
/// known, with what it was called; 403 for one that may not be read.
Checked<void> find_after(const ServiceParts& parts, const Call& call, engine::History& history,
                         NewRun& run);

}  // namespace reeve::api
