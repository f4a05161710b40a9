// What is promised holds whoever goes away: a task starts within its bound, and taking any other
// task out of the queue does not move it beyond.
#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/generator.h"
#include "schedule/planner_simulation.h"

namespace reeve::schedule {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kProcessors = 8;

/// One user's jobs in the order in which they come; each takes as long as it says. Some want all of
/// the machine, the first of them soon, and small ones keep coming that could go on for long
/// without leaving it the room.
WorkloadLog random_log(std::uint64_t seed) {
  Generator random(seed);
  WorkloadLog log;
  std::int64_t submitted = 0;
  const std::uint64_t count = 3 + random.below(48);
  for (std::uint64_t i = 0; i < count; ++i) {
    submitted += random.between(0, 12);
    const bool is_wide = i == 2 || random.below(16) == 0;
    const std::int64_t length = random.between(30, 45);
    log.jobs.push_back({static_cast<std::int64_t>(i) + 1, seconds(submitted), seconds(length),
                        is_wide ? kProcessors : random.between(1, 2), seconds(length), 1, -1});
  }
  return log;
}

PlannerSetup setup(Backfilling backfilling) {
  PlannerSetup setup;
  setup.policy.backfilling = backfilling;
  setup.policy.margin = 1'000'000;  // promises count with the request, which is exact here
  return setup;
}

/// By job number. What is first in order has a promise within the longest length, and nobody delays
/// it: so a task starts at most one longest length after all before it have started.
std::vector<Time> bounds_of(const WorkloadLog& log) {
  Duration longest{0};
  for (const LogJob& job : log.jobs) longest = std::max(longest, job.run);
  std::vector<Time> bounds(log.jobs.size() + 1);
  Time before{};
  for (const LogJob& job : log.jobs) {
    before = std::max(before, Time{job.submitted}) + longest;
    bounds[static_cast<std::size_t>(job.number)] = before;
  }
  return bounds;
}

void expect_within(const WorkloadLog& log, const std::vector<Time>& bounds,
                   Backfilling backfilling) {
  const auto result = simulate_planner(log, kProcessors, setup(backfilling));
  RC_ASSERT(result.has_value());
  for (std::size_t i = 0; i < log.jobs.size(); ++i) {
    const LogJob& job = log.jobs[i];
    const Time start = Time{job.submitted} + result->jobs[i].wait;
    RC_ASSERT(start <= bounds[static_cast<std::size_t>(job.number)]);
  }
}

RC_GTEST_PROP(Removal, of_a_task_does_not_delay_another_beyond_its_bound, ()) {
  const WorkloadLog log = random_log(*rc::gen::arbitrary<std::uint64_t>());
  const std::vector<Time> bounds = bounds_of(log);
  const Backfilling backfilling = *rc::gen::element(Backfilling::easy, Backfilling::conservative);
  expect_within(log, bounds, backfilling);
  for (std::size_t gone = 0; gone < log.jobs.size(); ++gone) {
    WorkloadLog rest = log;
    rest.jobs.erase(rest.jobs.begin() + static_cast<std::ptrdiff_t>(gone));
    expect_within(rest, bounds, backfilling);
  }
}

}  // namespace
}  // namespace reeve::schedule
