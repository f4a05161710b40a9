#include "schedule/nearest_fit.h"

#include <gtest/gtest.h>

namespace reeve::schedule {
namespace {

constexpr std::int64_t kGi = 1LL << 30;

Resources of(std::int64_t cpus, std::int64_t memory_gi, std::int64_t gpus = 0) {
  return {.cpu_millicores = cpus * 1000,
          .memory_bytes = memory_gi * kGi,
          .gpu_milli = gpus * 1000,
          .countables = {}};
}

class NearestFitTo : public testing::Test {
 protected:
  NearestFitTo() {
    nodes.add({.name = "small", .capacity = of(4, 16), .labels = {{"zone", "a"}}});
    nodes.add({.name = "large",
               .capacity = of(32, 64),
               .labels = {{"zone", "b"}},
               .price_micros_per_hour = 3'000'000});
    nodes.add({.name = "gpu", .capacity = of(16, 32, 2), .labels = {{"zone", "b"}}});
  }
  std::string said(const Demand& demand) {
    EXPECT_FALSE(nodes.could_ever_fit(nodes.intern(demand))) << "there would be nothing to say";
    return describe(nodes, nearest_fit(nodes, demand).value());
  }
  Nodes nodes;
};

Demand asks(std::vector<Resources> variants) {
  return {.variants = std::move(variants), .rules = {}, .tags = {}, .assets = {}};
}

TEST_F(NearestFitTo, what_is_too_large_is_what_lacks_least_of_it) {
  EXPECT_EQ(said(asks({of(40, 8)})),
            "the nearest fit is large with 32 cpu, 64 GiB memory: it lacks 8 cpu");
  EXPECT_EQ(
      said(asks({of(4, 100, 4)})),
      "the nearest fit is gpu with 16 cpu, 32 GiB memory, 2 gpu: it lacks 68 GiB memory, 2 gpu");
}

TEST_F(NearestFitTo, one_of_several_variants_names_the_one_that_comes_nearest) {
  EXPECT_EQ(said(asks({of(1, 1, 8), of(33, 1)})),
            "the nearest fit is large with 32 cpu, 64 GiB memory: it lacks 1 cpu");
}

TEST_F(NearestFitTo, what_has_rules_is_a_node_that_obeys_them) {
  Demand demand = asks({of(8, 1)});
  demand.rules.require = {{.key = "zone", .values = {"a"}}};
  EXPECT_EQ(said(demand), "the nearest fit is small with 4 cpu, 16 GiB memory: it lacks 4 cpu");
  demand.rules.require = {{.key = "zone", .values = {"c"}}};
  EXPECT_EQ(said(demand),
            "the nearest fit is large with 32 cpu, 64 GiB memory: zone in (c) does not hold");
  demand = asks({of(20, 1)});
  demand.rules.price_micros_per_hour_max = 1'000'000;
  EXPECT_EQ(said(demand),
            "the nearest fit is gpu with 16 cpu, 32 GiB memory, 2 gpu: it lacks 4 cpu");
}

TEST_F(NearestFitTo, a_gang_says_how_many_nodes_are_missing) {
  Demand demand = asks({of(10, 10)});
  demand.nodes = 5;
  EXPECT_EQ(said(demand),
            "the nearest fit is large with 32 cpu, 64 GiB memory: 3 more like it are wanted");
}

TEST(NearestFit, is_none_without_nodes) { EXPECT_FALSE(nearest_fit(Nodes{}, asks({of(1, 1)}))); }

}  // namespace
}  // namespace reeve::schedule
