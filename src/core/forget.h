// Internal to core/: names that no run in memory uses any more.
#pragma once

#include "core/state.h"

namespace reeve::core {

/// What runs are called and ask for has numbers in the planner. Looks which of them are in use when
/// there are many that are new; those of the others are given again. Decides nothing.
void forget_unused_names(State& state, Time now);

}  // namespace reeve::core
