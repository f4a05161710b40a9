#include "schedule/gates.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
// A Thursday, 00:00 UTC.
constexpr Time kThursday{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

class Door {
 public:
  explicit Door(const SchedulingPolicy& policy) { gates.configure(policy, shares); }
  ClassKey key(const std::string& queue, const std::string& user) {
    return {.leaf = shares.leaf(queue, user)};
  }
  Shut shut(const ClassKey& key, Time now, Duration length = Duration{-1}) const {
    return gates.shut(key, length, now, shares);
  }
  void start(const ClassKey& key, Time now) {
    gates.on_start(key, now);
    gates.hold(key, shares);
  }
  ShareTree shares;
  Gates gates;
};

TEST(Gates, a_rate_limit_lets_a_burst_through_and_then_keeps_the_rate) {
  SchedulingPolicy policy;
  policy.rate_limits = {{.name = "web", .starts = 2, .per = seconds{1}, .burst = 3}};
  Door door(policy);
  ClassKey key = door.key("q", "u");
  key.rate = door.gates.rate("web");
  ASSERT_NE(key.rate, RateId{});
  EXPECT_EQ(door.gates.rate("other"), RateId{});
  Time now = kThursday;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(door.shut(key, now).gate, Gate::none);
    door.start(key, now);
  }
  const Shut shut = door.shut(key, now);
  EXPECT_EQ(shut.gate, Gate::rate);
  EXPECT_EQ(shut.until, now + std::chrono::milliseconds{500});
  EXPECT_EQ(door.gates.describe(shut, key, door.shares), "web");
  EXPECT_EQ(door.shut(key, shut.until).gate, Gate::none);
}

/// Over any time, no more starts than the rate and one burst.
RC_GTEST_PROP(Gates, a_rate_is_never_exceeded, ()) {
  const auto starts = *rc::gen::inRange(1, 20);
  const auto burst = *rc::gen::inRange(1, 10);
  SchedulingPolicy policy;
  policy.rate_limits = {{.name = "r", .starts = starts, .per = seconds{1}, .burst = burst}};
  Door door(policy);
  ClassKey key = door.key("q", "u");
  key.rate = door.gates.rate("r");
  std::vector<Time> started;
  Time now = kThursday;
  for (int i = 0; i < 200; ++i) {
    now += std::chrono::milliseconds{*rc::gen::inRange(0, 120)};
    if (door.shut(key, now).gate != Gate::none) continue;
    door.start(key, now);
    started.push_back(now);
  }
  for (std::size_t from = 0; from < started.size(); ++from) {
    for (std::size_t to = from; to < started.size(); ++to) {
      const double passed = std::chrono::duration<double>(started[to] - started[from]).count();
      RC_ASSERT(static_cast<double>(to - from + 1) <= burst + passed * starts + 1e-3);
    }
  }
}

TEST(Gates, quotas_count_for_each_user_in_the_queue_and_below) {
  SchedulingPolicy policy;
  policy.quotas = {{.queue = "lab", .running_max = 2, .queued_max = 7}};
  Door door(policy);
  const ClassKey ada = door.key("lab/x", "ada");
  const ClassKey bob = door.key("lab", "bob");
  door.start(ada, kThursday);
  EXPECT_EQ(door.shut(ada, kThursday).gate, Gate::none);
  door.start(ada, kThursday);
  const Shut shut = door.shut(ada, kThursday);
  EXPECT_EQ(shut.gate, Gate::running_quota);
  EXPECT_EQ(door.gates.describe(shut, ada, door.shares), "ada");
  EXPECT_EQ(door.shut(bob, kThursday).gate, Gate::none);
  EXPECT_EQ(door.shut(door.key("labs", "ada"), kThursday).gate, Gate::none);
  door.gates.on_end(ada, 1000, kThursday, door.shares);
  EXPECT_EQ(door.shut(ada, kThursday).gate, Gate::none);
  EXPECT_EQ(door.gates.queued_max("lab", "bob"), 7);
  EXPECT_EQ(door.gates.queued_max("other", "bob"), -1);
}

TEST(Gates, processor_time_of_a_day_comes_back_after_it) {
  SchedulingPolicy policy;
  policy.quotas = {{.user = "ada", .cpu_seconds_a_day = 7200}};
  Door door(policy);
  const ClassKey ada = door.key("q", "ada");
  door.start(ada, kThursday);
  door.gates.on_end(ada, 7200 * 1000, kThursday + hours{1}, door.shares);
  const Shut shut = door.shut(ada, kThursday + hours{2});
  EXPECT_EQ(shut.gate, Gate::cpu_quota);
  EXPECT_EQ(shut.until, kThursday + hours{25});
  EXPECT_EQ(door.shut(ada, shut.until).gate, Gate::none);
  EXPECT_FALSE(door.gates.is_refused("q", "ada", kThursday + hours{2})) << "it may wait";
  policy.quotas[0].refuse = true;
  Door strict(policy);
  const ClassKey strict_ada = strict.key("q", "ada");
  strict.start(strict_ada, kThursday);
  EXPECT_FALSE(strict.gates.is_refused("q", "ada", kThursday));
  strict.gates.on_end(strict_ada, 7200 * 1000, kThursday, strict.shares);
  EXPECT_TRUE(strict.gates.is_refused("q", "ada", kThursday));
}

TEST(Gates, a_window_is_no_place_for_what_does_not_end_in_it) {
  SchedulingPolicy policy;
  policy.windows = {{.queue = "night", .from = hours{22}, .to = hours{6}}};
  Door door(policy);
  const ClassKey key = door.key("night/x", "u");
  EXPECT_EQ(door.shut(key, kThursday + hours{21}).gate, Gate::window);
  EXPECT_EQ(door.shut(key, kThursday + hours{21}).until, kThursday + hours{22});
  EXPECT_EQ(door.shut(key, kThursday + hours{23}).gate, Gate::none);
  EXPECT_EQ(door.shut(key, kThursday + hours{23}, hours{7}).gate, Gate::none);
  EXPECT_EQ(door.shut(key, kThursday + hours{23}, hours{8}).until, kThursday + hours{46});
  EXPECT_EQ(door.shut(door.key("day", "u"), kThursday + hours{12}).gate, Gate::none);
}

TEST(Gates, what_is_longer_than_any_window_begins_in_one) {
  SchedulingPolicy policy;
  policy.windows = {{.queue = "short", .from = hours{9}, .to = hours{11}},
                    {.queue = "short", .days = 1 << 5, .from = hours{8}, .to = hours{20}}};
  Door door(policy);
  const ClassKey key = door.key("short", "u");
  const Time ten = kThursday + hours{10};
  EXPECT_EQ(door.shut(key, ten, hours{1}).gate, Gate::none);
  EXPECT_EQ(door.shut(key, ten, hours{2}).until, kThursday + hours{24 + 9});
  EXPECT_EQ(door.shut(key, ten, hours{3}).until, kThursday + hours{48 + 8}) << "on Saturday";
  EXPECT_EQ(door.shut(key, kThursday, hours{3}).until, kThursday + hours{48 + 8});
  EXPECT_EQ(door.shut(key, ten, hours{13}).gate, Gate::none) << "it would wait for ever";
  EXPECT_EQ(door.shut(key, kThursday, hours{13}).until, kThursday + hours{9});
}

TEST(Gates, a_rate_limit_that_is_taken_away_limits_nothing) {
  SchedulingPolicy policy;
  policy.rate_limits = {{.name = "web", .starts = 1, .per = hours{1}}};
  Door door(policy);
  ClassKey key = door.key("q", "u");
  key.rate = door.gates.rate("web");
  door.start(key, kThursday);
  EXPECT_EQ(door.shut(key, kThursday).gate, Gate::rate);
  policy.quotas = {{.running_max = 9}};
  policy.rate_limits.clear();
  door.gates.configure(policy, door.shares);
  EXPECT_EQ(door.shut(key, kThursday).gate, Gate::none);
  EXPECT_EQ(door.gates.rate("web"), RateId{});
  door.start(key, kThursday);
}

TEST(Calendar, windows_lie_in_their_own_time_and_maintenance_wins) {
  Calendar calendar;
  EXPECT_TRUE(calendar.is_open(kThursday));
  EXPECT_EQ(calendar.closes(kThursday), kNever);
  // Thursdays, 08:00 to 18:00 an hour east of Greenwich.
  calendar.add({.days = 1 << 3, .from = hours{8}, .to = hours{18}, .offset = hours{1}});
  EXPECT_FALSE(calendar.is_open(kThursday + minutes{6 * 60 + 59}));
  EXPECT_TRUE(calendar.is_open(kThursday + hours{7}));
  EXPECT_EQ(calendar.closes(kThursday + hours{7}), kThursday + hours{17});
  EXPECT_EQ(calendar.opens(kThursday + hours{17}), kThursday + hours{7 * 24 + 7});
  calendar.add({.from = hours{9}, .to = hours{10}, .closed = true});
  EXPECT_FALSE(calendar.is_open(kThursday + minutes{9 * 60 + 30}));
  EXPECT_EQ(calendar.closes(kThursday + hours{7}), kThursday + hours{9});
  EXPECT_EQ(calendar.opens(kThursday + hours{9}), kThursday + hours{10});
  Calendar never;
  never.add({.days = 0});
  EXPECT_FALSE(never.is_open(kThursday));
  EXPECT_EQ(never.opens(kThursday), kNever);
}

class Breaker {
 public:
  Breaker() {
    circuits.configure({.failures_permille = 500,
                        .attempts_min = 4,
                        .window = minutes{10},
                        .open_for = minutes{1}});
    id = circuits.intern("task:x");
  }
  bool attempt(bool failed) {
    circuits.on_start(id, now);
    return circuits.on_end(id, failed, now, now);
  }
  Circuits circuits;
  CircuitId id;
  Time now = kThursday;
};

TEST(Circuits, opens_at_the_rate_and_not_before_enough_attempts) {
  Breaker b;
  EXPECT_FALSE(b.attempt(true));
  EXPECT_FALSE(b.attempt(true));
  EXPECT_FALSE(b.attempt(true));
  EXPECT_TRUE(b.attempt(true));
  EXPECT_EQ(b.circuits.state(b.id, b.now), Circuits::State::open);
  EXPECT_EQ(b.circuits.opens_at(b.id, b.now), b.now + minutes{1});
  const CircuitId other = b.circuits.intern("task:y");
  EXPECT_EQ(b.circuits.opens_at(other, b.now), b.now) << "only what shares the fault";
  Breaker mixed;
  for (int i = 0; i < 60; ++i) EXPECT_FALSE(mixed.attempt(i % 3 == 2));
}

TEST(Circuits, old_failures_are_forgotten) {
  Breaker b;
  for (int i = 0; i < 3; ++i) b.attempt(true);
  b.now += minutes{11};
  EXPECT_FALSE(b.attempt(true));
  EXPECT_EQ(b.circuits.counts(b.id, b.now).all, 1U);
}

TEST(Circuits, one_is_kept_while_it_is_used_or_remembers_something) {
  Breaker b;
  const CircuitId quiet = b.circuits.intern("task:quiet");
  const CircuitId used = b.circuits.intern("task:used");
  for (int i = 0; i < 4; ++i) b.attempt(true);
  const auto keep = [&] {
    std::vector<bool> is_used(b.circuits.end());
    is_used[used.value] = true;
    b.circuits.keep(is_used, b.now);
  };
  keep();
  EXPECT_EQ(b.circuits.size(), 2U);
  EXPECT_EQ(b.circuits.key(quiet), "");
  EXPECT_EQ(b.circuits.state(b.id, b.now), Circuits::State::open);
  b.now += minutes{1};
  EXPECT_FALSE(b.attempt(false));
  keep();
  EXPECT_EQ(b.circuits.size(), 2U) << "that it was open a minute ago makes it open for longer";
  b.now += hours{1};
  keep();
  EXPECT_EQ(b.circuits.size(), 1U);
  EXPECT_EQ(b.circuits.intern("task:used"), used);
  EXPECT_EQ(b.circuits.state(b.circuits.intern("task:x"), b.now), Circuits::State::closed);
}

TEST(Circuits, what_began_before_it_opened_has_no_say_in_the_probe) {
  Breaker b;
  const Time before = b.now;
  for (int i = 0; i < 4; ++i) b.attempt(true);
  b.now += minutes{1};
  b.circuits.on_start(b.id, b.now);
  EXPECT_FALSE(b.circuits.on_end(b.id, false, before, b.now));
  EXPECT_FALSE(b.circuits.on_end(b.id, true, before, b.now));
  b.circuits.on_no_answer(b.id, before);
  EXPECT_EQ(b.circuits.state(b.id, b.now), Circuits::State::half_open);
  EXPECT_EQ(b.circuits.opens_at(b.id, b.now), kNever) << "the probe is out";
  EXPECT_FALSE(b.circuits.on_end(b.id, false, b.now, b.now));
  EXPECT_EQ(b.circuits.state(b.id, b.now), Circuits::State::closed);
}

TEST(Circuits, one_probe_decides_and_flapping_costs) {
  Breaker b;
  for (int i = 0; i < 4; ++i) b.attempt(true);
  EXPECT_FALSE(b.circuits.on_end(b.id, true, b.now, b.now)) << "one that began before";
  Duration open_for = minutes{1};
  for (int flap = 0; flap < 8; ++flap) {
    b.now += open_for;
    EXPECT_EQ(b.circuits.opens_at(b.id, b.now), b.now);
    b.circuits.on_start(b.id, b.now);
    EXPECT_EQ(b.circuits.opens_at(b.id, b.now), kNever) << "one probe at a time";
    EXPECT_TRUE(b.circuits.on_end(b.id, true, b.now, b.now));
    open_for = b.circuits.opens_at(b.id, b.now) - b.now;
    EXPECT_LE(open_for, kOpenMax);
    EXPECT_TRUE(flap != 1 || open_for == minutes{4});
  }
  EXPECT_GE(open_for, minutes{8}) << "a window of ten minutes passes between openings then";
  b.now += open_for;
  b.circuits.on_start(b.id, b.now);
  b.circuits.on_no_answer(b.id, b.now);
  EXPECT_EQ(b.circuits.opens_at(b.id, b.now), b.now) << "the probe was cancelled";
  EXPECT_FALSE(b.attempt(false));
  EXPECT_EQ(b.circuits.state(b.id, b.now), Circuits::State::closed);
  b.now += hours{12};
  for (int i = 0; i < 4; ++i) b.attempt(true);
  EXPECT_EQ(b.circuits.opens_at(b.id, b.now), b.now + minutes{1}) << "long ago: forgiven";
}

}  // namespace
}  // namespace reeve::schedule
