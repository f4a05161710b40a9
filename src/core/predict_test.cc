// What the core learns of a kind of tasks, and from what it does not.
#include "core/predict.h"

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kWork = R"(
name: w
tasks:
  a: {command: [work, "--seed", "17"], retry: {max: 5, backoff: {initial: 1s}}}
)";

/// The estimate of the only key that there is.
const EstimateRecord* only(const World& world) {
  EXPECT_EQ(world.state().estimates.size(), 1U);
  return world.state().estimates.size() == 1 ? &world.state().estimates.at(EstimateId{1}) : nullptr;
}

TEST(Predict, learns_from_what_succeeded) {
  World world;
  world.run_time = seconds{40};
  for (int i = 0; i < 3; ++i) world.submit(kWork);
  world.succeed("a").succeed("2/a").started("3/a");
  const core::Run& run = *world.state().find_run(RunId{3});
  const schedule::Estimate* estimate = estimate_of(world.state(), run, GroupIndex{0});
  ASSERT_NE(estimate, nullptr);
  EXPECT_EQ(estimate->seconds.count, 2U);
  EXPECT_EQ(predicted_length(world.state(), run, GroupIndex{0}), seconds{40});
  EXPECT_EQ(only(world)->workflow, "w");
  EXPECT_EQ(only(world)->task, "a");
}

TEST(Predict, other_numbers_are_the_same_again_and_other_words_are_not) {
  World world(cpus(8));
  world.submit("{name: w, tasks: {a: {command: [work, '--seed', '17']}}}");
  world.submit("{name: w, tasks: {a: {command: [work, '--seed', '4711']}}}");
  world.submit("{name: w, tasks: {a: {command: [work, '--fast', '17']}}}");
  world.submit("{name: v, tasks: {a: {command: [work, '--seed', '17']}}}");
  world.submit("{name: w, tasks: {b: {command: [work, '--seed', '17']}}}");
  world.run_all();
  EXPECT_EQ(world.state().estimates.size(), 4U);
}

TEST(Predict, the_legs_of_a_fan_out_are_one_kind) {
  World world(cpus(8));
  world.submit("{name: w, tasks: {a: {command: [x], array: 5}}}");
  world.run_all();
  EXPECT_EQ(only(world)->estimate.seconds.count, 5U);
}

TEST(Predict, a_failure_counts_as_one_and_says_nothing_of_the_time) {
  World world;
  world.submit(kWork);
  world.fail("a");
  ASSERT_NE(only(world), nullptr);
  EXPECT_EQ(only(world)->estimate.seconds.count, 0U);
  EXPECT_EQ(only(world)->estimate.failure_share(OutcomeClass::exited), 1);
}

TEST(Predict, what_a_person_stopped_says_nothing) {
  World world;
  world.submit(kWork);
  world.started("a").cancel().ended("a", {.outcome = outcome(OutcomeClass::signalled)});
  world.expect_run(RunState::cancelled);
  EXPECT_EQ(world.state().estimates.size(), 0U);
}

TEST(Predict, files_that_are_missing_make_it_a_failure) {
  World world;
  world.submit("{tasks: {a: {command: [x], artifacts: [f.txt]}}}");
  world.succeed("a");
  EXPECT_EQ(only(world)->estimate.ends, 0) << "before the verdict";
  world.not_collected("a", "f.txt is not there");
  EXPECT_EQ(only(world)->estimate.failure_share(OutcomeClass::rejected), 1);
}

TEST(Predict, without_an_end_the_limit_is_what_is_known) {
  World world;
  world.submit("{tasks: {a: {command: [x], timeout: 10m}, b: {command: [y]}}}");
  const core::Run& run = *world.state().find_run(RunId{1});
  EXPECT_EQ(predicted_length(world.state(), run, GroupIndex{0}), minutes{10});
  EXPECT_EQ(predicted_length(world.state(), run, GroupIndex{1}), std::nullopt);
  world.run_all();
}

TEST(Predict, is_kept_over_a_restart_to_the_bit) {
  World world;
  for (int i = 0; i < 5; ++i) {
    world.run_time = seconds{3 + i};
    world.submit(kWork);
    world.run_all();
  }
  const std::vector<EstimateRecord> before = world.state().estimates.records();
  world.restart();
  EXPECT_EQ(world.state().estimates.records(), before);
}

}  // namespace
}  // namespace reeve::core::test
