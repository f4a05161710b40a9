#include "schedule/run_time_history.h"

#include <algorithm>
#include <cmath>

namespace reeve::schedule {
namespace {

constexpr double kHistoryKept = 0.8;  // of the weight of what was before, with each that ends
constexpr double kCountMax = 20;      // what has seen more counts no more
constexpr double kLikeness = 3.0;     // so much more does a level count than the next

}  // namespace

RunTimeHistory::Key RunTimeHistory::key_of(const JobLikeness& job, std::size_t level) {
  Key key{static_cast<std::int64_t>(level), job.user, -1, -1, -1};
  if (level < 3) key[2] = job.executable;
  if (level == 0 || level == 2) key[3] = job.amount;
  if (level < 2) key[4] = job.requested.count();
  return key;
}

/// Splitmix64's finaliser (G. Steele et al., OOPSLA 2014) over the parts.
std::size_t RunTimeHistory::HashKey::operator()(const Key& key) const {
  std::uint64_t hash = 0;
  for (const std::int64_t part : key) {
    hash += static_cast<std::uint64_t>(part) + 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
    hash ^= hash >> 31;
  }
  return hash;
}

void RunTimeHistory::add(const JobLikeness& job, Duration run) {
  const double seconds = std::max(std::chrono::duration<double>(run).count(), 1.0);
  for (std::size_t level = 0; level < kLevels; ++level) {
    Mean& mean = means_[key_of(job, level)];
    mean.sum = mean.sum * kHistoryKept + std::log(seconds);
    mean.weight = mean.weight * kHistoryKept + 1;
    mean.count = std::min(mean.count + 1, kCountMax);
  }
}

std::optional<Duration> RunTimeHistory::expect(const JobLikeness& job) const {
  double sum = 0;
  double weight = 0;
  double likeness = 1;
  for (std::size_t level = 0; level < kLevels; ++level, likeness /= kLikeness) {
    const auto at = means_.find(key_of(job, level));
    if (at == means_.end()) continue;
    const Mean& mean = at->second;
    sum += likeness * mean.count * mean.sum / mean.weight;
    weight += likeness * mean.count;
  }
  if (weight == 0) return std::nullopt;
  const auto seconds = std::chrono::seconds(std::llround(std::exp(sum / weight)));
  return std::max<Duration>(seconds, std::chrono::seconds(1));
}

}  // namespace reeve::schedule
