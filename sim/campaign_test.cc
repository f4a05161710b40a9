// Many seeds, as CI runs them: REEVE_SIM_SEEDS of them (default 10,000) from a fresh first seed,
// which is printed. A failing seed prints the one command that shows it again.
#include "sim/campaign.h"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace reeve::sim {
namespace {

constexpr std::uint64_t kSeeds = 10'000;

std::uint64_t seeds_wanted() {
  const char* text = std::getenv("REEVE_SIM_SEEDS");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? kSeeds : std::stoull(text);
}

TEST(SimCampaign, fresh_seeds_hold) {
  CampaignOptions options;
  options.first_seed = std::random_device{}();
  options.seeds = seeds_wanted();
  options.jobs = 2;
  std::printf("first seed %llu\n", static_cast<unsigned long long>(options.first_seed));
  const CampaignReport report = run_campaign(options);
  EXPECT_TRUE(report.failed.empty());
  EXPECT_EQ(report.seeds, options.seeds);
  EXPECT_GE(report.faults_min, 20U);
  EXPECT_GT(report.hedges, report.seeds / 10) << "second attempts are hardly tried";
}

TEST(SimCampaign, a_seed_gives_the_same_history_every_time) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Report one = World({.seed = seed}).run();
    const Report two = World({.seed = seed}).run();
    EXPECT_EQ(one.digest, two.digest);
    EXPECT_EQ(one.faults.total(), two.faults.total());
    EXPECT_EQ(one.commits, two.commits);
  }
}

TEST(SimCampaign, says_how_to_see_a_failure_again) {
  Report report;
  report.seed = 77;
  report.violation = Violation{"needs", "task 1.2: is started too early"};
  report.tail = "last lines\n";
  std::FILE* out = std::tmpfile();
  ASSERT_NE(out, nullptr);
  print_violation(out, report);
  std::rewind(out);
  char text[400] = {};
  const std::size_t bytes = std::fread(text, 1, sizeof text - 1, out);
  std::fclose(out);
  const std::string said(text, bytes);
  EXPECT_NE(said.find("seed 77: needs: task 1.2"), std::string::npos);
  EXPECT_NE(said.find("last lines"), std::string::npos);
  EXPECT_NE(said.find("./dev sim 1 --seed 77"), std::string::npos);
}

constexpr std::chrono::milliseconds kShort{100};

/// Uses the processor for so long.
void burn(std::chrono::milliseconds time) {
  const std::clock_t end = std::clock() + time.count() * (CLOCKS_PER_SEC / 1000);
  while (std::clock() < end) continue;
}

TEST(SimCampaignDeathTest, a_world_that_stands_still_hangs) {
  const auto stand_still = [] {
    watch_world(stderr, kShort);
    World world({.seed = 7});
    world.start();
    world.agenda().after(Duration{0}, [] { burn(std::chrono::hours{1}); });
    world.finish();
  };
  EXPECT_EXIT(stand_still(), testing::ExitedWithCode(70), "seed 7: it hangs");
}

TEST(SimCampaignDeathTest, a_world_that_is_slow_does_not) {
  const auto be_slow = [] {
    watch_world(stderr, kShort);
    World world({.seed = 7});
    world.start();
    for (int i = 0; i < 20; ++i) world.agenda().after(Duration{i}, [] { burn(kShort / 4); });
    std::_Exit(world.finish().violation ? 1 : 0);
  };
  EXPECT_EXIT(be_slow(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace reeve::sim
