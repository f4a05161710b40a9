#include "schedule/ledger.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::milliseconds;

Resources cpu(std::int64_t millicores) { return {.cpu_millicores = millicores, .countables = {}}; }

TEST(Ledger, counts_what_is_used) {
  Ledger ledger({.cpu_millicores = 4000, .memory_bytes = 100, .countables = {{"gpu", 1}}});
  const Resources request{.cpu_millicores = 3000, .memory_bytes = 10, .countables = {{"gpu", 1}}};
  EXPECT_TRUE(ledger.fits(request));
  ledger.take(request);
  EXPECT_EQ(ledger.used(), request);
  EXPECT_FALSE(ledger.fits(request));
  EXPECT_TRUE(ledger.could_ever_fit(request));
  EXPECT_EQ(ledger.shortage(cpu(2000)), "cpu");
  EXPECT_EQ(ledger.shortage({.countables = {{"gpu", 1}}}), "gpu");
  EXPECT_EQ(ledger.shortage(cpu(1000)), "");
  EXPECT_FALSE(ledger.could_ever_fit(cpu(5000)));
  EXPECT_TRUE(ledger.release(request).empty());
  EXPECT_EQ(ledger.used(), Resources{});
  ledger.set_capacity(cpu(1000));
  EXPECT_FALSE(ledger.fits(cpu(1001)));
  EXPECT_EQ(ledger.capacity(), cpu(1000));
}

TEST(Ledger, stages_only_the_shape_that_runs_and_only_what_is_short) {
  Ledger ledger(cpu(1000));
  EXPECT_FALSE(ledger.may_stage(cpu(1000)));  // nothing is known
  ledger.take(cpu(1000));
  EXPECT_FALSE(ledger.may_stage(cpu(1000)));
  ledger.observe_run_time(milliseconds{1});
  EXPECT_TRUE(ledger.may_stage(cpu(1000)));
  EXPECT_FALSE(ledger.may_stage(cpu(500)));
  for (int i = 0; i < 40; ++i) ledger.observe_run_time(milliseconds{1000});
  EXPECT_FALSE(ledger.may_stage(cpu(1000)));
}

TEST(Ledger, the_depth_of_staging_hides_the_latency_of_a_round) {
  struct Case {
    std::int64_t places;
    Duration run_time;
    std::uint32_t depth;
  };
  for (const Case& c :
       {Case{1, milliseconds{100}, 1}, Case{1, milliseconds{101}, 0}, Case{1, milliseconds{2}, 4},
        Case{2, milliseconds{2}, 8}, Case{4, Duration{0}, kStagedMax}, Case{1, Duration{-5}, 61}}) {
    Ledger ledger(cpu(1000 * c.places));
    ledger.take(cpu(1000));
    ledger.observe_run_time(c.run_time);
    EXPECT_EQ(ledger.staging_depth(), c.depth) << c.run_time.count();
  }
  Ledger without_cpu({.memory_bytes = 10, .countables = {}});
  without_cpu.take({.memory_bytes = 1, .countables = {}});
  without_cpu.observe_run_time(milliseconds{2});
  EXPECT_EQ(without_cpu.staging_depth(), 4U);
}

TEST(Ledger, staged_ones_move_up_in_order_as_places_become_free) {
  Ledger ledger(cpu(2000));
  ledger.take(cpu(2000));
  ledger.stage(Token{1}, cpu(2000));
  ledger.stage(Token{2}, cpu(1000));
  ledger.stage(Token{3}, cpu(1000));
  EXPECT_EQ(ledger.staged(), 3U);
  EXPECT_FALSE(ledger.fits(Resources{}));  // they are first
  EXPECT_EQ(ledger.release(cpu(2000)), (std::vector<Token>{Token{1}}));
  EXPECT_EQ(ledger.release(cpu(2000)), (std::vector<Token>{Token{2}, Token{3}}));
  EXPECT_EQ(ledger.staged(), 0U);
}

TEST(Ledger, one_that_is_taken_out_lets_those_behind_it_up) {
  Ledger ledger(cpu(2000));
  ledger.take(cpu(1000));
  ledger.stage(Token{1}, cpu(2000));
  ledger.stage(Token{2}, cpu(1000));
  EXPECT_EQ(ledger.unstage(Token{1}), (std::vector<Token>{Token{2}}));
  EXPECT_EQ(ledger.used(), cpu(2000));
}

RC_GTEST_PROP(Ledger, used_is_the_sum_of_holders_and_within_capacity, ()) {
  const Resources capacity{.cpu_millicores = 6, .memory_bytes = 6, .countables = {}};
  Ledger ledger(capacity);
  std::map<Token, Resources> holders;
  std::map<Token, Resources> staged;
  std::uint64_t next = 1;
  const auto promote = [&](const std::vector<Token>& tokens) {
    for (const Token token : tokens) holders.insert(staged.extract(token));
  };
  for (int i = 0; i < 60; ++i) {
    const Resources request{.cpu_millicores = *rc::gen::inRange(0, 5),
                            .memory_bytes = *rc::gen::inRange(0, 5),
                            .countables = {}};
    const int action = *rc::gen::inRange(0, 4);
    if (action == 0 && ledger.fits(request)) {
      ledger.take(request);
      holders.emplace(Token{next++}, request);
    } else if (action == 1 && !ledger.fits(request)) {
      ledger.stage(Token{next}, request);
      staged.emplace(Token{next++}, request);
    } else if (action == 2 && !holders.empty()) {
      const Resources freed = holders.begin()->second;
      holders.erase(holders.begin());
      promote(ledger.release(freed));
    } else if (action == 3 && !staged.empty()) {
      const Token token = staged.rbegin()->first;
      staged.erase(token);
      promote(ledger.unstage(token));
    }
    Resources used;
    for (const auto& [token, held] : holders) used.add(held);
    RC_ASSERT(used == ledger.used());
    RC_ASSERT(capacity.covers(used));
    RC_ASSERT(staged.size() == ledger.staged());
  }
}

}  // namespace
}  // namespace reeve::schedule
