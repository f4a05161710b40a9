// The cluster file: what it means, what is refused and where.
#include "spec/cluster_file.h"

#include <gtest/gtest.h>

namespace reeve::spec {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

ClusterFile read(std::string_view source) {
  const ParsedCluster parsed = parse_cluster(source, "c.yaml");
  for (const Diagnostic& diagnostic : parsed.diagnostics) ADD_FAILURE() << diagnostic.text();
  return parsed.cluster.value_or(ClusterFile{});
}

std::string errors(std::string_view source) {
  const ParsedCluster parsed = parse_cluster(source, "c.yaml");
  EXPECT_EQ(parsed.cluster.has_value(), parsed.diagnostics.empty());
  std::string all;
  for (const Diagnostic& diagnostic : parsed.diagnostics) all += diagnostic.text() + "\n";
  return all;
}

TEST(ClusterFile, pools_and_nodes) {
  const ClusterFile file = read(R"(version: 1
pools:
  local: {labels: {zone: a}, price: 0.12}
  gpu:
    labels: {zone: b, arch: amd64}
    price: 2
    speed: 1.2
    nodes:
      - {name: g1, cpu: 16, memory: 64Gi, disk: 1Ti, gpu: 2, licenses: {matlab: 2}, price: 0,
         labels: {arch: arm64}, speed: 1.5, start_delay: 20s, failures: 0.5%}
      - {name: h, count: 3, cpu: 500m, cordoned: true}
)");
  ASSERT_EQ(file.open_pools.size(), 1U);
  EXPECT_EQ(file.open_pools[0].pool, "local");
  EXPECT_EQ(file.open_pools[0].price_micros_per_hour, 120'000);
  EXPECT_EQ(file.open_pools[0].labels, (std::vector<Label>{{"zone", "a"}}));
  ASSERT_EQ(file.nodes.size(), 4U);
  const NodeSetup& first = file.nodes[0];
  EXPECT_EQ(first.name, "g1");
  EXPECT_EQ(first.pool, "gpu");
  EXPECT_EQ(first.capacity, (Resources{.cpu_millicores = 16'000,
                                       .memory_bytes = std::int64_t{64} << 30,
                                       .disk_bytes = std::int64_t{1} << 40,
                                       .gpu_milli = 2000,
                                       .countables = {{"matlab", 2}}}));
  EXPECT_EQ(first.labels, (std::vector<Label>{{"arch", "arm64"}, {"zone", "b"}}));
  EXPECT_EQ(first.speed_permille, 1500);
  EXPECT_EQ(first.failure_permille, 5);
  EXPECT_EQ(first.start_delay, seconds{20});
  EXPECT_EQ(first.price_micros_per_hour, 0);
  EXPECT_FALSE(first.cordoned);
  EXPECT_EQ(file.nodes[1].name, "h1");
  EXPECT_EQ(file.nodes[3].name, "h3");
  EXPECT_EQ(file.nodes[3].speed_permille, 1200);
  EXPECT_EQ(file.nodes[3].price_micros_per_hour, 2'000'000);
  EXPECT_EQ(file.nodes[3].labels, (std::vector<Label>{{"arch", "amd64"}, {"zone", "b"}}));
  EXPECT_TRUE(file.nodes[3].cordoned);
}

TEST(ClusterFile, queues) {
  const ClusterFile file = read(R"(
queues:
  research: {weight: 3, max_running: 100, max_queued: 100000, cap: {cpu: 64}, preemptible: true}
  research/imaging: {weight: 2, priority: 1}
  lone/child: {weight: 0}
)");
  const std::vector<QueueSetup>& queues = file.scheduling.queues;
  ASSERT_EQ(queues.size(), 3U);
  EXPECT_EQ(queues[0], (QueueSetup{.name = "research",
                                   .weight = 3,
                                   .running_max = 100,
                                   .queued_max = 100'000,
                                   .cap = {.cpu_millicores = 64'000, .countables = {}},
                                   .preemptible = true}));
  EXPECT_EQ(queues[1],
            (QueueSetup{.name = "research/imaging", .weight = 2, .priority = 1, .cap = {}}));
  EXPECT_EQ(queues[2].weight, 0);
}

constexpr std::string_view kScheduling = R"(
pools: {gpu: {nodes: [{name: g1, cpu: 1}]}}
queues: {research/imaging: {}, nightly: {}}
scheduling:
  order: {priority: 2h, deadline: 0s, length: 10m}
  node: {fit: 1, prefer: 2, spread: 3, locality: 4, risk: 5, price: 6, speed: 0}
  share: {half_life: 30m}
  backfill: {policy: conservative, reservations: 4, overrun: request}
  preemption: {gap: 100, max: 2, grace: 5s}
  quotas:
    - {user: ann, queue: research, max_running: 8}
    - {user: "*", max_queued: 1000, cpu_hours_a_day: 1.5, when_exceeded: refuse}
  rate_limits: {web: {starts: 10, per: 1s, burst: 20}, slow: {starts: 1, per: 1h}}
  windows:
    - {queue: nightly, days: [mon, tue], from: "22:00", to: "06:00", utc_offset: "+01:00"}
    - {pool: gpu, maintenance: true, days: sun, from: "02:00", to: "04:00"}
  breaker: {failures: 50%, attempts: 20, window: 5m, open_for: 30s}
)";

TEST(ClusterFile, scheduling) {
  const SchedulingPolicy policy = read(kScheduling).scheduling;
  EXPECT_EQ(policy.order,
            (OrderWeights{.priority = hours{2}, .deadline = Duration{0}, .length = minutes{10}}));
  EXPECT_EQ(policy.node, (NodeWeights{1, 2, 3, 4, 5, 6, 0}));
  EXPECT_EQ(policy.share_half_life, minutes{30});
  EXPECT_EQ(policy.reservations, 4);
  EXPECT_EQ(policy.overrun, Overrun::request);
  EXPECT_EQ(policy.backfilling, Backfilling::conservative);
  EXPECT_EQ(policy.margin, 1);
  EXPECT_EQ(policy.preemption_gap, 100);
  EXPECT_EQ(policy.preemptions_max, 2);
  EXPECT_EQ(policy.preemption_grace, seconds{5});
  EXPECT_EQ(policy.quotas,
            (std::vector<QuotaSetup>{{.user = "ann", .queue = "research", .running_max = 8},
                                     {.user = "",
                                      .queue = "",
                                      .queued_max = 1000,
                                      .cpu_seconds_a_day = 5400,
                                      .refuse = true}}));
  EXPECT_EQ(policy.rate_limits,
            (std::vector<RateLimitSetup>{{"web", 10, seconds{1}, 20}, {"slow", 1, hours{1}, 1}}));
  EXPECT_EQ(policy.windows, (std::vector<WindowSetup>{{.queue = "nightly",
                                                       .pool = "",
                                                       .days = 0b11,
                                                       .from = hours{22},
                                                       .to = hours{6},
                                                       .offset = hours{1}},
                                                      {.queue = "",
                                                       .pool = "gpu",
                                                       .days = 0b1000000,
                                                       .from = hours{2},
                                                       .to = hours{4},
                                                       .closed = true}}));
  EXPECT_EQ(policy.breaker, (BreakerSetup{500, 20, minutes{5}, seconds{30}}));
}

TEST(ClusterFile, what_is_not_said_is_as_the_types_say) {
  const ClusterFile file = read("version: 1\n");
  EXPECT_EQ(file, ClusterFile{});
}

struct Refusal {
  std::string_view source;
  std::string_view message;  ///< a part of it, with the position
};

TEST(ClusterFile, refusals_of_pools) {
  for (const auto& [source, message] : {
           Refusal{"", "1:1: error: expected a map with pools, queues or scheduling"},
           {"[]", "1:1: error: expected a map with pools"},
           {"{}", "got an empty map"},
           {"pool: {}",
            "1:1: error: unknown key 'pool'; expected one of version, pools, queues and "
            "scheduling; did you mean 'pools'?"},
           {"pools: {}", "got an empty map"},
           {"pools: {a: {nodes: []}}", "got an empty list"},
           {"pools: {-a: {}}", "'-a' cannot be a name here"},
           {"pools: {a: {nodes: [{cpu: 1}]}}", "1:21: error: 'name' is missing"},
           {"pools: {a: {nodes: [{name: x}]}}", "'cpu' is missing"},
           {"pools: {a: {nodes: [{name: x, cpu: -1}]}}", "1:36: error: expected a quantity"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, memory: 99999Ei}]}}", "expected a size"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, count: 0}]}}", "whole number from 1 to 100000"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, count: 100001}]}}", "from 1 to 100000"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, count: 60000}, {name: y, cpu: 1, count: "
            "60000}]}}",
            "1:54: error: the cluster has more than 100000 nodes"},
           {"pools: {a: {nodes: [{name: x, cpu: 1}]}, b: {nodes: [{name: x, cpu: 1}]}}",
            "1:54: error: a second node 'x'"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, count: 2}, {name: x2, cpu: 1}]}}",
            "a second node 'x2'"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, memory: 7Ei, count: 2}]}}",
            "the nodes up to this one have too much together: memory"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, speed: 0}]}}", "expected a number above 0"},
           {"pools: {a: {nodes: [{name: x, cpu: 1, speed: 0.0001}]}}", "at least 0.001"},
           {"pools: {a: {price: -0.1}}", "expected a number from 0 to 1000000"},
           {"pools: {a: {price: 1e300}}", "expected a number from 0 to 1000000"},
           {"pools: {a: {failures: 101%}}", "expected a share such as 50%"},
           {"pools: {a: {failures: 0.5}}", "expected a share such as 50%"},
           {"pools: {a: {labels: {pool: x}}}", "1:22: error: every node has the label 'pool'"},
           {"pools: {a: {labels: {x: 'a b'}}}", "expected a name"},
           {"pools: {a: {start_delay: 20}}", "a unit is needed: 20s"},
           {"pools: {a: {cordoned: yes}}", "expected true or false"},
       }) {
    EXPECT_NE(errors(source).find(message), std::string::npos) << source << "\n" << errors(source);
  }
}

std::string scheduling_errors(std::string_view rules) {
  return errors("pools: {gpu: {}}\nqueues: {a/b: {}, night: {}}\nscheduling: {" +
                std::string(rules) + "}");
}

TEST(ClusterFile, refusals_of_queues_and_rules) {
  for (const auto& [source, message] : {
           Refusal{"queues: {A: {}}", "cannot be the name of a queue"},
           {"queues: {a//b: {}}", "cannot be the name of a queue"},
           {"queues: {/a: {}}", "cannot be the name of a queue"},
           {"queues: {a/: {}}", "cannot be the name of a queue"},
           {"queues: {a/b/c/d/e/f/g/h/i: {}}", "at most 8"},
           {"queues: {a: {weight: -1}}", "from 0 to 1000000"},
           {"queues: {a: {max_running: -1}}", "from 0 to"},
           {"queues: {a: {max_queued: 99999999999999999999}}", "from 0 to"},
           {"queues: {a: {cap: {cpu: 0}}}", "a cap is above 0"},
           {"queues: {a: {wieght: 1}}", "did you mean 'weight'?"},
       }) {
    EXPECT_NE(errors(source).find(message), std::string::npos) << source << "\n" << errors(source);
  }
  for (const auto& [rules, message] : {
           Refusal{"order: {priority: 5}", "a unit is needed"},
           {"node: {fit: 1001}", "from 0 to 1000"},
           {"share: {half_life: 0s}", "expected a duration above 0"},
           {"backfill: {overrun: extnd}", "did you mean 'extend'?"},
           {"backfill: consevative", "did you mean 'conservative'?"},
           {"backfill: {policy: eazy}", "did you mean 'easy'?"},
           {"quotas: [{user: ann}]", "3:23: error: this quota limits nothing"},
           {"quotas: [{user: '', max_running: 1}]", "expected the name of a user"},
           {"quotas: [{queue: nigth, max_running: 1}]",
            "unknown queue 'nigth'; declare it under 'queues'; did you mean 'night'?"},
           {"quotas: [{max_running: 1, when_exceeded: wait}]", "only beside cpu_hours_a_day"},
           {"quotas: [{max_running: 1}, {user: ann, queue: a/b, max_running: 2}]",
            "3:41: error: this quota never counts: that of line 3"},
           {"quotas: [{queue: a, max_running: 1}, {queue: a/b, max_running: 2}]", "never counts"},
           {"rate_limits: {web: {starts: 0, per: 1s}}", "from 1 to"},
           {"rate_limits: {web: {starts: 1}}", "'per' is missing"},
           {"windows: [{from: '10:00'}]", "expected one of queue and pool"},
           {"windows: [{queue: a, pool: gpu}]", "only one of queue and pool"},
           {"windows: [{pool: gpux}]",
            "unknown pool 'gpux'; declare it under 'pools'; did you mean"},
           {"windows: [{queue: a, days: []}]", "empty list"},
           {"windows: [{queue: a, days: monday}]", "expected"},
           {"windows: [{queue: a, from: '25:00'}]", "a time of the day"},
           {"windows: [{queue: a, from: '10:00', to: '10:00'}]", "ends when it begins"},
           {"windows: [{queue: a, utc_offset: '+15:00'}]", "an offset from UTC"},
           {"breaker: {attempts: 3}", "'failures' is missing"},
           {"breaker: {failures: 0%}", "expected a share"},
       }) {
    const std::string found = scheduling_errors(rules);
    EXPECT_NE(found.find(message), std::string::npos) << rules << "\n" << found;
  }
}

TEST(ClusterFile, quotas_that_do_not_hide_each_other) {
  EXPECT_EQ(scheduling_errors("quotas: [{user: ann, max_running: 1}, {queue: a/b, max_running: 1}, "
                              "{queue: a, max_running: 2}, {max_running: 3}]"),
            "");
}

TEST(ClusterFile, windows_that_cannot_both_hold_are_named) {
  EXPECT_NE(scheduling_errors("windows: [{queue: night, from: '22:00', to: '06:00'},\n"
                              "{queue: night, maintenance: true, from: '21:00', to: '07:00'}]")
                .find("4:1: error: the queue 'night' would never be open: this window cannot hold "
                      "together with that of line 3"),
            std::string::npos);
  EXPECT_NE(scheduling_errors("windows: [{queue: a, from: '08:00', to: '12:00'},\n"
                              "{queue: a/b, from: '12:00', to: '13:00'}]")
                .find("4:1: error: the queue 'a/b' would never be open"),
            std::string::npos);
  EXPECT_NE(scheduling_errors("windows: [{pool: gpu, maintenance: true}]")
                .find("the pool 'gpu' would never be open: this maintenance never ends"),
            std::string::npos);
  // Over midnight, another offset, another day: all of these are open at some time.
  EXPECT_EQ(scheduling_errors("windows: [{queue: a, from: '08:00', to: '12:00'},"
                              "{queue: a/b, from: '12:00', to: '13:00', utc_offset: '+01:00'},"
                              "{queue: night, days: sun, from: '22:00', to: '06:00'},"
                              "{queue: night, maintenance: true, days: sun},"
                              "{pool: gpu, maintenance: true, to: '23:59'}]"),
            "");
}

}  // namespace
}  // namespace reeve::spec
