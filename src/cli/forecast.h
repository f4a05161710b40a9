// What many simulations say of a moment. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"

namespace reeve::cli {

/// What comes out at least in one of ten simulations, in the middle one, and in nine of ten.
struct Forecast {
  Duration low{0};
  Duration middle{0};
  Duration high{0};
};
/// REQUIRES some values.
Forecast forecast_of(std::vector<Duration> values);

/// Virtual times are so many times the real ones, and at least a second: the core hands over
/// nothing beyond the capacity then, as it does with short tasks.
inline constexpr int kStretch = 100;
inline constexpr Duration kShortest = std::chrono::milliseconds{10};
/// Of so many tasks: none, if one simulation would take too long.
std::uint32_t simulations_of(std::uint64_t tasks);
/// A task counts as at most so long: all after one another, stretched, are within what Time can
/// say.
Duration longest_of(std::uint64_t tasks);

}  // namespace reeve::cli
