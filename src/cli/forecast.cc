#include "cli/forecast.h"

#include <algorithm>

namespace reeve::cli {
namespace {

constexpr std::uint64_t kSimulationsMax = 50;
constexpr std::uint64_t kTasksPlayedMax = 300'000;  // over all simulations
constexpr Duration kLongestOfAll = 20 * kDurationMax;

}  // namespace

std::uint32_t simulations_of(std::uint64_t tasks) {
  const std::uint64_t many = kTasksPlayedMax / std::max<std::uint64_t>(tasks, 1);
  return static_cast<std::uint32_t>(std::min(many, kSimulationsMax));
}

Duration longest_of(std::uint64_t tasks) {
  return kLongestOfAll / static_cast<std::int64_t>(tasks + 1);
}

Forecast forecast_of(std::vector<Duration> values) {
  std::ranges::sort(values);
  const auto at = [&](std::size_t percent) { return values[(values.size() - 1) * percent / 100]; };
  return {at(10), at(50), at(90)};
}

}  // namespace reeve::cli
