// `parallel: auto`: which needs it finds, that they are enough and no more than that, and warnings.
#include "spec/touches.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/generator.h"

namespace reeve::spec {
namespace {

Parsed parse_steps(std::string_view tasks) {
  return parse_workflow("parallel: auto\ntasks:\n" + std::string(tasks), "f.yaml");
}

std::string needs_of(const Parsed& parsed, std::string_view id) {
  std::string out;
  if (!parsed.workflow) return "invalid: " + parsed.diagnostics.front().text();
  for (const Need& need : parsed.workflow->groups[parsed.workflow->find(id)->value].needs)
    out += (out.empty() ? "" : " ") + parsed.workflow->groups[need.group.value].id;
  return out;
}

std::string said_of_steps(std::string_view source) {
  std::string all;
  for (const Diagnostic& diagnostic : parse_workflow(source, "f.yaml").diagnostics)
    all += diagnostic.text() + "\n";
  return all;
}

TEST(ParallelAuto, waits_only_for_what_it_meets) {
  const Parsed parsed = parse_steps(R"(
  fetch: {run: x, writes: data/x.csv}
  draw: {run: x, writes: plots/}
  other: {run: x, reads: data/x.csv, writes: [tmp/a]}
  report: {run: x, reads: ["data/*.csv", "plots/*.png"], writes: report.html}
)");
  EXPECT_EQ(needs_of(parsed, "fetch"), "");
  EXPECT_EQ(needs_of(parsed, "draw"), "");
  EXPECT_EQ(needs_of(parsed, "other"), "fetch");
  EXPECT_EQ(needs_of(parsed, "report"), "draw fetch");
  ASSERT_TRUE(parsed.parallelism);
  EXPECT_EQ(parsed.parallelism->steps, 4U);
  EXPECT_EQ(parsed.parallelism->at_once_max, 2U);
  ASSERT_EQ(parsed.parallelism->needs.size(), 3U);
  EXPECT_EQ(parsed.parallelism->needs[0].why, "both touch data/x.csv");
  EXPECT_TRUE(parsed.diagnostics.empty());
}

TEST(ParallelAuto, who_declares_nothing_runs_alone) {
  const Parsed parsed = parse_steps(R"(
  a: {run: x, reads: a}
  b: {run: x, reads: b}
  c: {run: x}
  d: {run: x, reads: []}
  e: {run: x, writes: d}
  f: {approval: {}}
)");
  EXPECT_EQ(needs_of(parsed, "b"), "");
  EXPECT_EQ(needs_of(parsed, "c"), "a b");
  EXPECT_EQ(needs_of(parsed, "d"), "c");
  EXPECT_EQ(needs_of(parsed, "e"), "c");
  EXPECT_EQ(needs_of(parsed, "f"), "d e");
}

TEST(ParallelAuto, leaves_out_what_follows) {
  const Parsed parsed = parse_steps(R"(
  a: {run: x, writes: s}
  b: {run: x, reads: s, writes: [s, t]}
  c: {run: x, reads: [s, t]}
  d: {run: x, reads: [s], writes: [t]}
)");
  EXPECT_EQ(needs_of(parsed, "b"), "a");
  EXPECT_EQ(needs_of(parsed, "c"), "b");
  EXPECT_EQ(needs_of(parsed, "d"), "c");
}

// b may run although a failed, so that c does not follow from b.
TEST(ParallelAuto, keeps_what_a_condition_would_hide) {
  const Parsed parsed = parse_steps(R"(
  a: {run: x, writes: [s, t]}
  b: {run: x, if: always(), reads: s, writes: u}
  c: {run: x, reads: [t, u]}
)");
  EXPECT_EQ(needs_of(parsed, "c"), "b a");
}

TEST(ParallelAuto, keeps_to_the_needs_of_the_file) {
  const Parsed parsed = parse_steps(R"(
  late: {run: x, needs: early, reads: s}
  early: {run: x, writes: s}
  third: {run: x, needs: {late: always}, reads: s}
finally:
  tidy: {run: x}
)");
  EXPECT_EQ(needs_of(parsed, "late"), "early");
  EXPECT_EQ(needs_of(parsed, "early"), "");
  EXPECT_EQ(needs_of(parsed, "third"), "late early");
  EXPECT_EQ(needs_of(parsed, "tidy"), "");
}

TEST(ParallelAuto, work_directories_count) {
  const Parsed parsed = parse_steps(R"(
  a: {run: x, workdir: one, writes: s}
  b: {run: x, workdir: two, writes: s}
  c: {run: x, reads: two/s}
  d: {run: x, workdir: /tmp, reads: s}
  e: {run: x, workdir: "${{ run.directory }}", reads: s}
)");
  EXPECT_EQ(needs_of(parsed, "b"), "");
  EXPECT_EQ(needs_of(parsed, "c"), "b");
  EXPECT_EQ(needs_of(parsed, "d"), "b a") << "nobody knows whether the run is in /tmp/s";
  EXPECT_EQ(needs_of(parsed, "e"), "c d");
}

TEST(ParallelAuto, warns_of_overwriting) {
  constexpr std::string_view kBothTouch =
      "parallel: auto\ntasks:\n  a: {run: x, writes: s}\n  b: {run: x, writes: '*'}\n";
  EXPECT_NE(said_of_steps(kBothTouch)
                .find("f.yaml:4:3: warning: 'b' writes over what 'a' wrote (both touch s)"),
            std::string::npos)
      << said_of_steps(kBothTouch);
  EXPECT_EQ(
      said_of_steps("parallel: auto\ntasks:\n  a: {run: x, writes: s}\n"
                    "  b: {run: x, needs: a, writes: s}\n  c: {run: x, reads: s, writes: s}\n"),
      "");
}

TEST(Touches, warn_without_parallel) {
  constexpr std::string_view kMeet =
      "tasks:\n  a: {run: x, writes: s}\n  b: {run: x, reads: s}\n  c: {run: x, needs: b}\n";
  EXPECT_NE(said_of_steps(kMeet).find(
                "3:3: warning: 'b' and 'a' may run at the same time, and both touch s"),
            std::string::npos)
      << said_of_steps(kMeet);
  EXPECT_EQ(said_of_steps("tasks:\n  a: {run: x, writes: s}\n  z: {run: x, needs: a}\n"
                          "  b: {run: x, needs: z, writes: s}\n"),
            "");
}

TEST(Touches, what_is_no_pattern) {
  EXPECT_NE(said_of_steps("tasks: {a: {run: x, reads: '../x'}}")
                .find("1:28: error: a pattern cannot hold"),
            std::string::npos);
  EXPECT_NE(said_of_steps("tasks: {a: {run: x, reads: '${{ x }}'}}")
                .find("an expression is not possible"),
            std::string::npos);
  EXPECT_NE(said_of_steps("parallel: all\ntasks: {a: {run: x}}").find("expected auto"),
            std::string::npos);
  EXPECT_NE(said_of_steps("parallel: auto\ntasks: {a: {run: x, writes: s}, b: {run: '${{ "
                          "needs.a.outputs.x }}', reads: s}}")
                .find("error"),
            std::string::npos)
      << "an expression may name only what the file itself needs";
}

// As the definition says, without an index, bounds or leaving out.
bool meet(const Touches& a, const Touches& b) {
  if (!a.is_known || !b.is_known) return true;
  const auto any = [](const std::vector<Touch>& some, const std::vector<Touch>& others) {
    return std::ranges::any_of(some, [&](const Touch& one) {
      return std::ranges::any_of(
          others, [&](const Touch& other) { return Glob::intersect(one.glob, other.glob); });
    });
  };
  return any(a.writes, b.writes) || any(a.writes, b.reads) || any(a.reads, b.writes);
}

TEST(ParallelAutoProperty, all_that_meet_are_in_order_and_nothing_else) {
  Generator random{3};
  constexpr std::string_view kPatterns[] = {"a",    "b",     "d/a",  "d/b",  "d/*",  "*",
                                            "d/**", "e/f/g", "e/**", "**/g", "/x/a", "/x/*"};
  for (int round = 0; round < 300; ++round) {
    const auto count = static_cast<std::size_t>(random.between(2, 25));
    std::vector<Touches> touches(count);
    std::string source = "parallel: auto\ntasks:\n";
    for (std::size_t i = 0; i < count; ++i) {
      source += "  t" + std::to_string(i) + ": {run: x";
      touches[i].is_known = !random.chance(50);
      for (auto* const list : {&touches[i].reads, &touches[i].writes}) {
        if (!touches[i].is_known) break;
        source += list == &touches[i].reads ? ", reads: [" : ", writes: [";
        const auto size = random.between(0, 2);
        for (std::int64_t k = 0; k < size; ++k) {
          const std::string text(kPatterns[random.below(std::size(kPatterns))]);
          list->push_back({*Glob::parse(text), text});
          source += (k == 0 ? "'" : ", '") + text + "'";
        }
        source += "]";
      }
      source += "}\n";
    }
    const Parsed parsed = parse_workflow(source, "f.yaml");
    ASSERT_TRUE(parsed.workflow) << source;
    std::vector<std::set<std::size_t>> found(count);
    std::vector<std::set<std::size_t>> expected(count);
    for (std::size_t i = 0; i < count; ++i) {
      for (const Need& need : parsed.workflow->groups[i].needs) {
        found[i].insert(need.group.value);
        found[i].insert(found[need.group.value].begin(), found[need.group.value].end());
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (!meet(touches[i], touches[j])) continue;
        expected[i].insert(j);
        expected[i].insert(expected[j].begin(), expected[j].end());
      }
      EXPECT_EQ(found[i], expected[i]) << "t" << i << " of\n" << source;
      // None of the needs follows from the others.
      for (const Need& need : parsed.workflow->groups[i].needs) {
        for (const Need& other : parsed.workflow->groups[i].needs)
          EXPECT_FALSE(found[other.group.value].contains(need.group.value)) << source;
      }
    }
  }
}

// Bounds: what is beyond them runs in order, and says so.
TEST(ParallelAuto, many_steps) {
  std::string chain = "parallel: auto\ntasks:\n";
  std::string apart = chain;
  std::string wide = chain;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "  t" + std::to_string(i) + ": {run: x, ";
    chain += name + "reads: f" + std::to_string(i) + ", writes: [f" + std::to_string(i + 1) +
             ", log]}\n";
    apart += name + "writes: out/f" + std::to_string(i) + "}\n";
    wide +=
        name + (i < 5'000 ? "reads: ['d/*/x" : "writes: ['d/*/x") + std::to_string(i) + "*']}\n";
  }
  apart += "  report: {run: x, reads: out}\n";
  const Parsed chained = parse_workflow(chain, "f.yaml");
  ASSERT_TRUE(chained.workflow);
  EXPECT_EQ(chained.parallelism->needs.size(), 9'999U);
  const Parsed separate = parse_workflow(apart, "f.yaml");
  ASSERT_TRUE(separate.workflow);
  EXPECT_EQ(separate.parallelism->at_once_max, 10'000U);
  EXPECT_EQ(needs_of(separate, "report").empty(), false);
  EXPECT_EQ(separate.diagnostics.size(), 1U) << "it meets more tasks than it may name";
  const Parsed crossed = parse_workflow(wide, "f.yaml");
  ASSERT_TRUE(crossed.workflow);
  EXPECT_EQ(crossed.workflow->groups.back().needs.size(), 1U);
  ASSERT_EQ(crossed.diagnostics.size(), 1U);
  EXPECT_NE(crossed.diagnostics[0].message.find("from here on tasks run one after the other"),
            std::string::npos);
}

}  // namespace
}  // namespace reeve::spec
