#include "schedule/estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

constexpr double kKept = 0.8;       // of the weight of what was before, with each that ends
constexpr double kEndsKept = 0.95;  // a share needs more of the past to be worth anything
constexpr double kSecondsLeast = 1e-3;
constexpr double kLogLargest = 43;  // e^43 is beyond 2^62: results stay inside 64 bits

/// (a[0] + a[1] r + ...) by Horner's rule.
template <std::size_t N>
double polynomial(const std::array<double, N>& a, double r) {
  double sum = 0;
  for (std::size_t i = N; i > 0; --i) sum = sum * r + a[i - 1];
  return sum;
}

bool is_sound_moments(const LogMoments& moments) {
  const bool numbers = std::isfinite(moments.weight) && std::isfinite(moments.mean) &&
                       std::isfinite(moments.variance) && moments.variance >= 0;
  return numbers && (moments.count == 0 ? moments == LogMoments{} : moments.weight >= 1);
}

}  // namespace

double normal_quantile(double p) {
  ENSURE(p > 0 && p < 1);
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial<4>({3.3871327179, 50.434271938, 159.29113202, 59.109374720}, r) /
           polynomial<4>({1.0, 17.895169469, 78.757757664, 67.187563600}, r);
  }
  double r = std::sqrt(-std::log(q < 0 ? p : 1 - p));
  double value = 0;
  if (r <= 5) {
    r -= 1.6;
    value = polynomial<4>({1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103}, r) /
            polynomial<3>({1.0, 0.73700164250, 0.12021132975}, r);
  } else {
    r -= 5;
    value = polynomial<4>({6.6579051150, 3.0812263860, 0.42868294337, 0.017337203997}, r) /
            polynomial<3>({1.0, 0.24197894225, 0.012258202635}, r);
  }
  return q < 0 ? -value : value;
}

void LogMoments::add(double value, double least) {
  const double x = std::log(std::max(value, least));
  if (count < std::numeric_limits<std::uint32_t>::max()) ++count;
  const double before = weight * kKept;
  weight = before + 1;
  const double away = x - mean;
  mean += away / weight;
  variance = (before * variance + away * (x - mean)) / weight;
}

double LogMoments::quantile(double p) const {
  ENSURE(count > 0);
  // Few values show too little of their spread: as with n / (n - 1), for weights 1, k, k², ...
  const double oldest = 1 - (1 - kKept) * weight;
  const double squares = (1 - oldest * oldest) / (1 - kKept * kKept);
  const double seen = 1 - squares / (weight * weight);
  const double deviation = seen > 0 ? std::sqrt(variance / seen) : 0;
  return std::exp(std::clamp(mean + normal_quantile(p) * deviation, -kLogLargest, kLogLargest));
}

void Estimate::add_run(Duration run, std::int64_t memory_peak_bytes) {
  seconds.add(std::chrono::duration<double>(run).count(), kSecondsLeast);
  // Not every place can tell.
  if (memory_peak_bytes > 0) memory_bytes.add(static_cast<double>(memory_peak_bytes), 1);
}

void Estimate::add_end(const Outcome& outcome) {
  ends = ends * kEndsKept + 1;
  for (double& share : failures) share *= kEndsKept;
  if (!outcome.is_success()) failures[static_cast<std::size_t>(outcome.kind)] += 1;
}

std::optional<Duration> Estimate::run_time(double p) const {
  if (seconds.count == 0) return std::nullopt;
  const double microseconds = std::min(seconds.quantile(p) * 1e6, 0x1p62);
  return Duration{std::max<std::int64_t>(std::llround(microseconds), 1)};
}

std::optional<std::int64_t> Estimate::memory(double p) const {
  if (memory_bytes.count == 0) return std::nullopt;
  return std::llround(std::min(memory_bytes.quantile(p), 0x1p62));
}

double Estimate::failure_share() const {
  double sum = 0;
  for (const double share : failures) sum += share;
  return ends > 0 ? std::min(sum / ends, 1.0) : 0;
}

double Estimate::failure_share(OutcomeClass outcome) const {
  return ends > 0 ? std::min(failures[static_cast<std::size_t>(outcome)] / ends, 1.0) : 0;
}

bool Estimate::is_sound() const {
  if (!is_sound_moments(seconds) || !is_sound_moments(memory_bytes)) return false;
  if (!std::isfinite(ends) || ends < 0) return false;
  return std::ranges::all_of(failures,
                             [](double share) { return std::isfinite(share) && share >= 0; });
}

}  // namespace reeve::schedule
