// A short form of all that the core knows of its runs: equal states give equal digests. For finding
// the first step at which a replay differs from what happened. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/state.h"

namespace reeve::sim {

std::uint64_t state_digest(const core::State& state);
/// The same for people: a line for each task.
std::string state_text(const core::State& state);

}  // namespace reeve::sim
