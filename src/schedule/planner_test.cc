// The planner as a whole: stories on small clusters, and properties over random worlds in which
// tasks of several users come, run as long as was expected of them or not, and end.
#include "schedule/planner.h"

#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/generator.h"
#include "schedule/pass.h"

namespace reeve::schedule {
namespace {

using std::chrono::seconds;
constexpr Time kStart{std::chrono::hours{1000}};

/// A planner and what it started.
class World {
 public:
  explicit World(SchedulingPolicy policy = {}) {
    policy.margin = 1;
    planner.configure(policy);
  }

  NodeId node(std::int64_t cpus, std::vector<Label> labels = {}) {
    return planner.add_node({.name = "n" + std::to_string(planner.nodes.size()),
                             .capacity = cpu(cpus),
                             .labels = std::move(labels)});
  }
  static Resources cpu(std::int64_t cpus) {
    return {.cpu_millicores = cpus * 1000, .countables = {}};
  }
  struct Kind {
    std::int64_t cpus = 1;
    std::int64_t length = -1;  ///< seconds, as is expected
    std::int32_t priority = 0;
    std::string user = "u";
    std::string queue = "q";
    std::string lock;
    std::uint32_t nodes = 1;
    bool preemptible = false;
  };
  ClassId add(const Kind& kind, std::uint32_t count = 1) {
    Demand demand{
        .variants = {cpu(kind.cpus)}, .nodes = kind.nodes, .rules = {}, .tags = {}, .assets = {}};
    std::vector<LockUse> uses;
    if (!kind.lock.empty()) uses.push_back({planner.locks.intern(kind.lock, 1), 1});
    const ClassId id = planner.waiting.intern(
        {.leaf = planner.shares.leaf(kind.queue, kind.user),
         .priority = kind.priority,
         .demand = planner.nodes.intern(demand),
         .locks = planner.locks.intern_set(uses),
         // What is thought to run differently long is no class.
         .length = kind.length < 0 ? Duration{-1} : Duration{seconds{kind.length}},
         .preemptible = kind.preemptible});
    planner.waiting.push(id, {{RunId{++runs_}, 0}, count}, now);
    return id;
  }
  /// Places what fits. The runs that started, in order.
  std::vector<std::uint32_t> pass() {
    std::vector<std::uint32_t> out;
    Pass pass(planner, now);
    while (const auto task = pass.next()) {
      if (pass.place() == nullptr) continue;
      const Token token{++tokens_};
      live[token] = {pass.accept(token), pass.owner(), now};
      out.push_back(task->run.value);
    }
    preempted = pass.preempted();
    return out;
  }
  void end(Token token) {
    const Live gone = live.at(token);
    live.erase(token);
    planner.locks.release(planner.waiting.key(gone.owner).locks);
    planner.end(gone.holder, now);
  }
  void wait(std::int64_t some) { now += seconds{some}; }

  struct Live {
    HolderId holder;
    ClassId owner;
    Time since;
  };
  Planner planner;
  Time now = kStart;
  std::map<Token, Live> live;
  std::vector<HolderId> preempted;

 private:
  std::uint32_t runs_ = 0;
  std::uint64_t tokens_ = 0;
};

using Runs = std::vector<std::uint32_t>;

/// A head start may lie before 1970, on a machine whose clock was never set.
TEST(Planner, what_is_important_starts_when_the_clock_stands_at_its_origin) {
  World w;
  w.now = Time{seconds{60}};
  w.node(4);
  w.add({.priority = 5});
  EXPECT_EQ(w.pass().size(), 1u);
}

TEST(Planner, a_short_task_starts_before_the_promise_and_a_long_one_does_not) {
  World w;
  w.node(4);
  w.add({.cpus = 3, .length = 100});
  EXPECT_EQ(w.pass(), Runs{1});
  const ClassId big = w.add({.cpus = 4, .length = 10});
  w.add({.cpus = 1, .length = 500});
  w.add({.cpus = 1, .length = 90});
  EXPECT_EQ(w.pass(), Runs{4}) << "ends before the promise";
  ASSERT_NE(w.planner.reservation_of(big), nullptr);
  EXPECT_EQ(w.planner.reservation_of(big)->at, kStart + seconds{100});
  w.wait(100);
  w.end(Token{1});
  w.end(Token{2});
  EXPECT_EQ(w.pass(), Runs{2});
}

TEST(Planner, what_fits_beside_the_promised_may_be_long) {
  World w;
  w.node(8);
  w.add({.cpus = 4, .length = 100});
  (void)w.pass();
  w.add({.cpus = 6, .length = 10});
  w.add({.cpus = 2, .length = 1000});
  w.add({.cpus = 2, .length = 1000});
  EXPECT_EQ(w.pass(), Runs{3}) << "two more would take what the promise needs";
}

TEST(Planner, another_node_is_not_kept) {
  World w;
  w.node(4);
  w.node(2);
  w.add({.cpus = 3, .length = 100});
  (void)w.pass();
  w.add({.cpus = 4, .length = 10});
  w.add({.cpus = 2, .length = 1000});
  EXPECT_EQ(w.pass(), Runs{3});
}

TEST(Planner, what_outlives_its_prediction_moves_the_promise) {
  World w;
  w.node(4);
  w.add({.cpus = 3, .length = 100});
  (void)w.pass();
  const ClassId big = w.add({.cpus = 4, .length = 10});
  (void)w.pass();
  w.wait(150);
  (void)w.pass();
  EXPECT_EQ(w.planner.reservation_of(big)->at, w.now + seconds{150}) << "as long again";
  World by_limit({.overrun = Overrun::request});
  by_limit.node(4);
  by_limit.add({.cpus = 3, .length = 100});
  (void)by_limit.pass();
  by_limit.planner.set_limit(by_limit.live.at(Token{1}).holder, kStart + seconds{400});
  const ClassId waits = by_limit.add({.cpus = 4, .length = 10});
  by_limit.wait(150);
  (void)by_limit.pass();
  EXPECT_EQ(by_limit.planner.reservation_of(waits)->at, kStart + seconds{400});
}

TEST(Planner, without_predictions_a_big_task_is_passed_over_a_hundred_times) {
  World w;
  w.node(2);
  w.add({.cpus = 1});
  (void)w.pass();
  w.add({.cpus = 2});
  w.add({.cpus = 1}, 1000);
  std::uint64_t oldest = 1;
  int starts = 0;
  while (w.planner.nodes.free(NodeId{0}, 0) < 2000 && starts < 1000) {
    starts += static_cast<int>(w.pass().size());
    w.wait(1);
    w.end(w.live.begin()->first);
    ++oldest;
  }
  EXPECT_EQ(starts, 100);
  EXPECT_EQ(w.pass(), Runs{2});
}

TEST(Planner, a_gang_is_promised_all_its_nodes) {
  World w;
  w.node(4);
  w.node(4);
  w.add({.cpus = 4, .length = 100});
  (void)w.pass();
  const ClassId gang = w.add({.cpus = 3, .length = 10, .nodes = 2});
  w.add({.cpus = 2, .length = 500}, 2);
  w.add({.cpus = 2, .length = 50});
  EXPECT_EQ(w.pass(), Runs{4}) << "both nodes are kept from the hundredth second on";
  EXPECT_EQ(w.planner.reservations().size(), 2U);
  w.wait(100);
  w.end(Token{1});
  w.end(Token{2});
  EXPECT_EQ(w.pass().front(), 2U);
  EXPECT_EQ(w.planner.reservation_of(gang), nullptr);
  const HolderId first = w.live.rbegin()->second.holder;
  EXPECT_NE(w.planner.holder(first).gang, kNoHolder);
  w.end(w.live.rbegin()->first);
  EXPECT_EQ(w.planner.nodes.free(NodeId{0}, 0), 4000);
  EXPECT_EQ(w.planner.nodes.free(NodeId{1}, 0), 4000);
}

TEST(Planner, a_gang_is_one_attempt_and_asks_for_all_its_nodes_within_a_cap) {
  World w({.queues = {{.name = "q", .running_max = 2, .cap = World::cpu(5)}}});
  for (int i = 0; i < 3; ++i) w.node(4);
  w.add({.cpus = 2, .length = 100, .nodes = 2});
  EXPECT_EQ(w.pass(), Runs{1});
  w.add({.cpus = 1, .length = 100, .nodes = 2});
  EXPECT_TRUE(w.pass().empty()) << "six of five";
  w.add({.cpus = 1, .length = 100});
  EXPECT_EQ(w.pass(), Runs{3});
  w.add({.cpus = 0, .length = 100});
  EXPECT_TRUE(w.pass().empty()) << "two are at work";
  w.end(Token{1});
  EXPECT_EQ(w.pass().size(), 1U);
}

/// The capacity shrank below what waits: that keeps nobody back, however often it is passed over.
TEST(Planner, what_could_never_run_is_in_nobodys_way) {
  World w({.queues = {{.name = "capped", .cap = World::cpu(3)}}});
  w.node(4);
  w.add({.cpus = 3, .length = 1'000'000});
  (void)w.pass();
  w.add({.cpus = 4, .length = 10});  // is promised the node
  w.add({.cpus = 9, .length = 10});
  w.add({.cpus = 4, .queue = "capped"});
  w.add({.cpus = 1}, 90);
  w.add({.cpus = 1, .length = 1}, 3000);
  std::size_t starts = 0;
  for (std::size_t before = 1; before != starts;) {
    before = starts;
    starts += w.pass().size();
    w.wait(1);
    if (w.live.size() > 1) w.end(w.live.rbegin()->first);
  }
  EXPECT_GE(starts, 1000U) << "but for the one that could, they would go on";
  w.end(Token{1});
  EXPECT_EQ(w.pass().front(), 2U);
}

TEST(Planner, only_classes_of_priority_apart_stop_what_may_be_stopped_and_the_cheapest) {
  World w({.preemption_gap = 100});
  w.node(4);
  w.add({.cpus = 2, .length = 1000, .preemptible = true});
  (void)w.pass();
  w.wait(50);
  w.add({.cpus = 1, .length = 1000, .preemptible = true});
  w.add({.cpus = 1, .length = 1000});
  (void)w.pass();
  w.add({.cpus = 1, .length = 10, .priority = 99});
  (void)w.pass();
  EXPECT_TRUE(w.preempted.empty()) << "not far enough apart";
  const ClassId urgent = w.add({.cpus = 1, .length = 10, .priority = 100});
  (void)w.pass();
  ASSERT_EQ(w.preempted.size(), 1U);
  EXPECT_EQ(w.planner.holder(w.preempted[0]).token, Token{2}) << "the younger";
  EXPECT_EQ(w.planner.reservation_of(urgent)->at, w.now + seconds{10});
  (void)w.pass();
  EXPECT_TRUE(w.preempted.empty()) << "it is on its way";
  w.end(Token{2});
  EXPECT_EQ(w.pass(), Runs{5});
}

TEST(Planner, a_node_is_kept_for_what_is_staged_there_and_not_longer) {
  World w;
  const NodeId node = w.node(4);
  const ClassId kind = w.add({.cpus = 1});
  const HolderId staged = w.planner.restore(
      {.token = Token{9}, .node = node, .owner = kind, .since = w.now, .staged = true}, w.now);
  EXPECT_TRUE(w.planner.nodes.is_kept(node));
  (void)w.planner.end(staged, w.now);
  EXPECT_FALSE(w.planner.nodes.is_kept(node));
}

TEST(Planner, who_holds_what_the_important_waits_for_is_as_important) {
  World w({.preemption_gap = 100});
  w.node(2);
  w.add({.cpus = 1, .lock = "disk", .preemptible = true});
  (void)w.pass();
  w.wait(1);
  w.add({.cpus = 1, .preemptible = true});
  (void)w.pass();
  w.wait(100);
  w.add({.cpus = 1, .priority = 200, .lock = "disk"});
  w.add({.cpus = 1, .priority = 100});
  (void)w.pass();
  ASSERT_EQ(w.preempted.size(), 1U);
  EXPECT_EQ(w.planner.holder(w.preempted[0]).token, Token{2});
  w.end(Token{2});
  (void)w.pass();
  w.add({.cpus = 1, .priority = 150});
  (void)w.pass();
  EXPECT_TRUE(w.preempted.empty()) << "the holder of the lock is of priority 200 for now";
}

TEST(Planner, who_has_had_less_than_its_share_stops_what_has_had_more) {
  World w({.reclaim_share = true});
  w.node(4);
  w.add({.user = "flood", .preemptible = true}, 2);
  w.add({.user = "flood"}, 2);
  w.add({.user = "flood", .preemptible = true}, 100);
  (void)w.pass();
  w.add({.user = "ada"}, 3);
  (void)w.pass();
  EXPECT_TRUE(w.preempted.empty()) << "nobody has had anything yet";
  w.wait(3600);
  for (int i = 0; i < 4; ++i) {
    (void)w.pass();
    for (const HolderId id : w.preempted) {
      EXPECT_EQ(w.planner.shares.user_of(w.planner.waiting.key(w.planner.holder(id).owner).leaf),
                "flood");
      EXPECT_TRUE(w.planner.waiting.key(w.planner.holder(id).owner).preemptible);
      w.end(w.planner.holder(id).token);
    }
  }
  std::map<std::string, int> running;
  for (const auto& [token, one] : w.live)
    ++running[w.planner.shares.user_of(w.planner.waiting.key(one.owner).leaf)];
  EXPECT_EQ(running["ada"], 2) << "as many as may be stopped, which is its share";
  EXPECT_EQ(running["flood"], 2);
}

TEST(Planner, a_share_is_not_taken_from_somebody_who_has_no_more_than_its_own) {
  World w({.reclaim_share = true});
  w.node(4);
  w.add({.user = "bob", .preemptible = true}, 2);
  w.add({.user = "eve"}, 2);
  (void)w.pass();
  w.wait(600);
  w.add({.user = "eve"}, 2);
  w.add({.user = "bob"}, 2);
  (void)w.pass();
  EXPECT_TRUE(w.preempted.empty());
}

TEST(Planner, a_user_with_a_thousand_kinds_gets_no_more_than_one_with_one) {
  World w;
  w.node(8);
  for (int kind = 0; kind < 1000; ++kind) w.add({.priority = kind % 7, .user = "flood"});
  w.add({.user = "ada"}, 100);
  (void)w.pass();
  int ada = 0;
  for (const auto& [token, one] : w.live)
    ada += w.planner.shares.user_of(w.planner.waiting.key(one.owner).leaf) == "ada" ? 1 : 0;
  EXPECT_EQ(ada, 4);
}

/// Tasks at random, over random nodes. Says what must hold after each pass.
class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed) : random_(seed), world_(policy()) {
    const std::uint64_t nodes = 1 + random_.below(5);
    for (std::uint64_t i = 0; i < nodes; ++i) world_.node(random_.between(1, 8));
  }
  std::string run(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (random_.below(3) > 0) add();
      step();
      if (const std::string wrong = check(); !wrong.empty()) return wrong;
    }
    // Nothing more comes: all that can ever run does.
    for (int i = 0; i < 20'000 && (!world_.live.empty() || left() > 0); ++i) {
      step();
      if (const std::string wrong = check(); !wrong.empty()) return wrong;
    }
    if (left() > 0) return "something waits for ever";
    return {};
  }
  std::string trace() const { return trace_; }

 private:
  SchedulingPolicy policy() {
    SchedulingPolicy policy;
    policy.reservations = static_cast<std::int32_t>(random_.below(4));
    policy.order.length = std::chrono::minutes{random_.below(3)};
    policy.queues = {{.name = "q0", .weight = 3, .cap = {}},
                     {.name = "q1", .weight = 0, .running_max = 3, .cap = {}}};
    if (random_.below(3) == 0) policy.preemption_gap = 2;
    policy.reclaim_share = random_.below(3) == 0;
    if (random_.below(2) == 0) policy.backfilling = Backfilling::conservative;
    return policy;
  }
  void add() {
    World::Kind kind;
    kind.cpus = random_.between(1, 9);
    kind.length = random_.below(3) == 0 ? -1 : random_.between(1, 50);
    kind.priority = static_cast<std::int32_t>(random_.below(4));
    kind.user = std::string(1, static_cast<char>('a' + random_.below(3)));
    kind.queue = "q" + std::to_string(random_.below(3));
    kind.lock = random_.below(4) == 0 ? "l" + std::to_string(random_.below(2)) : "";
    kind.nodes = random_.below(6) == 0 ? static_cast<std::uint32_t>(random_.between(2, 3)) : 1;
    kind.preemptible = random_.below(2) == 0;
    const ClassId id = world_.add(kind, static_cast<std::uint32_t>(random_.between(1, 3)));
    classes_.insert(id);
  }
  void step() {
    for (const std::uint32_t run : world_.pass()) trace_ += std::to_string(run) + " ";
    trace_ += "; ";
    for (const HolderId id : world_.preempted) stopping_.insert(world_.planner.holder(id).token);
    world_.wait(random_.between(0, 10));
    std::vector<Token> ends;
    for (const auto& [token, one] : world_.live) {
      if (stopping_.contains(token) || random_.below(4) == 0) ends.push_back(token);
    }
    for (const Token token : ends) world_.end(token);
  }
  std::uint64_t left() const {
    std::uint64_t waiting = 0;
    for (const ClassId id : classes_) {
      if (world_.planner.nodes.could_ever_fit(world_.planner.waiting.key(id).demand))
        waiting += world_.planner.waiting.waiting(id);
    }
    return waiting;
  }
  std::string check() {
    const Planner& planner = world_.planner;
    std::map<LockId, int> locks;
    std::map<std::uint32_t, std::int64_t> used;
    std::int32_t in_q1 = 0;
    for (const auto& [token, one] : world_.live) {
      const ClassKey& key = planner.waiting.key(one.owner);
      for (const LockUse& use : planner.locks.set(key.locks)) ++locks[use.lock];
      in_q1 += planner.shares.queue_of(key.leaf) == "q1" ? 1 : 0;  // a gang is one attempt
      for (HolderId id = one.holder; id != kNoHolder; id = planner.holder(id).gang) {
        if (planner.holder(id).staged) return "staged where nothing is known to be short";
        used[planner.holder(id).node.value] += planner.shape_of(planner.holder(id))[0].units;
      }
    }
    for (const auto& [lock, count] : locks) {
      if (count > 1) return "a lock has two holders";
    }
    for (std::uint32_t n = 0; n < planner.nodes.size(); ++n) {
      if (planner.nodes.free(NodeId{n}, 0) != planner.nodes.capacity(NodeId{n}, 0) - used[n])
        return "the free amount is not what is left";
      if (planner.nodes.free(NodeId{n}, 0) < 0) return "more was given than there is";
    }
    if (in_q1 > 3) return "the queue has more than its limit";
    return {};
  }

  Generator random_;
  World world_;
  std::set<ClassId> classes_;
  std::set<Token> stopping_;
  std::string trace_;
};

TEST(Planner, random_worlds_hold_what_was_promised) {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    RandomWorld world(seed);
    const std::string wrong = world.run(20);
    ASSERT_EQ(wrong, "") << "seed " << seed;
  }
}

TEST(Planner, the_same_calls_give_the_same_schedule) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    RandomWorld a(seed);
    RandomWorld b(seed);
    (void)a.run(20);
    (void)b.run(20);
    ASSERT_EQ(a.trace(), b.trace());
  }
}

/// On one node, of one user, and where nothing is promised: whoever could start and did not, is
/// behind all that did.
TEST(Planner, no_later_arrival_starts_in_place_of_one_that_could) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Generator random(seed);
    World w({.reservations = 0});
    w.node(random.between(2, 12));
    std::map<std::uint32_t, Waiting::Position> arrivals;
    for (std::uint32_t i = 1; i <= 12; ++i) {
      w.wait(random.between(0, 4000));
      const ClassId id = w.add({.cpus = random.between(1, 4),
                                .length = static_cast<std::int64_t>(i),
                                .priority = static_cast<std::int32_t>(random.below(3))});
      arrivals.emplace(i, w.planner.waiting.position(id));
    }
    const std::int64_t room_before = w.planner.nodes.free(NodeId{0}, 0);
    const Runs started = w.pass();
    std::int64_t room = room_before;
    for (std::size_t i = 0; i < started.size(); ++i) {
      const HolderId holder = w.live.at(Token{i + 1}).holder;
      for (const auto& [run, position] : arrivals) {
        const bool waits = std::ranges::find(started, run) == started.end();
        if (!waits || position > arrivals.at(started[i])) continue;
        const DemandId demand = w.planner.waiting.key(position.id).demand;
        ASSERT_GT(w.planner.nodes.shape(demand, 0)[0].units, room) << "seed " << seed;
      }
      room -= w.planner.shape_of(w.planner.holder(holder))[0].units;
    }
  }
}

}  // namespace
}  // namespace reeve::schedule
