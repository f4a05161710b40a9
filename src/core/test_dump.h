// The whole of a State as text, for tests that compare two of them and show how they differ. Pure.
#pragma once

#include <string>

#include "core/state.h"

namespace reeve::core::test {

/// Everything that a later decision could depend on.
std::string dump(const State& state);
/// What a restart may not change: runs, the states of their tasks, what is held of pools and locks.
std::string dump_lasting(const State& state);

}  // namespace reeve::core::test
