#include "schedule/paired_comparison.h"

#include <array>
#include <cmath>

#include "base/ensure.h"
#include "base/generator.h"
#include "schedule/synthetic_log.h"

namespace reeve::schedule {
namespace {

struct Figure {
  std::string_view name;
  double SimulationSummary::*of;
};
constexpr std::array<Figure, 5> kFigures{{
    {"mean_bounded_slowdown", &SimulationSummary::mean_bounded_slowdown},
    {"p99_bounded_slowdown", &SimulationSummary::p99_bounded_slowdown},
    {"mean_wait_seconds", &SimulationSummary::mean_wait_seconds},
    {"p99_wait_seconds", &SimulationSummary::p99_wait_seconds},
    {"max_wait_seconds", &SimulationSummary::max_wait_seconds},
}};

PairedDifference difference_of(const Figure& figure, const std::vector<SimulationSummary>& first,
                               const std::vector<SimulationSummary>& second) {
  PairedDifference out{.figure = figure.name};
  const auto rounds = static_cast<double>(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    out.first += first[i].*figure.of / rounds;
    out.second += second[i].*figure.of / rounds;
  }
  out.difference = out.second - out.first;
  double squares = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double off = second[i].*figure.of - first[i].*figure.of - out.difference;
    squares += off * off;
  }
  const double error = std::sqrt(squares / (rounds - 1) / rounds);
  const double reach = student_quantile(static_cast<int>(first.size()) - 1) * error;
  out.low = out.difference - reach;
  out.high = out.difference + reach;
  return out;
}

}  // namespace

/// Exact for one and two, else the expansion of E. Cornish and R. Fisher (Abramowitz and Stegun,
/// 26.7.5), whose error is below 0.01 from three on.
double student_quantile(int freedom) {
  ENSURE(freedom >= 1);
  if (freedom == 1) return 12.706205;
  if (freedom == 2) return 4.302653;
  constexpr double kNormal = 1.959964;
  const double x = kNormal;
  const double n = freedom;
  const double x3 = x * x * x;
  const double x5 = x3 * x * x;
  const double x7 = x5 * x * x;
  const double x9 = x7 * x * x;
  return x + (x3 + x) / (4 * n) + (5 * x5 + 16 * x3 + 3 * x) / (96 * n * n) +
         (3 * x7 + 19 * x5 + 17 * x3 - 15 * x) / (384 * n * n * n) +
         (79 * x9 + 776 * x7 + 1482 * x5 - 1920 * x3 - 945 * x) / (92160 * n * n * n * n);
}

Result<std::vector<PairedDifference>> compare_policies(const WorkloadLog& log,
                                                       const ComparisonSpec& spec) {
  ENSURE(spec.rounds >= 2);
  std::vector<SimulationSummary> first;
  std::vector<SimulationSummary> second;
  for (int round = 0; round < spec.rounds; ++round) {
    const std::uint64_t seed = derive_seed(spec.seed, static_cast<std::uint64_t>(round));
    const WorkloadLog other = shaken(log, spec.shake, seed);
    TRY_ASSIGN(const SimulationResult one, simulate_log(other, spec.processors, spec.first));
    TRY_ASSIGN(const SimulationResult two, simulate_log(other, spec.processors, spec.second));
    first.push_back(summarise(other, one));
    second.push_back(summarise(other, two));
  }
  std::vector<PairedDifference> out;
  for (const Figure& figure : kFigures) out.push_back(difference_of(figure, first, second));
  return out;
}

}  // namespace reeve::schedule
