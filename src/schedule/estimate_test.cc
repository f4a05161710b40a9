#include "schedule/estimate.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Outcome kGood{OutcomeClass::exited, 0, {}};
constexpr Outcome kBad{OutcomeClass::exited, 1, {}};
constexpr Outcome kLost{OutcomeClass::lost, 0, {}};

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

TEST(NormalQuantile, is_as_tables_say) {
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-9);
  EXPECT_NEAR(normal_quantile(0.9), 1.2815515655, 1e-6);
  EXPECT_NEAR(normal_quantile(0.95), 1.6448536270, 1e-6);
  EXPECT_NEAR(normal_quantile(0.999), 3.0902323062, 1e-6);
  EXPECT_NEAR(normal_quantile(1e-9), -5.9978070150, 1e-5);
  EXPECT_NEAR(normal_quantile(1e-15), -7.9413453262, 1e-5);
}

RC_GTEST_PROP(NormalQuantile, is_odd_around_a_half, ()) {
  const double p = *rc::gen::inRange(1, 100'000) / 200'001.0;
  RC_ASSERT(std::abs(normal_quantile(p) + normal_quantile(1 - p)) < 1e-6);
}

TEST(Estimate, knows_nothing_before_anything_has_ended) {
  const Estimate estimate;
  EXPECT_FALSE(estimate.run_time(0.5));
  EXPECT_FALSE(estimate.memory(0.5));
  EXPECT_EQ(estimate.failure_share(), 0);
  EXPECT_TRUE(estimate.is_sound());
}

TEST(Estimate, one_end_is_all_that_is_known) {
  Estimate estimate;
  estimate.add_run(seconds{90}, 1 << 20);
  EXPECT_NEAR(in_seconds(*estimate.run_time(0.5)), 90, 1e-3);
  EXPECT_EQ(estimate.run_time(0.99), estimate.run_time(0.5));
  EXPECT_NEAR(static_cast<double>(*estimate.memory(0.5)), 1 << 20, 1);
}

TEST(Estimate, newer_ends_count_more) {
  Estimate estimate;
  for (int i = 0; i < 20; ++i) estimate.add_run(seconds{10}, 0);
  for (int i = 0; i < 10; ++i) estimate.add_run(seconds{1000}, 0);
  EXPECT_GT(in_seconds(*estimate.run_time(0.5)), 500);
  EXPECT_FALSE(estimate.memory(0.5)) << "a peak of nothing is none";
}

TEST(Estimate, counts_failures_by_class) {
  Estimate estimate;
  for (int i = 0; i < 200; ++i) {
    estimate.add_end(i % 2 == 0 ? kGood : kBad);
    if (i % 4 == 0) estimate.add_end(kLost);
  }
  EXPECT_NEAR(estimate.failure_share(), 0.6, 0.06);
  EXPECT_NEAR(estimate.failure_share(OutcomeClass::exited), 0.4, 0.06);
  EXPECT_NEAR(estimate.failure_share(OutcomeClass::lost), 0.2, 0.06);
  EXPECT_EQ(estimate.failure_share(OutcomeClass::signalled), 0);
}

/// Of what is really lognormal, the share below each quantile is what was asked for, in the mean
/// over many moments: one estimate remembers some nine ends only.
TEST(Estimate, its_quantiles_hold_for_what_is_lognormal) {
  std::mt19937_64 bits(11);
  std::lognormal_distribution<double> draw(std::log(60.0), 0.7);
  Estimate estimate;
  const std::vector<double> shares{0.25, 0.5, 0.75, 0.9, 0.95};
  std::vector<int> below(shares.size(), 0);
  constexpr int kRounds = 20'000;
  for (int i = 0; i < 50; ++i) estimate.add_run(milliseconds(std::llround(draw(bits) * 1e3)), 1);
  for (int i = 0; i < kRounds; ++i) {
    const double next = draw(bits);
    for (std::size_t p = 0; p < shares.size(); ++p)
      below[p] += next <= in_seconds(*estimate.run_time(shares[p])) ? 1 : 0;
    estimate.add_run(milliseconds(std::llround(next * 1e3)), 1);
  }
  for (std::size_t p = 0; p < shares.size(); ++p)
    EXPECT_NEAR(below[p] / static_cast<double>(kRounds), shares[p], 0.05) << shares[p];
}

std::vector<Duration> any_runs() {
  std::vector<Duration> runs;
  const auto counts = *rc::gen::nonEmpty<std::vector<std::int64_t>>();
  for (const std::int64_t count : counts) runs.emplace_back(count);
  return runs;
}

RC_GTEST_PROP(Estimate, quantiles_never_fall_whatever_ended, ()) {
  Estimate estimate;
  for (const Duration run : any_runs()) estimate.add_run(run, run.count());
  Duration before{0};
  for (const double p : {0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.9999}) {
    const Duration at = *estimate.run_time(p);
    RC_ASSERT(at >= before);
    before = at;
  }
  RC_ASSERT(estimate.is_sound());
}

RC_GTEST_PROP(Estimate, is_the_same_to_the_bit_when_the_same_is_added, ()) {
  Estimate one;
  Estimate other;
  for (const Duration run : any_runs()) {
    one.add_run(run, 1);
    one.add_end(kGood);
    other.add_run(run, 1);
    other.add_end(kGood);
  }
  RC_ASSERT(one == other);
}

RC_GTEST_PROP(Estimate, shares_stay_between_none_and_all, ()) {
  Estimate estimate;
  for (const std::uint8_t kind : *rc::gen::arbitrary<std::vector<std::uint8_t>>()) {
    const auto outcome = static_cast<OutcomeClass>(1 + kind % (kOutcomeClassCount - 1));
    estimate.add_end({outcome, kind % 3, {}});
  }
  RC_ASSERT(estimate.failure_share() >= 0 && estimate.failure_share() <= 1);
}

TEST(Estimate, says_what_cannot_be_one) {
  Estimate estimate;
  estimate.add_run(seconds{1}, 1);
  EXPECT_TRUE(estimate.is_sound());
  estimate.seconds.variance = -1;
  EXPECT_FALSE(estimate.is_sound());
  estimate.seconds.variance = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(estimate.is_sound());
  estimate = {};
  estimate.ends = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(estimate.is_sound());
  estimate = {};
  estimate.memory_bytes.mean = 3;
  EXPECT_FALSE(estimate.is_sound()) << "a mean of nothing";
}

}  // namespace
}  // namespace reeve::schedule
