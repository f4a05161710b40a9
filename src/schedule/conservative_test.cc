// Promises to each of the first that find no room: the same schedule as schedule/backfill.h has for
// one machine, no promise beyond what there is, and none that is moved by what stands behind it.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/generator.h"
#include "schedule/backfill.h"
#include "schedule/pass.h"
#include "schedule/planner.h"

namespace reeve::schedule {
namespace {

using std::chrono::seconds;
constexpr Time kBegin{std::chrono::hours{1000}};

SchedulingPolicy conservative_policy() {
  SchedulingPolicy policy;
  policy.margin = 1;
  policy.backfilling = Backfilling::conservative;
  return policy;
}

/// Tasks that take as long as is expected of them, on nodes, in the order in which they come.
class Site {
 public:
  explicit Site(const SchedulingPolicy& policy = conservative_policy()) {
    planner.configure(policy);
  }
  static Resources amount(std::int64_t cpus, std::int64_t gigabytes = 0) {
    return {.cpu_millicores = cpus * 1000, .memory_bytes = gigabytes << 30, .countables = {}};
  }
  void node(const Resources& capacity) {
    planner.add_node(
        {.name = "n" + std::to_string(planner.nodes.size()), .capacity = capacity, .labels = {}});
  }
  struct Kind {
    std::vector<Resources> variants;
    std::int64_t seconds = 10;  ///< negative: nobody knows
    std::uint32_t nodes = 1;
    std::string lock;
  };
  ClassId add(const Kind& kind, std::uint32_t count = 1) {
    std::vector<LockUse> uses;
    if (!kind.lock.empty()) uses.push_back({planner.locks.intern(kind.lock, 1), 1});
    const ClassId id = planner.waiting.intern(
        {.leaf = planner.shares.leaf("q", "u"),
         .demand = planner.nodes.intern({.variants = kind.variants,
                                         .nodes = kind.nodes,
                                         .rules = {},
                                         .tags = {},
                                         .assets = {}}),
         .locks = planner.locks.intern_set(uses),
         .length = kind.seconds < 0 ? Duration{-1} : Duration{seconds{kind.seconds}}});
    planner.waiting.push(id, {{RunId{++runs}, 0}, count}, now);
    return id;
  }
  /// Those that start, in order.
  std::vector<TaskId> pass(std::function<bool(TaskId)> is_stale = {}) {
    std::vector<TaskId> out;
    Pass pass(planner, now, std::move(is_stale));
    while (const auto task = pass.next()) {
      if (pass.place() == nullptr) continue;
      const HolderId holder = pass.accept(Token{++tokens});
      Time end = kNever;
      for (HolderId at = holder; at != kNoHolder; at = planner.holder(at).gang)
        end = std::min(end, planner.holder(at).end);
      live[*task] = {holder, end};
      out.push_back(*task);
    }
    preempted = pass.preempted();
    return out;
  }
  void end(TaskId task) {
    const HolderId holder = live.at(task).holder;
    live.erase(task);
    planner.locks.release(planner.waiting.key(planner.holder(holder).owner).locks);
    planner.end(holder, now);
  }
  /// Goes on to the next end, at most to `bound`; those due end.
  void advance(Time bound) {
    Time next = bound;
    for (const auto& [task, one] : live) next = std::min(next, one.end);
    now = next;
    std::vector<TaskId> due;
    for (const auto& [task, one] : live)
      if (one.end <= now) due.push_back(task);
    for (const TaskId task : due) end(task);
  }
  const Reservation* promise_of(TaskId task) const {
    const auto found = std::ranges::find(planner.reservations(), task, &Reservation::task);
    return found == planner.reservations().end() ? nullptr : &*found;
  }

  struct Live {
    HolderId holder;
    Time end;
  };
  Planner planner;
  Time now = kBegin;
  std::map<TaskId, Live> live;
  std::vector<HolderId> preempted;
  std::uint32_t runs = 0;
  std::uint64_t tokens = 0;
};

TaskId task_of(std::uint32_t run, std::uint32_t index = 0) { return {RunId{run}, index}; }
Time at_second(std::int64_t second) { return kBegin + seconds{second}; }

TEST(Conservative, each_waiting_task_has_a_promise_and_one_node_has_several) {
  Site site;
  site.node(Site::amount(4));
  site.add({.variants = {Site::amount(3)}, .seconds = 100});
  EXPECT_EQ(site.pass().size(), 1U);
  site.add({.variants = {Site::amount(4)}, .seconds = 10}, 2);
  site.add({.variants = {Site::amount(2)}, .seconds = 50});
  site.add({.variants = {Site::amount(1)}, .seconds = 101});
  site.add({.variants = {Site::amount(1)}, .seconds = 100});
  EXPECT_EQ(site.pass(), std::vector{task_of(5)}) << "run 4 would delay the second";
  ASSERT_EQ(site.planner.reservations().size(), 4U);
  EXPECT_EQ(site.promise_of(task_of(2, 0))->at, at_second(100));
  EXPECT_EQ(site.promise_of(task_of(2, 1))->at, at_second(110));
  EXPECT_EQ(site.promise_of(task_of(3))->at, at_second(120));
  EXPECT_EQ(site.promise_of(task_of(4))->at, at_second(120));
  EXPECT_EQ(site.planner.reservation_of(site.planner.reservations()[0].owner, task_of(2, 1))->at,
            at_second(110));
}

TEST(Conservative, what_easy_lets_delay_the_second_does_not_start) {
  for (const Backfilling backfilling : {Backfilling::easy, Backfilling::conservative}) {
    SchedulingPolicy policy = conservative_policy();
    policy.backfilling = backfilling;
    Site site(policy);
    site.node(Site::amount(6));
    site.add({.variants = {Site::amount(2)}, .seconds = 100});
    site.add({.variants = {Site::amount(2)}, .seconds = 50});
    (void)site.pass();
    site.add({.variants = {Site::amount(3)}, .seconds = 50});   // from 50 on
    site.add({.variants = {Site::amount(6)}, .seconds = 10});   // from 100 on
    site.add({.variants = {Site::amount(1)}, .seconds = 45});   // ends before both
    site.add({.variants = {Site::amount(1)}, .seconds = 200});  // would delay the second
    const bool is_easy = backfilling == Backfilling::easy;
    EXPECT_EQ(site.pass().size(), is_easy ? 2U : 1U);
  }
}

TEST(Conservative, a_gang_begins_at_once_on_all_its_nodes_and_a_variant_where_it_is_sooner) {
  Site site;
  site.node(Site::amount(4));
  site.node(Site::amount(4));
  site.add({.variants = {Site::amount(4)}, .seconds = 100});
  site.add({.variants = {Site::amount(3)}, .seconds = 40});
  (void)site.pass();
  site.add({.variants = {Site::amount(4)}, .seconds = 30});                   // 40 to 70
  site.add({.variants = {Site::amount(2)}, .seconds = 20, .nodes = 2});       // from 100 on
  site.add({.variants = {Site::amount(3), Site::amount(2)}, .seconds = 30});  // 70
  site.add({.variants = {Site::amount(3), Site::amount(2)}, .seconds = 35});  // 100: 2
  EXPECT_TRUE(site.pass().empty());
  EXPECT_EQ(site.promise_of(task_of(3))->at, at_second(40));
  EXPECT_EQ(site.promise_of(task_of(4))->at, at_second(100));
  EXPECT_EQ(std::ranges::count(site.planner.reservations(), task_of(4), &Reservation::task), 2);
  EXPECT_EQ(site.promise_of(task_of(5))->at, at_second(70));
  EXPECT_EQ(site.promise_of(task_of(5))->variant, 0);
  EXPECT_EQ(site.promise_of(task_of(6))->at, at_second(100));
  EXPECT_EQ(site.promise_of(task_of(6))->variant, 1);
}

TEST(Conservative, of_what_has_a_lock_and_of_what_was_cancelled_nothing_is_promised_room) {
  Site site;
  site.node(Site::amount(4));
  site.add({.variants = {Site::amount(4)}, .seconds = 100});
  (void)site.pass();
  site.add({.variants = {Site::amount(2)}, .seconds = 10, .lock = "disk"}, 3);
  site.add({.variants = {Site::amount(4)}, .seconds = 10}, 4);
  (void)site.pass([](TaskId task) { return task == task_of(3, 1); });
  EXPECT_NE(site.promise_of(task_of(2, 0)), nullptr);
  EXPECT_EQ(site.promise_of(task_of(2, 1)), nullptr) << "room is not all that it waits for";
  EXPECT_EQ(site.promise_of(task_of(3, 0))->at, at_second(110));
  EXPECT_EQ(site.promise_of(task_of(3, 1)), nullptr) << "it does not wait any more";
  EXPECT_EQ(site.promise_of(task_of(3, 2))->at, at_second(120));
}

TEST(Conservative, what_nobody_knows_the_length_of_passes_a_promise_a_hundred_times) {
  Site site;
  site.node(Site::amount(2));
  site.add({.variants = {Site::amount(1)}, .seconds = 1'000'000});
  (void)site.pass();
  site.add({.variants = {Site::amount(2)}, .seconds = 10});
  site.add({.variants = {Site::amount(1)}, .seconds = -1}, 1000);
  int starts = 0;
  for (int i = 0; i < 200; ++i) {
    for (const TaskId task : site.pass()) {
      ++starts;
      site.now += seconds{1};
      site.end(task);
    }
  }
  EXPECT_EQ(starts, 100);
  EXPECT_NE(site.promise_of(task_of(2)), nullptr);
  EXPECT_EQ(site.planner.reservation_of(site.planner.reservations()[0].owner)->at,
            at_second(1'000'000));
}

TEST(Conservative, nobody_is_stopped_for_room_that_was_promised_to_another) {
  SchedulingPolicy policy = conservative_policy();
  policy.preemption_gap = 100;
  Site site(policy);
  site.node(Site::amount(5));
  const LeafId leaf = site.planner.shares.leaf("q", "u");
  const auto kind = [&](std::int64_t cpus, std::int32_t priority, std::int64_t length) {
    const ClassId id = site.planner.waiting.intern(
        {.leaf = leaf,
         .priority = priority,
         .demand = site.planner.nodes.intern(
             {.variants = {Site::amount(cpus)}, .rules = {}, .tags = {}, .assets = {}}),
         .length = seconds{length},
         .preemptible = priority == 0});
    site.planner.waiting.push(id, {{RunId{++site.runs}, 0}, 1}, site.now);
  };
  kind(1, 0, 8);
  kind(3, 50, 9);
  kind(1, 0, 1000);
  (void)site.pass();
  kind(4, 300, 50);    // from 9 on: that is sooner than anything would have stopped
  kind(1, 200, 1000);  // what the first would leave is promised, what the third would is not
  (void)site.pass();
  EXPECT_EQ(site.promise_of(task_of(4))->at, at_second(9));
  ASSERT_EQ(site.preempted.size(), 1U);
  EXPECT_EQ(site.planner.holder(site.preempted[0]).token, Token{3}) << "the dearer";
  EXPECT_EQ(site.promise_of(task_of(5))->at, at_second(10));
}

/// Jobs of a log on one machine, to the planner and to the simulator's backfilling.
TEST(Conservative, starts_each_job_when_the_log_simulators_conservative_backfilling_does) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Generator random(seed);
    const std::int64_t capacity = random.between(2, 16);
    Site site;
    site.node(Site::amount(capacity));
    Backfill reference(capacity, {.guarantee = Guarantee::all}, kBegin);
    std::map<Time, std::vector<std::uint32_t>> ends;  // of the reference
    const auto jobs = static_cast<std::uint32_t>(3 + random.below(60));
    Time arrival = kBegin;
    std::uint32_t submitted = 0;
    while (submitted < jobs || !site.live.empty() || !ends.empty()) {
      const Time next_end = ends.empty() ? kNever : ends.begin()->first;
      site.advance(submitted < jobs ? std::min(arrival, next_end) : next_end);
      if (next_end == site.now) {
        for (const std::uint32_t id : ends.begin()->second) reference.end(id, site.now);
        ends.erase(ends.begin());
      }
      while (submitted < jobs && arrival <= site.now) {
        const std::int64_t amount = random.between(1, capacity);
        const std::int64_t length = random.between(1, 40);
        site.add({.variants = {Site::amount(amount)}, .seconds = length});
        reference.submit({++submitted, amount, site.now, seconds{length}, seconds{length}});
        arrival += seconds{random.below(3) == 0 ? 0 : random.between(0, 20)};
      }
      std::set<std::uint32_t> expected;
      for (const BackfillJob& job : reference.plan(site.now)) {
        expected.insert(job.id);
        ends[site.now + job.promised].push_back(job.id);
      }
      std::set<std::uint32_t> started;
      for (const TaskId task : site.pass()) started.insert(task.run.value);
      ASSERT_EQ(started, expected) << "seed " << seed << " at " << (site.now - kBegin).count();
    }
  }
}

/// On several nodes, with two dimensions, gangs, variants and arrays.
class RandomSite {
 public:
  explicit RandomSite(std::uint64_t seed) : random_(seed) {
    const std::uint64_t nodes = 1 + random_.below(4);
    for (std::uint64_t i = 0; i < nodes; ++i)
      site_.node(Site::amount(random_.between(1, 8), random_.between(1, 8)));
  }
  std::string run() {
    const auto adds = static_cast<int>(5 + random_.below(25));
    for (int i = 0; i < 1000 && (i < adds || !site_.planner.waiting.empty()); ++i) {
      if (i < adds && random_.below(4) > 0) add();
      const std::vector<TaskId> started = site_.pass();
      if (std::string wrong = check_room(); !wrong.empty()) return wrong;
      if (std::string wrong = check_promises(started); !wrong.empty()) return wrong;
      site_.advance(i < adds ? site_.now + seconds{random_.between(0, 15)} : kNever);
    }
    return site_.planner.waiting.empty() ? "" : "something waits for ever";
  }

 private:
  void add() {
    const std::size_t node = random_.below(site_.planner.nodes.size());
    const NodeId fits{static_cast<std::uint32_t>(node)};
    const auto part = [&](std::uint32_t dimension, std::int64_t unit) {
      return random_.between(1, site_.planner.nodes.capacity(fits, dimension) / unit);
    };
    Site::Kind kind{.variants = {Site::amount(part(0, 1000), part(1, std::int64_t{1} << 30))},
                    .seconds = random_.between(1, 40)};
    if (random_.below(4) == 0)
      kind.variants.insert(kind.variants.begin(),
                           Site::amount(random_.between(1, 8), random_.between(1, 8)));
    if (random_.below(4) == 0)
      kind = {.variants = {Site::amount(1, 1)},
              .seconds = kind.seconds,
              .nodes = static_cast<std::uint32_t>(
                  random_.between(1, static_cast<std::int64_t>(site_.planner.nodes.size())))};
    site_.add(kind, static_cast<std::uint32_t>(random_.between(1, 3)));
  }
  /// What runs and what is promised, at each moment at which some of it begins.
  std::string check_room() {
    struct Use {
      Time from, to;
      const Shape* shape;
    };
    for (std::uint32_t n = 0; n < site_.planner.nodes.size(); ++n) {
      std::vector<Use> uses;
      site_.planner.each_holder(NodeId{n}, [&](HolderId, const Holder& holder) {
        uses.push_back({holder.since, holder.end, &site_.planner.shape_of(holder)});
      });
      for (const Reservation& one : site_.planner.reservations()) {
        if (one.node.value != n) continue;
        const DemandId demand = site_.planner.waiting.key(one.owner).demand;
        uses.push_back({one.at, one.until, &site_.planner.nodes.shape(demand, one.variant)});
      }
      for (const Use& at : uses) {
        std::map<std::uint32_t, std::int64_t> sum;
        for (const Use& use : uses) {
          if (use.from > at.from || use.to <= at.from) continue;
          for (const Amount& amount : *use.shape) sum[amount.dimension] += amount.units;
        }
        for (const auto& [dimension, units] : sum)
          if (units > site_.planner.nodes.capacity(NodeId{n}, dimension))
            return "more is promised than there is";
      }
    }
    return {};
  }
  /// Whoever had a promise starts by then or keeps it, as long as nobody before it has started.
  std::string check_promises(const std::vector<TaskId>& started) {
    std::map<TaskId, Time> promises;
    for (const Reservation& one : site_.planner.reservations()) promises.emplace(one.task, one.at);
    std::string wrong;
    for (const auto& [task, at] : before_) {  // by run and index: the order of coming
      if (std::ranges::find(started, task) != started.end()) {
        if (site_.now > at) wrong = "started after its promise";
        break;
      }
      const auto now = promises.find(task);
      if (now == promises.end()) return "a promise is gone";
      if (now->second > at) return "a promise was moved by what is behind it";
    }
    before_ = std::move(promises);
    return wrong;
  }

  Generator random_;
  Site site_;
  std::map<TaskId, Time> before_;
};

TEST(Conservative, promises_hold_no_more_than_there_is_and_nothing_behind_them_moves_them) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    RandomSite site(seed);
    ASSERT_EQ(site.run(), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace reeve::schedule
