// What is known of tasks that are the same again, as a running estimate: how long they take, how
// much memory they reach, how often and how they fail. Times and sizes are taken as lognormal: a
// ratio counts the same up and down, and one run of a week does not spoil what a hundred of a
// minute have shown. Newer ends count more. Doubles, and the same whenever the same is added in
// the same order. Pure values; one thread.
//
// The mean and variance are those of B. P. Welford (Technometrics 4, 1962) with weights that decay
// (T. Finch, "Incremental calculation of weighted mean and variance", 2009).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/outcome.h"
#include "base/time.h"

namespace reeve::schedule {

/// Exponentially weighted mean and variance of the logarithms of positive values.
struct LogMoments {
  std::uint32_t count = 0;  ///< values seen; stops at its largest
  double weight = 0;        ///< of all that was seen: 1 for the newest, 0.8 for the one before, ...
  double mean = 0;          ///< of natural logarithms
  double variance = 0;      ///< of natural logarithms, not corrected for few values
  friend bool operator==(const LogMoments&, const LogMoments&) = default;

  /// What is not positive counts as `least`.
  void add(double value, double least);
  /// The value that a share `p` of all stays below. REQUIRES count > 0 and 0 < p < 1.
  double quantile(double p) const;
};

struct Estimate {
  LogMoments seconds;       ///< of attempts that succeeded
  LogMoments memory_bytes;  ///< peaks of the same
  /// Ends, newer ones counting more: all, and those that failed by class (`exited`: with another
  /// status than 0).
  double ends = 0;
  std::array<double, kOutcomeClassCount> failures{};
  friend bool operator==(const Estimate&, const Estimate&) = default;

  void add_run(Duration run, std::int64_t memory_peak_bytes);
  void add_end(const Outcome& outcome);

  /// Nothing where none has succeeded yet.
  std::optional<Duration> run_time(double p) const;
  std::optional<std::int64_t> memory(double p) const;
  /// Share of ends that failed, or failed so: 0 to 1; 0 where nothing has ended.
  double failure_share() const;
  double failure_share(OutcomeClass outcome) const;
  /// Whether these can be the numbers of an estimate: read from a file, say.
  bool is_sound() const;
};

/// Of the standard normal distribution (M. J. Wichura, algorithm AS 241, Applied Statistics 37,
/// 1988, in its seven-digit form). REQUIRES 0 < p < 1.
double normal_quantile(double p);

}  // namespace reeve::schedule
