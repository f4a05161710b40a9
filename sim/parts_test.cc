// The parts that everything else in the simulation rests on: numbers, time, traces, workflows.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/agenda.h"
#include "sim/clock.h"
#include "sim/random.h"
#include "sim/shape.h"
#include "sim/trace.h"
#include "sim/workload.h"
#include "spec/parse.h"

namespace reeve::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SimRandomNumbers, are_the_same_on_every_machine) {
  Generator random{42};
  EXPECT_EQ(random.bits(), 1546998764402558742ULL);
  EXPECT_EQ(random.bits(), 6990951692964543102ULL);
}

TEST(SimRandomNumbers, of_two_concerns_do_not_meet) {
  std::set<std::uint64_t> seen;
  for (int concern = 0; concern < 8; ++concern) {
    Generator random{7, static_cast<Concern>(concern)};
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(random.bits()).second);
  }
}

TEST(SimRandomNumbers, stay_within_their_bounds) {
  Generator random{3};
  bool small = false;
  bool large = false;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_LT(random.below(3), 3U);
    const std::int64_t number = random.between(-2, 2);
    EXPECT_TRUE(number >= -2 && number <= 2);
    const Duration any = random.any_scale(milliseconds{1}, hours{1});
    EXPECT_TRUE(any >= milliseconds{1} && any <= hours{1});
    small = small || any < milliseconds{4};
    large = large || any > hours{1} / 4;
  }
  EXPECT_TRUE(small && large);
  EXPECT_FALSE(random.chance(0));
  EXPECT_TRUE(random.chance(1000));
}

TEST(SimAgenda, does_things_in_order_and_equals_in_the_order_given) {
  Agenda agenda;
  std::string done;
  agenda.after(seconds{2}, [&] { done += 'c'; });
  agenda.after(seconds{1}, [&] { done += 'a'; });
  agenda.after(seconds{1}, [&] {
    done += 'b';
    agenda.at(kWorldBegin, [&] { done += '!'; });  // the past is now
  });
  agenda.run_until(kWorldBegin + seconds{1});
  EXPECT_EQ(done, "ab!");
  EXPECT_EQ(agenda.now(), kWorldBegin + seconds{1});
  agenda.run_next();
  EXPECT_EQ(done, "ab!c");
  EXPECT_TRUE(agenda.empty());
}

TEST(SimClock, never_runs_backwards_in_one_life) {
  for (const ClockKeeping keeping : {ClockKeeping::steady, ClockKeeping::stalls}) {
    Agenda agenda;
    WallClock wall{agenda};
    EngineClock clock{wall, keeping};
    const Time before = clock.now();
    wall.jump(-hours{1});
    agenda.run_until(kWorldBegin + seconds{1});
    EXPECT_GE(clock.now(), before);
    EngineClock next{wall, keeping};
    EXPECT_LT(next.now(), before) << "but the next life begins where the wall clock is";
    EXPECT_EQ(next.world_time(next.now() + seconds{5}), agenda.now() + seconds{5});
  }
}

TEST(SimTrace, keeps_the_last_lines_and_digests_all) {
  Trace one;
  Trace two;
  for (std::uint64_t i = 0; i < 200; ++i) {
    one.add({kWorldBegin, Note::engine_step, i, 0, 0});
    two.add({kWorldBegin, Note::engine_step, i == 0 ? 1 : i, 0, 0});
  }
  EXPECT_NE(one.digest(), two.digest());
  EXPECT_EQ(one.tail(2), two.tail(2));
  EXPECT_NE(one.tail(2).find("199 commits"), std::string::npos);
}

TEST(SimTrace, has_words_for_every_note) {
  for (int note = 0; note <= static_cast<int>(Note::state_digest); ++note) {
    const std::string line = format_record({kWorldBegin, static_cast<Note>(note), 1, 1, 1});
    EXPECT_EQ(line.find('?'), std::string::npos) << note;
  }
}

TEST(SimWorkload, gives_the_same_workflows_for_a_seed_and_all_are_valid) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Shape shape = draw_shape(seed);
    const auto workflows = make_workflows(seed, shape);
    const auto again = make_workflows(seed, shape);
    ASSERT_EQ(workflows.size(), again.size());
    for (std::size_t i = 0; i < workflows.size(); ++i) {
      EXPECT_EQ(workflows[i]->digest, again[i]->digest);
      EXPECT_EQ(workflows[i]->groups.size(), again[i]->groups.size());
    }
  }
}

TEST(SimWorkload, writes_yaml_that_people_could_have_written) {
  for (std::uint32_t i = 0; i < 200; ++i) {
    const std::string text = make_yaml(5, i, draw_shape(i));
    const spec::Parsed parsed = spec::parse_workflow(text, "x.yaml");
    ASSERT_NE(parsed.workflow, nullptr) << text << parsed.diagnostics.front().text();
  }
}

}  // namespace
}  // namespace reeve::sim
