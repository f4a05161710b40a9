#include "schedule/log_simulation.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

LogJob job(std::int64_t number, std::int64_t submitted, std::int64_t run, std::int64_t processors,
           std::int64_t requested, std::int64_t user = 1) {
  return {number, seconds(submitted), seconds(run), processors, seconds(requested), user, -1};
}

std::vector<std::int64_t> waits(const WorkloadLog& log, std::string_view policy,
                                std::int64_t processors) {
  const auto result = simulate_log(log, processors, *find_policy(policy));
  EXPECT_TRUE(result);
  std::vector<std::int64_t> out;
  for (const SimulatedJob& one : result->jobs)
    out.push_back(std::chrono::duration_cast<seconds>(one.wait).count());
  return out;
}

TEST(LogSimulation, easy_counts_with_what_was_requested) {
  const WorkloadLog log{
      {job(1, 0, 60, 6, 100), job(2, 1, 100, 10, 100), job(3, 2, 90, 4, 98), job(4, 3, 20, 4, 99)},
      10};
  // 3 ends before the promise to 2 at 100; 4 is said to be a second too long for it.
  EXPECT_THAT(waits(log, "easy", 10), ElementsAre(0, 91, 0, 189));
  EXPECT_THAT(waits(log, "fcfs", 10), ElementsAre(0, 59, 158, 157));
  // Known lengths: 2 starts at 60, and 4 fits before it.
  EXPECT_THAT(waits(log, "easy-clairvoyant", 10), ElementsAre(0, 59, 158, 0));
}

TEST(LogSimulation, the_last_two_of_a_user_are_the_next) {
  const WorkloadLog log{{job(1, 0, 10, 1, 1000), job(2, 100, 31, 1, 1000), job(3, 200, 5, 1, 1000),
                         job(4, 300, 5, 1, 15), job(5, 400, 5, 1, 1000, 2)},
                        1};
  const auto result = simulate_log(log, 1, *find_policy("last-two"));
  ASSERT_TRUE(result);
  std::vector<Duration> expected;
  for (const SimulatedJob& one : result->jobs) expected.push_back(one.expected);
  EXPECT_THAT(expected,
              ElementsAre(seconds(1000), seconds(1000), seconds(20), seconds(15), seconds(1000)));
}

TEST(LogSimulation, what_takes_longer_is_extended) {
  const WorkloadLog log{
      {job(1, 0, 10, 1, 1000), job(2, 100, 10, 1, 1000), job(3, 200, 400, 1, 1000)}, 1, 0};
  const auto extended = [&](std::string_view policy) {
    return simulate_log(log, 1, *find_policy(policy))->jobs[2].extended;
  };
  EXPECT_EQ(extended("last-two"), 1U) << "to the request";
  EXPECT_EQ(extended("easy++"), 3U) << "after 10 s, 1 and 5 minutes and 10 s";
  EXPECT_EQ(extended("easy"), 0U);
}

TEST(LogSimulation, learned_goes_by_what_like_jobs_took) {
  WorkloadLog log;
  for (int i = 0; i < 10; ++i) {
    log.jobs.push_back(job(i, i * 1000, 20, 1, 3600, 1));
    log.jobs.push_back(job(100 + i, i * 1000, 900, 1, 3600, 2));
  }
  // Both wait for a third; the one whose like were short is first, though it came last.
  log.jobs.push_back(job(200, 20000, 100, 2, 100, 3));
  log.jobs.push_back(job(201, 20001, 900, 2, 3600, 2));
  log.jobs.push_back(job(202, 20002, 20, 2, 3600, 1));
  const auto result = waits(log, "learned", 2);
  EXPECT_EQ(result[22], 98);
  EXPECT_EQ(result[21], 119);
}

TEST(LogSimulation, refuses_what_is_larger_than_the_machine) {
  const WorkloadLog log{{job(7, 0, 10, 5, 10)}};
  const auto result = simulate_log(log, 4, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "job 7 needs 5 processors, the machine has 4: give it more with --processors");
}

TEST(LogSimulation, summarises) {
  const WorkloadLog log{{job(1, 0, 100, 2, 100), job(2, 0, 5, 2, 5)}};
  const auto result = simulate_log(log, 2, *find_policy("fcfs"));
  const SimulationSummary summary = summarise(log, *result);
  EXPECT_EQ(summary.jobs, 2);
  EXPECT_DOUBLE_EQ(summary.mean_bounded_slowdown, (1 + 10.5) / 2);
  EXPECT_DOUBLE_EQ(summary.max_wait_seconds, 100);
  EXPECT_DOUBLE_EQ(summary.median_wait_seconds, 0);
  EXPECT_DOUBLE_EQ(summary.makespan_seconds, 105);
  EXPECT_DOUBLE_EQ(summary.utilisation, 1);
  EXPECT_DOUBLE_EQ(summary.user_fairness, 1) << "there is one user";
  const WorkloadLog two{{job(1, 0, 100, 2, 100, 1), job(2, 0, 100, 2, 100, 2)}, 2};
  // Slowdowns of 1 and 2.
  EXPECT_DOUBLE_EQ(summarise(two, *simulate_log(two, 2, *find_policy("fcfs"))).user_fairness,
                   9.0 / 10);
  EXPECT_EQ(summarise({}, {}).jobs, 0);
}

TEST(LogSimulation, counts_what_ended_after_its_deadline) {
  WorkloadLog log{{job(1, 0, 100, 2, 100), job(2, 0, 5, 2, 5), job(3, 0, 5, 2, 5)}};
  log.jobs[0].deadline = seconds{100};
  log.jobs[1].deadline = seconds{104};
  const SimulationSummary summary = summarise(log, *simulate_log(log, 2, *find_policy("fcfs")));
  EXPECT_EQ(summary.with_deadline, 2);
  EXPECT_EQ(summary.deadline_misses, 1);
}

TEST(LogSimulation, writes_a_schedule_that_is_a_log) {
  const WorkloadLog log{{job(1, 0, 100, 2, 150), job(2, 5, 5, 2, 5)}, 2};
  const auto result = simulate_log(log, 2, *find_policy("easy"));
  const std::string text = format_schedule(log, *result);
  EXPECT_EQ(text,
            "; Version: 2.2\n; MaxProcs: 2\n"
            "1 0 0 100 2 -1 -1 2 150 -1 1 1 -1 -1 -1 -1 -1 -1\n"
            "2 5 95 5 2 -1 -1 2 5 -1 1 1 -1 -1 -1 -1 -1 -1\n");
  const auto again = parse_workload_log(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->jobs, log.jobs);
}

/// Whatever the policy: all run, the machine is never overfull, and the same gives the same.
RC_GTEST_PROP(LogSimulation, holds_for_random_logs, ()) {
  constexpr std::int64_t kProcessors = 16;
  WorkloadLog log;
  std::int64_t now = 0;
  const auto count = *rc::gen::inRange(0, 60);
  for (int i = 0; i < count; ++i) {
    now += *rc::gen::inRange(0, 30);
    const auto run = *rc::gen::inRange(1, 200);
    log.jobs.push_back(job(i, now, run, *rc::gen::inRange<std::int64_t>(1, kProcessors + 1),
                           run + *rc::gen::inRange(0, 300), *rc::gen::inRange(0, 4)));
  }
  const NamedPolicy& policy = *rc::gen::elementOf(named_policies());
  const auto result = simulate_log(log, kProcessors, policy.policy);
  RC_ASSERT(result.has_value());
  std::map<Duration, std::int64_t> changes;
  for (std::size_t i = 0; i < log.jobs.size(); ++i) {
    const Duration begin = log.jobs[i].submitted + result->jobs[i].wait;
    changes[begin] += log.jobs[i].processors;
    changes[begin + log.jobs[i].run] -= log.jobs[i].processors;
  }
  std::int64_t used = 0;
  for (const auto& [when, change] : changes) {
    used += change;
    RC_ASSERT(used <= kProcessors);
  }
  const auto again = simulate_log(log, kProcessors, policy.policy);
  for (std::size_t i = 0; i < log.jobs.size(); ++i)
    RC_ASSERT(again->jobs[i].wait == result->jobs[i].wait);
}

}  // namespace
}  // namespace reeve::schedule
