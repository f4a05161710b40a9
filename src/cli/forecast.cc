#include "cli/forecast.h"

#include <algorithm>

namespace reeve::cli {

Forecast forecast_of(std::vector<Duration> values) {
  std::ranges::sort(values);
  const auto at = [&](std::size_t percent) { return values[(values.size() - 1) * percent / 100]; };
  return {at(10), at(50), at(90)};
}

}  // namespace reeve::cli
