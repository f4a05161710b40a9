#include "schedule/staging.h"

#include <algorithm>

#include "base/ensure.h"

namespace reeve::schedule {
namespace {

// Attempts that take longer than this are not worth handing over early: the engine's own latency,
// about two milliseconds a round, is small beside them.
constexpr std::int64_t kStagedRunUsMax = 100'000;
// Work handed over early should cover this much of the engine's latency.
constexpr std::int64_t kLatencyToHideUs = 6'000;

}  // namespace

void Staging::remove(HolderId holder) {
  const auto found = std::ranges::find(staged_, holder);
  ENSURE(found != staged_.end());
  staged_.erase(found);
}

bool Staging::may_stage(Kind kind, std::int64_t places) const {
  return last_ == kind && staged_.size() < depth(places);
}

void Staging::observe_run_time(Duration run_time) {
  const std::int64_t us = std::max<std::int64_t>(run_time.count(), 0);
  mean_run_us_ = mean_run_us_ < 0 ? us : mean_run_us_ + (us - mean_run_us_) / 8;
}

std::uint32_t Staging::depth(std::int64_t places) const {
  if (mean_run_us_ < 0 || mean_run_us_ > kStagedRunUsMax) return 0;
  // As many as the places could finish while the engine is busy with one round, and one for each
  // place.
  const std::int64_t rounds = kLatencyToHideUs / std::max<std::int64_t>(mean_run_us_, 100);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(places * (1 + rounds), 1, kStagedMax));
}

}  // namespace reeve::schedule
