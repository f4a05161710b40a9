// Whether one policy is really better than another for a log, or only for these very seconds: both
// replay the log again and again with its arrivals shaken, each time the same for both, and what is
// judged is the mean of the differences with its confidence interval (paired Student's t, 95 %).
// Pure; no thread rule.
#pragma once

#include <string_view>
#include <vector>

#include "schedule/log_simulation.h"

namespace reeve::schedule {

struct PairedDifference {
  std::string_view figure;  ///< "mean_bounded_slowdown"
  double first = 0;         ///< mean over the rounds
  double second = 0;
  double difference = 0;  ///< second - first
  double low = 0;         ///< of the interval of the difference
  double high = 0;
};

struct ComparisonSpec {
  std::int64_t processors = 1;
  SimulationPolicy first;
  SimulationPolicy second;
  int rounds = 20;                           ///< >= 2
  Duration shake = std::chrono::minutes(5);  ///< each arrival, at most, to either side
  std::uint64_t seed = 1;
};

/// As simulate_log() fails.
Result<std::vector<PairedDifference>> compare_policies(const WorkloadLog& log,
                                                       const ComparisonSpec& spec);

/// The quantile 0.975 of Student's distribution. REQUIRES freedom >= 1.
double student_quantile(int freedom);

}  // namespace reeve::schedule
