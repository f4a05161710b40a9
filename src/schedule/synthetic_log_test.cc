#include "schedule/synthetic_log.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

double work_of(const WorkloadLog& log) {
  double work = 0;
  for (const LogJob& job : log.jobs)
    work += std::chrono::duration<double>(job.run).count() * static_cast<double>(job.processors);
  return work;
}

TEST(SyntheticLog, has_the_load_that_was_asked_for) {
  for (const Arrivals arrivals : {Arrivals::poisson, Arrivals::diurnal, Arrivals::bursts}) {
    const SyntheticSpec spec{.arrivals = arrivals, .jobs = 20'000, .load_per_mille = 700};
    const WorkloadLog log = synthetic_log(spec);
    ASSERT_EQ(log.jobs.size(), 20'000U);
    const double period =
        std::chrono::duration<double>(log.jobs.back().submitted - log.jobs.front().submitted)
            .count();
    EXPECT_NEAR(work_of(log) / (period * 128), 0.7, 0.02) << name(arrivals);
    EXPECT_EQ(find_arrivals(name(arrivals)), arrivals);
  }
  EXPECT_FALSE(find_arrivals("weekly"));
}

TEST(SyntheticLog, comes_by_day_or_at_once_where_that_was_asked_for) {
  const auto at_night = [](Arrivals arrivals) {
    const WorkloadLog log = synthetic_log({.arrivals = arrivals, .jobs = 20'000});
    const auto count = std::ranges::count_if(
        log.jobs, [](const LogJob& job) { return job.submitted % hours(24) < hours(6); });
    return static_cast<double>(count) / 20'000;
  };
  EXPECT_NEAR(at_night(Arrivals::poisson), 0.25, 0.02);
  EXPECT_LT(at_night(Arrivals::diurnal), 0.15);
  std::set<Duration> moments;
  for (const LogJob& job : synthetic_log({.arrivals = Arrivals::bursts, .jobs = 3'000}).jobs)
    moments.insert(job.submitted);
  EXPECT_LT(moments.size(), 300U);
}

TEST(SyntheticLog, has_run_times_of_many_sizes) {
  const WorkloadLog log = synthetic_log({.jobs = 20'000});
  std::vector<Duration> runs;
  for (const LogJob& job : log.jobs) runs.push_back(job.run);
  std::ranges::sort(runs);
  EXPECT_LT(runs[2'000], seconds(100));
  EXPECT_GT(runs[18'000], hours(1));
}

TEST(SyntheticLog, shaking_keeps_the_jobs) {
  const WorkloadLog log = synthetic_log({.jobs = 500});
  const WorkloadLog other = shaken(log, seconds(60), 7);
  ASSERT_EQ(other.jobs.size(), log.jobs.size());
  EXPECT_TRUE(std::ranges::is_sorted(other.jobs, {}, &LogJob::submitted));
  EXPECT_NE(other.jobs, log.jobs);
  EXPECT_EQ(other.jobs, shaken(log, seconds(60), 7).jobs);
  for (const LogJob& job : other.jobs) {
    const LogJob& before = log.jobs[static_cast<std::size_t>(job.number) - 1];
    EXPECT_LE(std::chrono::abs(job.submitted - before.submitted), seconds(60));
    EXPECT_EQ(job.run, before.run);
  }
}

RC_GTEST_PROP(SyntheticLog, is_whole_whatever_is_asked_for, ()) {
  SyntheticSpec spec;
  spec.arrivals = *rc::gen::element(Arrivals::poisson, Arrivals::diurnal, Arrivals::bursts);
  spec.jobs = *rc::gen::inRange(1, 300);
  spec.processors = *rc::gen::inRange(1, 2000);
  spec.load_per_mille = *rc::gen::inRange(1, 3000);
  spec.users = *rc::gen::inRange(1, 20);
  spec.longest = seconds(*rc::gen::inRange(1, 1'000'000));
  spec.seed = *rc::gen::arbitrary<std::uint64_t>();
  const WorkloadLog log = synthetic_log(spec);
  RC_ASSERT(static_cast<std::int64_t>(log.jobs.size()) == spec.jobs);
  for (const LogJob& job : log.jobs) {
    RC_ASSERT(job.run >= seconds(1) && job.run <= std::max<Duration>(spec.longest, seconds(1)));
    RC_ASSERT(job.requested >= job.run && job.submitted >= Duration{0});
    RC_ASSERT(job.processors >= 1 && job.processors <= spec.processors);
  }
  RC_ASSERT(synthetic_log(spec).jobs == log.jobs);
}

}  // namespace
}  // namespace reeve::schedule
