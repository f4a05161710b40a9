// Logs that are made up, with the shapes that real ones have: users who submit the same again and
// again, run times over many orders of magnitude, sizes that are powers of two, requests that are
// round and mostly far too long (D. Feitelson, "Workload Modeling for Computer Systems Performance
// Evaluation", 2015; A. Mu'alem and D. Feitelson, IEEE TPDS 12, 2001). A seed decides all of it.
// Pure; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "schedule/workload_log.h"

namespace reeve::schedule {

/// When jobs come.
enum class Arrivals : std::uint8_t {
  poisson,  ///< independently of each other
  diurnal,  ///< more by day than by night, and on working days
  bursts,   ///< many of one kind at once, now and then
};
std::optional<Arrivals> find_arrivals(std::string_view name);
std::string_view name(Arrivals arrivals);

struct SyntheticSpec {
  Arrivals arrivals = Arrivals::diurnal;
  std::int64_t jobs = 10'000;
  std::int64_t processors = 128;
  /// Of the machine, in thousandths: work over what processors could do until the last arrives.
  std::int32_t load_per_mille = 800;
  Duration longest = std::chrono::hours(36);
  Duration median = std::chrono::minutes(10);  ///< run time
  std::int64_t largest = 0;                    ///< processors of a job; 0: half of the machine
  std::int64_t users = 50;
  std::uint64_t seed = 1;
};

/// REQUIRES positive numbers. Times are whole seconds.
WorkloadLog synthetic_log(const SyntheticSpec& spec);

/// The same jobs a little earlier or later, each by up to `most`: what a policy gives should not
/// hang on the second in which somebody pressed a key (D. Tsafrir and D. Feitelson, "Instability
/// in parallel job scheduling simulation", IPDPS 2006).
WorkloadLog shaken(const WorkloadLog& log, Duration most, std::uint64_t seed);

}  // namespace reeve::schedule
