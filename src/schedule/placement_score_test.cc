#include "schedule/placement_score.h"

#include <gtest/gtest.h>

#include "schedule/pass.h"

namespace reeve::schedule {
namespace {

TEST(PlacementScore, names_what_was_other_than_for_everybody) {
  EXPECT_EQ(describe(PlacementScore{}), "");
  EXPECT_EQ(describe(PlacementScore{.candidates = 1}), "") << "there was no choice";
  EXPECT_EQ(describe(PlacementScore{.priority = std::chrono::hours{2},
                                    .length = -std::chrono::minutes{3},
                                    .share_permille = 62}),
            "priority 2h00m, length -3m00s, share 6.2 %");
  EXPECT_EQ(describe(PlacementScore{
                .candidates = 3, .score = 900, .terms = {700, 0, 0, 0, 1000, 500, 300}}),
            "node 900 of 3 with room: fit 700, prefer 0, spread 0, locality 0, risk 1000, price "
            "500, speed 300");
}

TEST(PlacementScore, survives_being_written) {
  const PlacementScore score{.priority = -Duration{1},
                             .deadline = Duration{1LL << 60},
                             .share_permille = 1000,
                             .candidates = 4'000'000'000U,
                             .variant = 7,
                             .score = 1 << 30,
                             .terms = {1, 2, 3, 4, 5, 6, 1000}};
  std::string bytes;
  Writer out(bytes);
  encode(out, score);
  Reader in(bytes);
  PlacementScore back;
  EXPECT_TRUE(decode(in, back) && in.at_end());
  EXPECT_EQ(back, score);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    Reader cut(std::string_view(bytes).substr(0, length));
    EXPECT_FALSE(decode(cut, back)) << length;
  }
}

/// Two nodes with room, of which one is cheaper: the price decides, and it is said so.
TEST(PlacementScore, is_that_of_the_node_that_was_taken) {
  Planner planner;
  planner.configure({});
  const Resources whole{.cpu_millicores = 8000, .countables = {}};
  planner.add_node({.name = "dear", .capacity = whole, .price_micros_per_hour = 5'000'000});
  const NodeId cheap = planner.add_node({.name = "cheap", .capacity = whole});
  Demand demand{.variants = {{.cpu_millicores = 1000, .countables = {}}}};
  const ClassId id = planner.waiting.intern({.leaf = planner.shares.leaf("q", "u"),
                                             .priority = 3,
                                             .demand = planner.nodes.intern(demand),
                                             .locks = planner.locks.intern_set({})});
  const Time now{std::chrono::hours{1000}};
  planner.waiting.push(id, {{RunId{1}, 0}, 1}, now);
  Pass pass(planner, now);
  ASSERT_TRUE(pass.next());
  const Placement* const placement = pass.place();
  ASSERT_NE(placement, nullptr);
  const PlacementScore score = pass.score();
  EXPECT_EQ(placement->nodes.front().node, cheap);
  EXPECT_EQ(score.candidates, 2u);
  EXPECT_EQ(score.score, placement->nodes.front().score);
  EXPECT_EQ(score.terms[static_cast<std::size_t>(NodeTerm::price)], 1000);
  EXPECT_EQ(score.priority,
            head_start(planner.waiting.weights(), planner.waiting.key(id), now).priority);
  EXPECT_GT(score.priority, Duration{0});
  pass.accept(Token{1});
}

}  // namespace
}  // namespace reeve::schedule
