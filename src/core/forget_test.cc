// Names that strangers make up: a planner remembers those that something in memory uses.
#include "core/forget.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;

std::string with_names_of_its_own(int number) {
  return fmt::format(
      "name: w{0}\n"
      "concurrency: {{group: g{0}}}\n"
      "tasks:\n"
      "  t: {{run: x, locks: [l{0}], labels: {{n: '{0}', target: s{0}}},\n"
      "      resources: {{cpu: {1:.3f}}}}}\n"
      "  b: {{run: x, batch: {{max: 2}}}}\n",
      number, (1 + number) / 1000.0);
}

TEST(CoreForget, a_hundred_runs_with_names_of_their_own_leave_none_behind) {
  World w(cpus(4));
  SchedulingPolicy policy;
  policy.breaker.failures_permille = 500;
  w.policy(policy);
  w.submit("tasks: {hold: {run: x, locks: [kept]}, wait: {run: x, locks: [kept]}}");
  w.expect_started({"hold"});
  const auto kinds = [&] { return w.state().batch_kinds.size(); };
  std::size_t names = 0;
  std::uint32_t numbers = 0;
  for (int i = 0; i < 100; ++i) {
    const RunId run = w.submit(with_names_of_its_own(i));
    const std::string locked = fmt::format("{}/t", run.value);
    const std::string batched = fmt::format("{}/b", run.value);
    w.expect_started({locked, batched});
    w.succeed(locked).succeed(batched).expect_run(RunState::succeeded, run);
    w.wait(std::chrono::minutes{2});
    names = std::max(names, w.state().planner.names());
    numbers = std::max(numbers, w.state().planner.waiting.classes_end());
  }
  EXPECT_LT(names, 300U) << "twelve of each run; breakers remember for ten minutes";
  EXPECT_LT(numbers, 60U);
  EXPECT_LT(kinds(), 60U);
  w.expect("wait", TaskState::queued);
  w.succeed("hold").expect_started({"wait"}).succeed("wait").expect_run(RunState::succeeded);
}

TEST(CoreForget, origins_of_no_run_are_dropped) {
  State state({});
  const auto kept = state.intern_origin("/kept", "ada");
  for (int i = 0; i < 1000; ++i) {
    state.intern_origin(fmt::format("/home/{}", i), "ada");
    forget_unused_names(state, kUnset);
    ASSERT_LE(state.origins.size(), 100U);
  }
  EXPECT_EQ(state.intern_origin("/kept", "ada"), kept);
}

}  // namespace
}  // namespace reeve::core
