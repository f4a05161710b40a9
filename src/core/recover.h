// What a store would hold of a state: for replaying a journal across restarts of the engine, and
// for checking that recovery loses nothing. Pure.
#pragma once

#include "core/state.h"

namespace reeve::core {

/// The rows of all runs in memory that are not final.
Snapshot snapshot_of(const State& state);
/// The rows of one run.
StoredRun stored_run(const Run& run);
RunRecord copy_of(const RunRecord& record);
StoredRun copy_of(const StoredRun& run);

}  // namespace reeve::core
