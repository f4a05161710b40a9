#include "schedule/share_tree.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

constexpr Time kMoment{std::chrono::hours{1000}};
const Shape kCpu{{0, 1000}};
const Shape kMemory{{1, 1 << 30}};

ShareTree tree_of(const std::vector<QueueSetup>& queues,
                  std::vector<std::int64_t> totals = {100'000}) {
  ShareTree tree;
  tree.configure(queues, std::vector<Shape>(queues.size()), std::chrono::hours{1});
  tree.set_totals(std::move(totals));
  return tree;
}

std::vector<ShareTree::Active> waiting_at(const std::vector<LeafId>& leaves) {
  std::vector<ShareTree::Active> active;
  for (const LeafId leaf : leaves) active.push_back({leaf, kMoment});
  return active;
}

/// Serves `count` starts of `shape` to leaves that always have more; how many each got.
std::map<std::uint32_t, int> serve(ShareTree& tree, const std::vector<LeafId>& leaves, int count,
                                   const std::map<std::uint32_t, Shape>& shapes = {}) {
  std::map<std::uint32_t, int> got;
  tree.begin(kMoment, waiting_at(leaves));
  for (int i = 0; i < count; ++i) {
    const auto leaf = tree.next();
    if (!leaf) break;
    const auto shape = shapes.find(leaf->value);
    tree.start(*leaf, shape == shapes.end() ? kCpu : shape->second, kMoment);
    ++got[leaf->value];
    tree.again(kMoment);
  }
  return got;
}

TEST(ShareTree, shares_follow_weights_level_by_level) {
  ShareTree tree =
      tree_of({{.name = "a", .weight = 3, .cap = {}}, {.name = "a/x", .weight = 2, .cap = {}}});
  const LeafId ax = tree.leaf("a/x", "u");
  const LeafId ay = tree.leaf("a/y", "u");
  const LeafId b = tree.leaf("b", "u");
  auto got = serve(tree, {ax, ay, b}, 96);
  EXPECT_NEAR(got[ax.value], 48, 1);
  EXPECT_NEAR(got[ay.value], 24, 1);
  EXPECT_NEAR(got[b.value], 24, 1);
}

TEST(ShareTree, the_dominant_resource_counts) {
  // The example of the paper: 9 cpus and 18 GiB; one asks for <1, 4>, the other for <3, 1>.
  ShareTree tree = tree_of({}, {9000, 18});
  const LeafId a = tree.leaf("q", "a");
  const LeafId b = tree.leaf("q", "b");
  auto got =
      serve(tree, {a, b}, 5, {{a.value, {{0, 1000}, {1, 4}}}, {b.value, {{0, 3000}, {1, 1}}}});
  EXPECT_EQ(got[a.value], 3);
  EXPECT_EQ(got[b.value], 2);
}

TEST(ShareTree, past_use_counts_half_after_a_half_life) {
  ShareTree tree = tree_of({}, {1000});
  const LeafId a = tree.leaf("q", "a");
  tree.start(a, kCpu, kMoment);
  EXPECT_DOUBLE_EQ(tree.claim(a, kMoment), kNowWeight);
  EXPECT_NEAR(tree.claim(a, kMoment + std::chrono::hours{1}), kNowWeight + 0.5, 1e-9);
  tree.end(a, kCpu, kMoment + std::chrono::hours{1});
  EXPECT_NEAR(tree.claim(a, kMoment + std::chrono::hours{1}), 0.5, 1e-9);
  EXPECT_NEAR(tree.claim(a, kMoment + std::chrono::hours{2}), 0.25, 1e-9);
  EXPECT_NEAR(tree.claim(a, kMoment), tree.claim(a, kMoment + std::chrono::hours{1}), 1e-9)
      << "a clock that is set back";
}

TEST(ShareTree, without_weight_only_what_nobody_else_wants) {
  ShareTree tree = tree_of({{.name = "idle", .weight = 0, .cap = {}}});
  const LeafId idle = tree.leaf("idle", "u");
  const LeafId other = tree.leaf("other", "u");
  for (int i = 0; i < 50; ++i) tree.start(other, kCpu, kMoment);
  tree.begin(kMoment, waiting_at({idle, other}));
  EXPECT_EQ(tree.next(), other);
  tree.done();
  EXPECT_EQ(tree.next(), idle);
  tree.done();
  EXPECT_EQ(tree.next(), std::nullopt);
}

TEST(ShareTree, among_those_that_have_had_next_to_nothing_the_first_come_is_first) {
  ShareTree tree = tree_of({});
  const LeafId young = tree.leaf("q", "young");
  const LeafId old = tree.leaf("q", "old");
  tree.start(old, kCpu, kMoment - std::chrono::hours{9});
  tree.end(old, kCpu, kMoment - std::chrono::hours{8});
  EXPECT_GT(tree.claim(old, kMoment), tree.claim(young, kMoment));
  tree.begin(kMoment, {{young, kMoment}, {old, kMoment - std::chrono::minutes{1}}});
  EXPECT_EQ(tree.next(), old);
}

TEST(ShareTree, limits_hold_on_the_whole_path) {
  std::vector<QueueSetup> queues{{.name = "a", .running_max = 2, .cap = {}},
                                 {.name = "b", .cap = {}}};
  ShareTree tree;
  tree.configure(queues, {{}, {{0, 2500}}}, std::chrono::hours{1});
  tree.set_totals({100'000});
  const LeafId deep = tree.leaf("a/b/c", "u");
  EXPECT_EQ(tree.limit_reached(deep, kCpu, 1), nullptr);
  tree.start(deep, kCpu, kMoment);
  tree.start(tree.leaf("a", "v"), kCpu, kMoment);
  ASSERT_NE(tree.limit_reached(deep, kCpu, 1), nullptr);
  EXPECT_EQ(*tree.limit_reached(deep, kCpu, 1), "a");
  const LeafId capped = tree.leaf("b", "u");
  tree.start(capped, kCpu, kMoment);
  tree.start(capped, kCpu, kMoment);
  ASSERT_NE(tree.limit_reached(capped, kCpu, 1), nullptr);
  EXPECT_EQ(tree.limit_reached(capped, kMemory, 1), nullptr);
}

TEST(ShareTree, a_user_may_have_the_name_of_a_queue) {
  ShareTree tree = tree_of({});
  EXPECT_NE(tree.leaf("a/b", "u"), tree.leaf("a", "b"));
  EXPECT_EQ(tree.leaf("a", "b"), tree.leaf("a", "b"));
  EXPECT_EQ(tree.queue_of(tree.leaf("a/b", "u")), "a/b");
  EXPECT_EQ(tree.user_of(tree.leaf("a", "b")), "b");
}

/// However a round goes, each leaf is served as long as it says again(), and the shares of those
/// that have enough to do differ by no more than one task.
RC_GTEST_PROP(ShareTree, equal_leaves_are_served_evenly, ()) {
  ShareTree tree = tree_of({});
  std::vector<LeafId> leaves;
  std::map<std::uint32_t, int> wants;
  const int count = *rc::gen::inRange(1, 12);
  for (int i = 0; i < count; ++i) {
    leaves.push_back(tree.leaf("q", std::to_string(i)));
    wants[leaves.back().value] = *rc::gen::inRange(0, 9);
  }
  std::map<std::uint32_t, int> got;
  tree.begin(kMoment, waiting_at(leaves));
  while (const auto leaf = tree.next()) {
    if (got[leaf->value] == wants[leaf->value]) {
      tree.done();
      continue;
    }
    for (const LeafId other : leaves) {
      const bool wants_more = got[other.value] < wants[other.value];
      RC_ASSERT(!wants_more || got[leaf->value] <= got[other.value]);
    }
    tree.start(*leaf, kCpu, kMoment);
    ++got[leaf->value];
    tree.again(kMoment);
  }
  for (const LeafId leaf : leaves) RC_ASSERT(got[leaf.value] == wants[leaf.value]);
}

/// What was had counts on after a restart, as if nothing had run in between.
RC_GTEST_PROP(ShareTree, claims_outlive_the_engine, ()) {
  ShareTree tree = tree_of({{.name = "a", .cap = {}}, {.name = "a/b", .weight = 3, .cap = {}}});
  const std::vector<LeafId> leaves{tree.leaf("a", "ann"), tree.leaf("a/b", "ann"),
                                   tree.leaf("a/b", "bob"), tree.leaf("c", "eve")};
  std::map<std::uint32_t, int> running;
  Time now = kMoment;
  for (int i = 0; i < 50; ++i) {
    now += std::chrono::minutes{*rc::gen::inRange(0, 90)};
    const LeafId leaf = *rc::gen::elementOf(leaves);
    if (running[leaf.value] > 0 && *rc::gen::arbitrary<bool>()) {
      tree.end(leaf, kCpu, now);
      tree.note_use(leaf, 1000, now);
      --running[leaf.value];
    } else {
      tree.start(leaf, kCpu, now);
      ++running[leaf.value];
    }
  }
  std::map<std::string, UsageRecord> stored;  // as a store keeps what is said to have changed
  for (const UsageRecord& record : tree.touched())
    stored[record.queue + "|" + record.user] = record;
  std::vector<UsageRecord> records;
  for (const auto& [name, record] : stored) records.push_back(record);
  RC_ASSERT(tree.records().size() == records.size());

  now += std::chrono::minutes{*rc::gen::inRange(0, 90)};
  for (const LeafId leaf : leaves)  // those that run are stopped with the engine
    for (; running[leaf.value] > 0; --running[leaf.value]) tree.end(leaf, kCpu, now);
  ShareTree again = tree_of({{.name = "a", .cap = {}}, {.name = "a/b", .weight = 3, .cap = {}}});
  again.restore(records, now);
  const Time later = now + std::chrono::minutes{30};
  for (const LeafId leaf : leaves) {
    const LeafId same = again.leaf(tree.queue_of(leaf), tree.user_of(leaf));
    RC_ASSERT(std::abs(tree.claim(leaf, later) - again.claim(same, later)) < 1e-9);
  }
  RC_ASSERT(again.touched().size() == records.size());
  ShareTree much_later = tree_of({});
  much_later.restore(again.records(), now + std::chrono::days{31});
  RC_ASSERT(much_later.records().empty());
}

}  // namespace
}  // namespace reeve::schedule
