#include "schedule/nodes.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/generator.h"

namespace reeve::schedule {
namespace {

struct Everybody final : Admission {
  bool admits(NodeId, const Shape&) const override { return true; }
};
struct Nobody final : Admission {
  bool admits(NodeId, const Shape&) const override { return false; }
};

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

NodeSetup node(const std::string& name, std::int64_t cpus, std::int64_t gib,
               std::vector<Label> labels = {}) {
  return {.name = name,
          .capacity = {.cpu_millicores = cpus * 1000, .memory_bytes = gib * kGiB, .countables = {}},
          .labels = std::move(labels)};
}

Resources asks(std::int64_t millicores, std::int64_t gib = 0) {
  return {.cpu_millicores = millicores, .memory_bytes = gib * kGiB, .countables = {}};
}

Demand demand(Resources resources, PlacementRules rules = {}, std::vector<std::string> tags = {}) {
  return {.variants = {std::move(resources)},
          .rules = std::move(rules),
          .tags = std::move(tags),
          .assets = {}};
}

std::string chosen(Nodes& nodes, DemandId id) {
  const auto choice = nodes.choose(id, Everybody{});
  return choice ? nodes.setup(choice->node).name : "";
}

TEST(Nodes, the_first_variant_that_fits_anywhere_is_taken) {
  Nodes nodes;
  NodeSetup with_gpu = node("g", 4, 8);
  with_gpu.capacity.gpu_milli = 1000;
  const NodeId g = nodes.add(with_gpu);
  nodes.add(node("c", 16, 8));
  Resources gpu;
  gpu.gpu_milli = 1000;
  const DemandId id =
      nodes.intern({.variants = {gpu, asks(16'000)}, .rules = {}, .tags = {}, .assets = {}});
  const auto first = nodes.choose(id, Everybody{});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->node, g);
  EXPECT_EQ(first->variant, 0);
  nodes.take(g, id, 0);
  const auto second = nodes.choose(id, Everybody{});
  ASSERT_TRUE(second);
  EXPECT_EQ(nodes.setup(second->node).name, "c");
  EXPECT_EQ(second->variant, 1);
  nodes.take(second->node, id, 1);
  EXPECT_FALSE(nodes.choose(id, Everybody{}));
  nodes.release(g, id, 0);
  EXPECT_EQ(chosen(nodes, id), "g");
}

TEST(Nodes, rules_and_price_say_which_may) {
  Nodes nodes;
  NodeSetup dear = node("dear", 4, 8, {{"zone", "b"}});
  dear.price_micros_per_hour = 2'000'000;
  nodes.add(node("a", 4, 8, {{"arch", "arm64"}, {"zone", "a"}}));
  nodes.add(dear);
  const auto with = [&](LabelRule rule) {
    return chosen(nodes, nodes.intern(demand(asks(1000), {.require = {std::move(rule)},
                                                          .prefer = {},
                                                          .affinity = {},
                                                          .anti_affinity = {},
                                                          .spread = {}})));
  };
  EXPECT_EQ(with({"zone", LabelRule::Kind::in, {"b", "c"}}), "dear");
  EXPECT_EQ(with({"zone", LabelRule::Kind::not_in, {"b"}}), "a");
  EXPECT_EQ(with({"arch", LabelRule::Kind::exists, {}}), "a");
  EXPECT_EQ(with({"arch", LabelRule::Kind::not_exists, {}}), "dear");
  EXPECT_EQ(with({"node", LabelRule::Kind::in, {"dear"}}), "dear");
  EXPECT_EQ(with({"pool", LabelRule::Kind::in, {"gpu"}}), "");
  PlacementRules cheap;
  cheap.price_micros_per_hour_max = 1'000'000;
  cheap.prefer = {{"zone", LabelRule::Kind::in, {"b"}}};
  EXPECT_EQ(chosen(nodes, nodes.intern(demand(asks(1000), cheap))), "a");
  cheap.price_micros_per_hour_max = -1;
  EXPECT_EQ(chosen(nodes, nodes.intern(demand(asks(1000), cheap))), "dear");
}

TEST(Nodes, who_belongs_together_and_who_does_not) {
  Nodes nodes;
  const NodeId a = nodes.add(node("a", 8, 8, {{"rack", "1"}}));
  const NodeId b = nodes.add(node("b", 8, 8, {{"rack", "1"}}));
  nodes.add(node("c", 8, 8, {{"rack", "2"}}));
  const DemandId database = nodes.intern(demand(asks(1000), {}, {"role=db"}));
  PlacementRules beside;
  beside.affinity = {"role=db"};
  const DemandId web = nodes.intern(demand(asks(1000), beside, {"role=web"}));
  PlacementRules apart;
  apart.anti_affinity = {"role=db"};
  const DemandId batch = nodes.intern(demand(asks(1000), apart));
  EXPECT_EQ(chosen(nodes, web), "") << "nobody to be beside";
  nodes.take(b, database, 0);
  EXPECT_EQ(chosen(nodes, web), "b");
  EXPECT_NE(chosen(nodes, batch), "b");
  nodes.take(a, database, 0);
  EXPECT_EQ(chosen(nodes, batch), "c");
  PlacementRules own;
  own.affinity = {"role=queue"};
  const DemandId first = nodes.intern(demand(asks(1000), own, {"role=queue"}));
  EXPECT_NE(chosen(nodes, first), "") << "the first of those that want to be together";
  PlacementRules even;
  even.spread = "rack";
  const DemandId spread = nodes.intern(demand(asks(1000), even, {"role=db"}));
  EXPECT_EQ(chosen(nodes, spread), "c");
}

TEST(Nodes, an_even_fit_is_preferred) {
  Nodes nodes;
  nodes.add(node("big", 64, 64));
  nodes.add(node("small", 4, 4));
  nodes.add(node("lean", 4, 64));
  EXPECT_EQ(chosen(nodes, nodes.intern(demand(asks(4000, 4)))), "small");
  EXPECT_EQ(chosen(nodes, nodes.intern(demand(asks(4000, 60)))), "lean");
  EXPECT_EQ(chosen(nodes, nodes.intern(demand(asks(40'000, 1)))), "big");
}

TEST(Nodes, what_is_lost_slow_or_far_from_its_files_is_avoided) {
  Nodes nodes;
  const NodeId a = nodes.add(node("a", 4, 4));
  const NodeId b = nodes.add(node("b", 4, 4));
  const DemandId plain = nodes.intern(demand(asks(1000)));
  EXPECT_EQ(chosen(nodes, plain), "a");
  for (int i = 0; i < 5; ++i) nodes.observe_end(a, true);
  EXPECT_EQ(chosen(nodes, plain), "b");
  for (int i = 0; i < 400; ++i) nodes.observe_end(a, false);
  EXPECT_EQ(chosen(nodes, plain), "a");
  for (int i = 0; i < 50; ++i)
    nodes.observe_run(a, std::chrono::seconds{20}, std::chrono::seconds{10});
  EXPECT_EQ(chosen(nodes, plain), "b");
  EXPECT_NEAR(std::chrono::duration<double>(nodes.length_on(a, std::chrono::seconds{10})).count(),
              20, 0.5);
  Demand with_image = demand(asks(100));
  with_image.assets = {"image:sha256:1"};
  const DemandId image = nodes.intern(with_image);
  nodes.take(a, image, 0);
  nodes.release(a, image, 0);
  nodes.set_weights({.fit = 0, .locality = 100});
  EXPECT_EQ(chosen(nodes, image), "a");
  EXPECT_EQ(chosen(nodes, plain), "b");
  (void)b;
}

TEST(Nodes, saturation_and_closing_take_places_away_not_what_runs) {
  Nodes nodes;
  const NodeId a = nodes.add(node("a", 4, 4));
  const DemandId id = nodes.intern(demand(asks(1000)));
  nodes.take(a, id, 0);
  nodes.set_load(a, 750);
  EXPECT_EQ(nodes.free(a, 0), 0);
  EXPECT_EQ(chosen(nodes, id), "");
  EXPECT_TRUE(nodes.could_ever_fit(id));
  nodes.set_load(a, 0);
  EXPECT_EQ(chosen(nodes, id), "a");
  nodes.set_open(a, false);
  EXPECT_EQ(chosen(nodes, id), "");
  EXPECT_TRUE(nodes.could_ever_fit(id));
  nodes.set_open(a, true);
  nodes.set_capacity(a, asks(500));
  EXPECT_EQ(nodes.free(a, 0), -500);
  EXPECT_FALSE(nodes.could_ever_fit(id));
  nodes.release(a, id, 0);
  EXPECT_EQ(nodes.used(a), Resources{});
}

TEST(Nodes, a_gang_gets_all_or_nothing) {
  Nodes nodes;
  for (const char* name : {"a", "b", "c"}) nodes.add(node(name, 4, 4));
  Demand gang = demand(asks(3000));
  gang.nodes = 3;
  const DemandId id = nodes.intern(gang);
  ASSERT_EQ(nodes.choose_gang(id, Everybody{}).size(), 3U);
  const DemandId single = nodes.intern(demand(asks(2000)));
  nodes.take(NodeId{1}, single, 0);
  EXPECT_TRUE(nodes.choose_gang(id, Everybody{}).empty());
  EXPECT_TRUE(nodes.could_ever_fit(id));
  gang.nodes = 4;
  EXPECT_FALSE(nodes.could_ever_fit(nodes.intern(gang)));
}

TEST(Nodes, that_are_kept_ask_the_admission) {
  Nodes nodes;
  const NodeId a = nodes.add(node("a", 4, 4));
  const DemandId id = nodes.intern(demand(asks(1000)));
  nodes.set_kept(a, true);
  EXPECT_FALSE(nodes.choose(id, Nobody{}));
  EXPECT_TRUE(nodes.may_have_room(id)) << "there is room, for others";
  EXPECT_TRUE(nodes.choose(id, Everybody{}));
  nodes.set_kept(a, false);
  EXPECT_TRUE(nodes.choose(id, Nobody{}));
}

/// Whatever happens between two questions, and whoever asked last: the answer is that of looking at
/// each node.
TEST(Nodes, who_has_room_is_known_as_if_all_were_looked_at) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Generator random(seed);
    Nodes nodes;
    std::vector<DemandId> demands;
    struct Taken {
      NodeId node;
      DemandId demand;
    };
    std::vector<Taken> taken;
    for (int kind = 0; kind < 4; ++kind) {
      Demand one = demand(asks(1000 * random.between(1, 6), random.between(0, 3)), {},
                          {"kind=" + std::to_string(kind)});
      if (kind == 1) one.rules.require = {{"zone", LabelRule::Kind::in, {"a"}}};
      if (kind == 2) one.rules.anti_affinity = {"kind=1"};
      if (kind == 3) one.rules.affinity = {"kind=0"};
      demands.push_back(nodes.intern(one));
    }
    for (int step = 0; step < 400; ++step) {
      const auto count = static_cast<std::uint32_t>(nodes.size());
      const NodeId at{count == 0 ? 0 : static_cast<std::uint32_t>(random.below(count))};
      const DemandId id = demands[random.below(demands.size())];
      const std::uint64_t action = random.below(12);
      if (count < 2 || (action == 0 && count < 130)) {
        nodes.add(node("n" + std::to_string(count), random.between(1, 8), random.between(1, 4),
                       {{"zone", random.below(2) == 0 ? "a" : "b"}}));
      } else if (action == 1) {
        nodes.set_open(at, random.below(3) > 0);
      } else if (action == 2) {
        nodes.set_capacity(at, asks(1000 * random.between(0, 8), random.between(0, 4)));
      } else if (action == 3) {
        nodes.describe(at, node("", 0, 0, {{"zone", random.below(2) == 0 ? "a" : "b"}}));
      } else if (action == 7) {
        nodes.set_load(at, static_cast<std::int32_t>(random.below(5)) * 250);
      } else if (action < 7 && !taken.empty()) {
        std::swap(taken[random.below(taken.size())], taken.back());
        nodes.release(taken.back().node, taken.back().demand, 0);
        taken.pop_back();
      } else if (const auto choice = nodes.choose(id, Everybody{})) {
        nodes.take(choice->node, id, 0);
        taken.push_back({choice->node, id});
      }
      const DemandId asked = demands[random.below(demands.size())];
      std::uint32_t expected = 0;
      for (std::uint32_t n = 0; n < nodes.size(); ++n)
        expected +=
            nodes.may_take(NodeId{n}, asked) && nodes.fits(NodeId{n}, nodes.shape(asked, 0));
      ASSERT_EQ(nodes.may_have_room(asked), expected > 0) << "seed " << seed << " step " << step;
      const auto choice = nodes.choose(asked, Everybody{});
      ASSERT_EQ(choice ? choice->candidates : 0, expected) << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace reeve::schedule
