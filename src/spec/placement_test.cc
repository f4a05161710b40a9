// Where a task waits and runs: queue, variants of resources, gangs, placement, and when it starts.
#include <gtest/gtest.h>

#include "spec/parse.h"
#include "spec/read_placement.h"

namespace reeve::spec {
namespace {

using Kind = LabelRule::Kind;

// shared: as the parser gives it
std::shared_ptr<const Workflow> workflow_of(std::string_view source) {
  Parsed parsed = parse_workflow(source, "f.yaml");
  for (const Diagnostic& diagnostic : parsed.diagnostics) ADD_FAILURE() << diagnostic.text();
  return parsed.workflow;
}
Policy placed_task(std::string_view fields) {
  const auto workflow = workflow_of("tasks: {a: {run: x, " + std::string(fields) + "}}");
  return workflow ? workflow->policy_of(workflow->groups[0]) : Policy{};
}
std::string said(std::string_view source) {
  std::string all;
  for (const Diagnostic& diagnostic : parse_workflow(source, "f.yaml").diagnostics)
    all += diagnostic.text() + "\n";
  return all;
}
std::string said_of(std::string_view fields) {
  return said("tasks: {a: {run: x, " + std::string(fields) + "}}");
}

TEST(Queue, of_the_workflow_and_of_a_task) {
  const auto workflow =
      workflow_of("queue: research/imaging\ntasks: {a: {run: x}, b: {run: x, queue: b}}");
  ASSERT_TRUE(workflow);
  EXPECT_EQ(workflow->policy_of(workflow->groups[0]).queue, "research/imaging");
  EXPECT_EQ(workflow->policy_of(workflow->groups[1]).queue, "b");
  EXPECT_EQ(placed_task("priority: 1").queue, "default");
  EXPECT_NE(said_of("queue: A").find("expected the name of a queue"), std::string::npos);
  EXPECT_NE(said_of("queue: 1/2/3/4/5/6/7/8/9").find("at most 8"), std::string::npos);
}

TEST(Variants, the_first_is_preferred) {
  const Policy policy = placed_task("resources: [{gpu: 1, memory: 4Gi}, {cpu: 16}]");
  EXPECT_EQ(policy.resources, (Resources{.cpu_millicores = 1000,
                                         .memory_bytes = std::int64_t{4} << 30,
                                         .gpu_milli = 1000,
                                         .countables = {}}));
  EXPECT_EQ(policy.alternatives,
            (std::vector<Resources>{{.cpu_millicores = 16'000, .countables = {}}}));
  EXPECT_TRUE(placed_task("resources: {cpu: 2}").alternatives.empty());
}

TEST(Variants, begin_with_the_defaults_and_a_map_takes_their_place) {
  const auto workflow = workflow_of(
      "defaults: {resources: [{memory: 1Gi, gpu: 1}, {cpu: 8}]}\n"
      "tasks: {a: {run: x}, b: {run: x, resources: {cpu: 2}}, c: {run: x, resources: [{cpu: 3}]}}");
  ASSERT_TRUE(workflow);
  const auto policy = [&](std::size_t i) { return workflow->policy_of(workflow->groups[i]); };
  EXPECT_EQ(policy(0).alternatives.size(), 1U);
  EXPECT_TRUE(policy(1).alternatives.empty());
  EXPECT_EQ(policy(1).resources.gpu_milli, 1000);
  EXPECT_EQ(policy(1).resources.cpu_millicores, 2000);
  EXPECT_TRUE(policy(2).alternatives.empty());
  EXPECT_EQ(policy(2).resources.memory_bytes, std::int64_t{1} << 30);
}

TEST(Variants, what_is_wrong) {
  EXPECT_EQ(said_of("resources: auto"),
            "f.yaml:1:32: error: expected a map of cpu, memory, ..., or a list of such maps, got "
            "'auto'\n");
  EXPECT_NE(
      said_of("resources: [{cpu: 1}, {cpu: 2}]")
          .find("1:43: warning: this variant is never used: wherever it fits, that of line 1"),
      std::string::npos)
      << said_of("resources: [{cpu: 1}, {cpu: 2}]");
  EXPECT_NE(said_of("resources: [{nodes: 2}]").find("unknown key 'nodes'"), std::string::npos);
  EXPECT_NE(said_of("resources: [{cpu: 9}, {cpu: 8}, {cpu: 7}, {cpu: 6}, {cpu: 5}, {cpu: 4}, "
                    "{cpu: 3}, {cpu: 2}, {cpu: 1}]")
                .find("at most 8 are possible here, got 9"),
            std::string::npos);
}

TEST(Gang, over_nodes) {
  EXPECT_EQ(placed_task("resources: {cpu: 2, nodes: 4}").nodes, 4U);
  EXPECT_EQ(placed_task("resources: {cpu: 2}").nodes, 1U);
  EXPECT_NE(said_of("resources: {nodes: 0}").find("from 1 to 1000"), std::string::npos);
  EXPECT_NE(said_of("resources: {nodes: 3}, placement: {require: 'node in (g1, g2)'}")
                .find("'nodes: 3' and 'node in (g1, g2)' cannot both hold"),
            std::string::npos);
}

TEST(Placement, rules_as_texts_and_as_a_map) {
  const PlacementRules rules =
      placed_task(
          "placement: {pool: gpu, require: ['zone in (b, a, b)', 'arch = arm64, disk != slow', "
          "gpu, '!spot', 'os not in (x)', 'os notin(y)'], prefer: {arch: arm64, zone: [b, a]}, "
          "affinity: [app=web], anti_affinity: app=db, spread: zone, max_cost: 1.5}")
          .placement;
  EXPECT_EQ(rules.require, (std::vector<LabelRule>{{"zone", Kind::in, {"a", "b"}},
                                                   {"arch", Kind::in, {"arm64"}},
                                                   {"disk", Kind::not_in, {"slow"}},
                                                   {"gpu", Kind::exists, {}},
                                                   {"spot", Kind::not_exists, {}},
                                                   {"os", Kind::not_in, {"x"}},
                                                   {"os", Kind::not_in, {"y"}},
                                                   {"pool", Kind::in, {"gpu"}}}));
  EXPECT_EQ(rules.prefer, (std::vector<LabelRule>{{"arch", Kind::in, {"arm64"}},
                                                  {"zone", Kind::in, {"a", "b"}}}));
  EXPECT_EQ(rules.affinity, (std::vector<std::string>{"app=web"}));
  EXPECT_EQ(rules.anti_affinity, (std::vector<std::string>{"app=db"}));
  EXPECT_EQ(rules.spread, "zone");
  EXPECT_EQ(rules.price_micros_per_hour_max, 1'500'000);
  EXPECT_EQ(placed_task("placement: {spread: rack}").placement.price_micros_per_hour_max, -1);
}

TEST(Placement, a_task_changes_only_what_it_names) {
  const auto workflow = workflow_of(
      "defaults: {preemptible: true, rate_limit: web, placement: {pool: [gpu, b], require: ssd, "
      "spread: zone}}\n"
      "tasks: {a: {run: x, placement: {require: zone=a}, preemptible: false},\n"
      "  b: {run: x, placement: {pool: c}, rate_limit: slow}}");
  ASSERT_TRUE(workflow);
  const Policy& a = workflow->policy_of(workflow->groups[0]);
  const Policy& b = workflow->policy_of(workflow->groups[1]);
  EXPECT_EQ(a.placement.require,
            (std::vector<LabelRule>{{"zone", Kind::in, {"a"}}, {"pool", Kind::in, {"b", "gpu"}}}));
  EXPECT_EQ(a.placement.spread, "zone");
  EXPECT_FALSE(a.preemptible);
  EXPECT_EQ(a.rate_limit, "web");
  EXPECT_EQ(b.placement.require,
            (std::vector<LabelRule>{{"ssd", Kind::exists, {}}, {"pool", Kind::in, {"c"}}}));
  EXPECT_TRUE(b.preemptible);
  EXPECT_EQ(b.rate_limit, "slow");
}

TEST(Placement, rules_that_cannot_hold_together_are_named) {
  const auto expect = [](std::string_view require, std::string_view message) {
    const std::string found = said_of("placement: {require: " + std::string(require) + "}");
    EXPECT_NE(found.find(message), std::string::npos) << require << "\n" << found;
  };
  expect("[zone=a, zone=b]", "'zone in (a)' and 'zone in (b)' cannot both hold");
  expect("['!gpu', gpu=x]", "'gpu does not exist' and 'gpu in (x)' cannot both hold");
  expect("['!gpu', gpu]", "'gpu does not exist' and 'gpu exists' cannot both hold");
  expect("['z in (a, b)', 'z != a', arch, 'z != b']",
         "'z in (a, b)', 'z not in (a)' and 'z not in (b)' cannot all hold");
  expect("pool=a, pool: b", "'pool in (a)' and 'pool in (b)' cannot both hold");
  expect("[], affinity: a=b, anti_affinity: [c=d, a=b]", "cannot both hold");
  for (const std::string_view fine : {"['z in (a, b)', z=a]", "['!gpu', 'gpu != x']",
                                      "[z, 'z != a']", "['z in (a, b)', 'z != a']"})
    EXPECT_EQ(said_of("placement: {require: " + std::string(fine) + "}"), "") << fine;
}

TEST(Placement, what_is_no_rule) {
  for (const std::string_view text :
       {"''", "'='", "'zone in'", "'zone in ()'", "'zone in (a'", "'zone in (a) b'", "'zone a'",
        "'a = '", "'!'", "'a,'", "'a==='", "'in (a)'", "'a in (b, )'", "'a; b'"}) {
    const std::string found = said_of("placement: {require: " + std::string(text) + "}");
    EXPECT_NE(found.find("rules are written as in"), std::string::npos) << text << "\n" << found;
  }
  EXPECT_NE(said_of("placement: {affinity: web}").find("as name=value"), std::string::npos);
  EXPECT_NE(said_of("placement: {poool: a}").find("did you mean 'pool'?"), std::string::npos);
  EXPECT_NE(said_of("placement: {max_cost: -1}").find("from 0 to"), std::string::npos);
}

TEST(Start, not_before_and_delay) {
  const auto workflow = workflow_of(
      "not_before: \"2026-12-01T08:00:00+01:00\"\ntasks: {a: {run: x, delay: 10m}, b: {run: x}}");
  ASSERT_TRUE(workflow);
  EXPECT_EQ(workflow->not_before, *parse_time("2026-12-01T07:00:00Z"));
  EXPECT_EQ(workflow->groups[0].detail->delay, std::chrono::minutes{10});
  EXPECT_FALSE(workflow->groups[1].detail);
  EXPECT_NE(said("not_before: tomorrow\ntasks: {a: {run: x}}").find("expected a moment such as"),
            std::string::npos);
  EXPECT_NE(said_of("delay: 0s").find("a duration above 0"), std::string::npos);
}

TEST(WhenBusy, three_ways) {
  const auto way = [](std::string_view text) {
    return workflow_of("concurrency: {group: g" + std::string(text) + "}\ntasks: {a: {run: x}}")
        ->concurrency->when_busy;
  };
  EXPECT_EQ(way(""), Concurrency::WhenBusy::queue);
  EXPECT_EQ(way(", when_busy: queue"), Concurrency::WhenBusy::queue);
  EXPECT_EQ(way(", when_busy: keep_latest"), Concurrency::WhenBusy::keep_latest);
  EXPECT_EQ(way(", when_busy: cancel_in_progress"), Concurrency::WhenBusy::cancel_in_progress);
  EXPECT_EQ(way(", cancel-in-progress: true"), Concurrency::WhenBusy::cancel_in_progress);
  EXPECT_EQ(way(", cancel-in-progress: false"), Concurrency::WhenBusy::queue);
  EXPECT_NE(said_of("concurrency: {group: g, cancel-in-progress: true, when_busy: queue}")
                .find("only one of cancel-in-progress and when_busy is possible"),
            std::string::npos);
}

}  // namespace
}  // namespace reeve::spec
