// What is expected of the tasks of a group, from the running estimate of their key. Estimates grow
// in the core alone, as attempts end; who plans or explains reads them here. O(1); pure.
#pragma once

#include <optional>

#include "core/state.h"

namespace reeve::core {

/// Null: none of its kind has ended yet. Valid until the next event is applied.
const schedule::Estimate* estimate_of(const State& state, const Run& run, GroupIndex group);
/// How long an attempt will probably take: the median of its kind, else its limit, else nothing.
std::optional<Duration> predicted_length(const State& state, const Run& run, GroupIndex group);

}  // namespace reeve::core
