// Circuit breakers: a table of stories, and what holds whatever happens.
#include "schedule/breaker.h"

#include <deque>

#include <gtest/gtest.h>

#include "base/generator.h"

namespace reeve::schedule {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using State = Breakers::State;

constexpr BreakerSetup kHalf{
    .failures_permille = 500, .attempts_min = 4, .window = minutes{10}, .open_for = minutes{1}};
constexpr Time kStart{std::chrono::hours{1000}};

class Story : public testing::Test {
 protected:
  Breakers::Change end(bool failed, bool is_probe = false) {
    return breakers_.ended(1, failed, is_probe, now_);
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) end(true);
  }
  void probe(bool failed) {
    EXPECT_TRUE(breakers_.allows(1, now_));
    EXPECT_TRUE(breakers_.started(1, now_));
    EXPECT_FALSE(breakers_.allows(1, now_)) << "one probe only";
    end(failed, true);
  }
  State state() { return breakers_.state(1, now_); }

  Breakers breakers_{kHalf};
  Time now_ = kStart;
};

TEST_F(Story, opens_at_its_share_and_not_before_its_number) {
  fail(3);
  EXPECT_EQ(state(), State::closed);
  EXPECT_TRUE(end(true).opened);
  EXPECT_EQ(state(), State::open);
  EXPECT_FALSE(breakers_.allows(1, now_));
  EXPECT_TRUE(breakers_.allows(2, now_)) << "another kind";
  EXPECT_EQ(breakers_.reopens_at(1, now_), now_ + minutes{1});
}

TEST_F(Story, a_smaller_share_does_not_open) {
  for (int i = 0; i < 20; ++i) {
    end(false);
    end(false);
    end(true);
  }
  EXPECT_EQ(state(), State::closed);
}

TEST_F(Story, what_is_older_than_the_window_does_not_count) {
  fail(3);
  now_ += minutes{11};
  end(true);
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(breakers_.reopens_at(1, now_), kNever);
}

TEST_F(Story, a_probe_that_succeeds_closes) {
  fail(4);
  now_ += minutes{1};
  EXPECT_EQ(state(), State::half_open);
  probe(false);
  EXPECT_EQ(state(), State::closed);
  fail(3);
  EXPECT_EQ(state(), State::closed) << "failures of before are forgotten";
}

TEST_F(Story, a_probe_that_fails_opens_for_twice_as_long_up_to_a_bound) {
  fail(4);
  for (const int length : {1, 2, 4, 8, 16, 30, 30}) {
    EXPECT_EQ(breakers_.reopens_at(1, now_), now_ + minutes{length});
    now_ += minutes{length} - seconds{1};
    EXPECT_EQ(state(), State::open);
    now_ += seconds{1};
    probe(true);
    EXPECT_EQ(state(), State::open);
  }
}

TEST_F(Story, one_that_flaps_goes_on_backing_off) {
  fail(4);
  now_ += minutes{1};
  probe(false);
  for (int i = 0; i < 5; ++i) end(false);
  fail(6);
  EXPECT_EQ(breakers_.reopens_at(1, now_), now_ + minutes{2});
  now_ += minutes{2};
  probe(false);
  for (int i = 0; i < Breakers::kSteadySuccesses; ++i) end(false);
  now_ += minutes{20};
  fail(4);
  EXPECT_EQ(breakers_.reopens_at(1, now_), now_ + minutes{1}) << "it was steady in between";
}

TEST_F(Story, a_probe_that_is_cancelled_lets_another_through) {
  fail(4);
  now_ += minutes{1};
  EXPECT_TRUE(breakers_.started(1, now_));
  EXPECT_FALSE(breakers_.allows(1, now_));
  breakers_.forget_probe(1);
  probe(false);
  EXPECT_EQ(state(), State::closed);
}

TEST_F(Story, ends_of_what_ran_before_change_nothing) {
  fail(4);
  EXPECT_FALSE(end(false).closed);
  fail(5);
  EXPECT_EQ(breakers_.reopens_at(1, now_), now_ + minutes{1});
  now_ += minutes{1};
  EXPECT_FALSE(end(false).closed) << "it is no probe";
  EXPECT_EQ(state(), State::half_open);
}

TEST_F(Story, a_clock_that_goes_back_stands_still) {
  fail(4);
  now_ -= minutes{30};
  EXPECT_EQ(state(), State::open);
  EXPECT_FALSE(breakers_.started(1, now_));
  now_ += minutes{31};
  EXPECT_EQ(state(), State::half_open);
}

TEST_F(Story, idle_kinds_are_dropped) {
  end(false);
  breakers_.ended(2, true, false, now_);
  for (int i = 0; i < 4; ++i) breakers_.ended(3, true, false, now_);
  breakers_.drop_idle(now_);
  EXPECT_EQ(breakers_.size(), 3U);
  breakers_.drop_idle(now_ + minutes{11});
  EXPECT_EQ(breakers_.size(), 1U) << "the open one stays";
}

TEST(Breakers, without_a_share_there_are_none) {
  Breakers breakers{BreakerSetup{}};
  for (int i = 0; i < 100; ++i) breakers.ended(1, true, false, kStart);
  EXPECT_TRUE(breakers.allows(1, kStart));
  EXPECT_EQ(breakers.size(), 0U);
}

// Whatever happens: never more than one probe; never open without so many failures lately; open no
// longer than the bound; the same events give the same.
TEST(BreakersProperty, random_lives) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Generator random{seed};
    const BreakerSetup setup{
        .failures_permille = static_cast<std::int32_t>(random.between(1, 1000)),
        .attempts_min = static_cast<std::int32_t>(random.between(1, 20)),
        .window = random.any_scale(seconds{1}, minutes{60}),
        .open_for = random.any_scale(seconds{1}, minutes{60})};
    Breakers breakers{setup};
    Breakers twin{setup};
    Time now = kStart;
    std::deque<Time> failures;
    bool probing = false;
    for (int step = 0; step < 500; ++step) {
      now += random.any_scale(std::chrono::milliseconds{1}, minutes{5});
      const State before = breakers.state(9, now);
      if (breakers.allows(9, now)) {
        EXPECT_FALSE(probing && before == State::half_open);
        const bool is_probe = breakers.started(9, now);
        EXPECT_EQ(is_probe, before == State::half_open);
        EXPECT_EQ(twin.started(9, now), is_probe);
        probing = is_probe;
        const bool failed = random.chance(500);
        if (failed) failures.push_back(now);
        const auto change = breakers.ended(9, failed, is_probe, now);
        const auto same = twin.ended(9, failed, is_probe, now);
        EXPECT_EQ(change.opened, same.opened);
        EXPECT_EQ(change.closed, same.closed);
        probing = false;
        while (!failures.empty() && failures.front() + setup.window < now) failures.pop_front();
        if (change.opened && !is_probe) {
          EXPECT_GE(static_cast<std::int64_t>(failures.size()) * 1000,
                    static_cast<std::int64_t>(setup.attempts_min) * setup.failures_permille);
        }
        EXPECT_EQ(change.closed, is_probe && !failed);
      } else {
        EXPECT_NE(before, State::closed);
        EXPECT_LE(breakers.reopens_at(9, now) - now, Breakers::kOpenMax);
      }
    }
    EXPECT_EQ(breakers.state(9, now), twin.state(9, now));
  }
}

}  // namespace
}  // namespace reeve::schedule
