// Runs that have ended, written by the store itself: what a service that has worked for long holds.
// No thread rule: one call, one thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace reeve::bench {

/// Makes the store at `path` with `runs` runs of one task each. Of a thousand, 970 have succeeded,
/// 29 have failed and one was cancelled; there are 1,000 names, 100 values of the label `team`
/// and, each on one run of 100,000, ten values of the label `ticket`.
Status fill_with_finished_runs(const std::string& path, std::uint64_t runs);

}  // namespace reeve::bench
