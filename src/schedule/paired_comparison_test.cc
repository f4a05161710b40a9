#include "schedule/paired_comparison.h"

#include <gtest/gtest.h>

#include "schedule/synthetic_log.h"

namespace reeve::schedule {
namespace {

TEST(PairedComparison, knows_students_quantiles) {
  EXPECT_NEAR(student_quantile(1), 12.706, 0.001);
  EXPECT_NEAR(student_quantile(2), 4.303, 0.001);
  EXPECT_NEAR(student_quantile(3), 3.182, 0.01);
  EXPECT_NEAR(student_quantile(9), 2.262, 0.001);
  EXPECT_NEAR(student_quantile(19), 2.093, 0.001);
  EXPECT_NEAR(student_quantile(1000), 1.962, 0.001);
}

TEST(PairedComparison, sees_that_backfilling_helps_and_that_the_same_is_the_same) {
  const WorkloadLog log = synthetic_log({.jobs = 800, .processors = 64, .load_per_mille = 850});
  ComparisonSpec spec{
      .processors = 64, .first = *find_policy("fcfs"), .second = *find_policy("easy"), .rounds = 8};
  const auto better = compare_policies(log, spec);
  ASSERT_TRUE(better);
  EXPECT_EQ(better->front().figure, "mean_bounded_slowdown");
  EXPECT_LT(better->front().high, 0) << "less, and not by chance";
  EXPECT_LE(better->front().low, better->front().difference);
  EXPECT_NEAR(better->front().second - better->front().first, better->front().difference, 1e-9);
  spec.second = spec.first;
  for (const PairedDifference& same : compare_policies(log, spec).value()) {
    EXPECT_EQ(same.difference, 0);
    EXPECT_EQ(same.low, 0);
  }
}

TEST(PairedComparison, fails_as_the_simulation_does) {
  const WorkloadLog log = synthetic_log({.jobs = 100, .processors = 64});
  EXPECT_FALSE(compare_policies(log, {.processors = 1}));
}

}  // namespace
}  // namespace reeve::schedule
