// What is counted of runs and attempts since the service started: an observer of the engine. It
// adds a few numbers for each change, takes no lock, and remembers nothing of a run that has ended.
//
// Thread rule: on_committed() by the engine's thread; write() by any, which may see one half of a
// change that is just being counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <type_traits>

#include "api/metrics_text.h"
#include "base/outcome.h"
#include "engine/engine.h"

namespace reeve::api {

/// Seconds, ascending; the same for all durations but one.
inline constexpr auto kDurationBounds =
    std::to_array<double>({0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
                           1800, 3600, 21600, 86400});

/// Seconds, ascending; of a commit's way to the disk.
inline constexpr auto kSyncBounds =
    std::to_array<double>({0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                           0.25, 0.5, 1, 2.5, 5, 10, 30, 60});
static_assert(kSyncBounds.size() == kDurationBounds.size());

/// Written by one thread, read by any.
class DurationHistogram {
 public:
  using Bounds = std::remove_const_t<decltype(kDurationBounds)>;
  explicit DurationHistogram(const Bounds& bounds = kDurationBounds) : bounds_(bounds) {}
  void add(Duration duration);
  void write(MetricsText& text, MetricLabels labels) const;

 private:
  const Bounds& bounds_;
  std::array<std::atomic<std::uint64_t>, kDurationBounds.size() + 1> counts_{};
  std::atomic<std::int64_t> sum_microseconds_{0};
};

class RunMetrics final : public engine::Observer {
 public:
  void on_committed(const engine::Committed& committed) override;
  void write(MetricsText& text) const;

 private:
  void count_task(const engine::Committed& committed, const core::TaskChange& change);
  void count_run(const engine::Committed& committed, const core::RunChange& change);
  void count_attempt(const core::AttemptRecord& attempt);

  std::map<TaskId, Time> starting_;  ///< since when; the engine's thread only
  DurationHistogram run_pending_;
  std::array<DurationHistogram, 3> run_executing_;  ///< success, failure, cancellation
  DurationHistogram task_queue_;
  DurationHistogram task_start_;
  DurationHistogram task_run_;
  std::array<std::atomic<std::uint64_t>, kOutcomeClassCount> attempts_{};  ///< by OutcomeClass
  std::atomic<std::uint64_t> retries_{0};
  std::atomic<std::uint64_t> oom_kills_{0};
};

}  // namespace reeve::api
