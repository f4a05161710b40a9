// What every field of the file becomes.
#include "spec/parse.h"

#include <gtest/gtest.h>

namespace reeve::spec {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::shared_ptr<const Workflow> parse(std::string_view source) {
  const Parsed parsed = parse_workflow(source, "dir/nightly.yaml");
  for (const Diagnostic& diagnostic : parsed.diagnostics) ADD_FAILURE() << diagnostic.text();
  return parsed.workflow ? parsed.workflow : std::make_shared<const Workflow>();
}

/// The task `a` with `field` beside its `run`.
std::pair<std::shared_ptr<const Workflow>, TaskGroup> task(std::string_view field) {
  auto workflow = parse("inputs: {x: }\nenv: {TOP: 1}\ntasks:\n  a:\n    run: x\n    " +
                        std::string(field) + "\n  b: {run: x}\n  c: {run: x}\n");
  if (workflow->groups.empty()) return {workflow, TaskGroup{}};
  TaskGroup group = workflow->groups[0];
  return {std::move(workflow), std::move(group)};
}
Policy policy(std::string_view field) {
  const auto [workflow, group] = task(field);
  return workflow->policy_of(group);
}
GroupDetail detail(std::string_view field) {
  const auto [workflow, group] = task(field);
  EXPECT_NE(group.detail, nullptr);
  return group.detail ? *group.detail : GroupDetail{};
}

TEST(Parse, the_smallest_file) {
  const std::string_view source = "tasks: {hello: {run: echo hi}}";
  const auto workflow = parse(source);
  ASSERT_EQ(workflow->groups.size(), 1U);
  EXPECT_EQ(workflow->name, "nightly");
  EXPECT_EQ(workflow->origin, "dir/nightly.yaml");
  EXPECT_EQ(workflow->source, source);
  EXPECT_EQ(workflow->digest, digest_of(source));
  EXPECT_EQ(workflow->main_count, 1U);
  const TaskGroup& hello = workflow->groups[0];
  EXPECT_EQ(hello.id, "hello");
  EXPECT_EQ(std::get<Script>(hello.action).text.text(), "echo hi");
  EXPECT_EQ(std::get<Script>(hello.action).shell, "sh");
  EXPECT_EQ(hello.detail, nullptr);
  EXPECT_FALSE(hello.condition);
  EXPECT_EQ(hello.static_count(), 1U);
  EXPECT_EQ(workflow->policy_of(hello), Policy{});
  EXPECT_EQ(parse_workflow(source, ".hidden").workflow->name, ".hidden");
  EXPECT_EQ(parse_workflow(source, "plain").workflow->name, "plain");
  // A byte order mark is no part of the text, but of the source.
  const std::string marked = "\xEF\xBB\xBF" + std::string(source);
  EXPECT_EQ(parse(marked)->source, marked);
}

TEST(Parse, the_heading) {
  const auto workflow = parse(R"(
version: 1
name: Big "build"
description: what it does
labels: {team: core, level: 3, stable: true}
triggers: [manual]
env: {A: 1.10, B: "yes", C: , D: "${{ inputs.n }}"}
secrets: [TOKEN]
priority: -5
deadline: 2h
locks: {db: 3, net: {limit: 2}}
concurrency: {group: "g-${{ run.id }}", limit: 2, cancel-in-progress: true}
x-notes: [anything, {goes: here}]
inputs:
  n: {type: number, default: 3, description: how many}
  version: {default: 1.10}
  stage: {type: choice, options: [dev, 2, true], default: 2}
  plain:
  must: {type: object, required: true}
  flag: {type: boolean, default: false}
jobs: {a: {run: x}, b: {run: "y ${{ env.A }}"}}
outputs: {o: "${{ needs.a.outputs.v }}", p: {value: fixed, description: d}}
)");
  EXPECT_EQ(workflow->name, "Big \"build\"");
  EXPECT_EQ(workflow->description, "what it does");
  EXPECT_EQ(workflow->labels, (std::map<std::string, std::string>{
                                  {"level", "3"}, {"stable", "true"}, {"team", "core"}}));
  ASSERT_EQ(workflow->env.size(), 4U);
  EXPECT_EQ(workflow->env[0].second.text(), "1.10");
  EXPECT_EQ(workflow->env[1].second.text(), "yes");
  EXPECT_EQ(workflow->env[2].second.text(), "");
  EXPECT_TRUE(workflow->env[3].second.is_single_expression());
  EXPECT_EQ(workflow->secrets, std::vector<std::string>{"TOKEN"});
  EXPECT_EQ(workflow->priority, -5);
  EXPECT_EQ(workflow->deadline, hours{2});
  EXPECT_EQ(workflow->lock_limits, (std::map<std::string, std::int32_t>{{"db", 3}, {"net", 2}}));
  ASSERT_TRUE(workflow->concurrency);
  EXPECT_EQ(workflow->concurrency->limit, 2);
  EXPECT_EQ(workflow->concurrency->when_busy, Concurrency::WhenBusy::cancel_in_progress);
  ASSERT_EQ(workflow->inputs.size(), 6U);
  EXPECT_EQ(workflow->inputs[0].type, InputType::number);
  EXPECT_EQ(workflow->inputs[0].fallback, Json(3));
  EXPECT_EQ(workflow->inputs[1].fallback, Json("1.10"));
  EXPECT_EQ(workflow->inputs[2].options, (std::vector<std::string>{"dev", "2", "true"}));
  EXPECT_EQ(workflow->inputs[2].fallback, Json("2"));
  EXPECT_FALSE(workflow->inputs[3].fallback);
  EXPECT_TRUE(workflow->inputs[4].required);
  EXPECT_EQ(workflow->inputs[5].fallback, Json(false));
  ASSERT_EQ(workflow->outputs.size(), 2U);
  EXPECT_EQ(workflow->outputs[1].second.text(), "fixed");
  EXPECT_EQ(workflow->find("b"), GroupIndex{1});
  EXPECT_FALSE(workflow->find("c"));
}

TEST(Parse, inputs_may_stand_under_the_manual_trigger) {
  EXPECT_EQ(
      parse("on: {manual: {inputs: {n: {default: x}}}}\ntasks: {a: {run: x}}")->inputs.at(0).name,
      "n");
  EXPECT_TRUE(parse("on: {manual: }\ntasks: {a: {run: x}}")->inputs.empty());
  EXPECT_TRUE(parse("on: manual\ntasks: {a: {run: x}}")->inputs.empty());
}

TEST(Parse, defaults_reach_every_task) {
  const auto workflow = parse(R"(
env: {A: 1}
defaults:
  shell: bash
  retry: {max: 4, backoff: {initial: 2s}}
  timeout: {run: 1h, grace: 3s}
  resources: {cpu: 2, memory: 1Gi}
  env: {B: 2}
  workdir: /tmp
tasks:
  a: {run: x}
  b: {run: x, shell: python3, retry: 1, timeout: 5m, resources: {cpu: 500m}, workdir: /}
finally:
  c: {command: [ls]}
)");
  const Policy& base = workflow->policy_of(workflow->groups[0]);
  EXPECT_EQ(base.retry.max, 4);
  EXPECT_EQ(base.retry.backoff.initial, seconds{2});
  EXPECT_EQ(base.timeouts.run, hours{1});
  EXPECT_EQ(base.resources.cpu_millicores, 2000);
  const Policy& own = workflow->policy_of(workflow->groups[1]);
  EXPECT_EQ(own.retry.max, 1);
  EXPECT_EQ(own.retry.backoff.initial, seconds{2});
  EXPECT_EQ(own.timeouts.run, minutes{5});
  EXPECT_EQ(own.timeouts.grace, seconds{3});
  EXPECT_EQ(own.resources.cpu_millicores, 500);
  EXPECT_EQ(own.resources.memory_bytes, 1 << 30);
  EXPECT_EQ(std::get<Script>(workflow->groups[0].action).shell, "bash");
  EXPECT_EQ(std::get<Script>(workflow->groups[1].action).shell, "python3");
  EXPECT_EQ(workflow->groups[0].detail->work_directory->text(), "/tmp");
  EXPECT_EQ(workflow->groups[1].detail->work_directory->text(), "/");
  EXPECT_EQ(workflow->groups[2].detail->work_directory->text(), "/tmp");
  EXPECT_EQ(workflow->groups[2].policy, workflow->groups[0].policy);
  EXPECT_EQ(workflow->env.size(), 2U);
}

TEST(Parse, actions) {
  const auto workflow = parse(R"(
inputs: {argv: {type: object}}
tasks:
  a: {command: [ls, -l, 5, "${{ inputs.argv }}"]}
  b: {command: "${{ inputs.argv }}"}
  c: {approval: {by: [ann, bob], timeout: 1d}}
  d: {approval: {}}
  e: {approval: {by: ann}}
)");
  const auto& list = std::get<Command>(workflow->groups[0].action).arguments;
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[2].text(), "5");
  EXPECT_TRUE(list[3].is_single_expression());
  EXPECT_TRUE(std::get<Command>(workflow->groups[1].action).arguments.at(0).is_single_expression());
  const auto& approval = std::get<Approval>(workflow->groups[2].action);
  EXPECT_EQ(approval.by, (std::vector<std::string>{"ann", "bob"}));
  EXPECT_EQ(approval.timeout, hours{24});
  EXPECT_TRUE(std::get<Approval>(workflow->groups[3].action).by.empty());
  EXPECT_EQ(std::get<Approval>(workflow->groups[4].action).by.size(), 1U);
}

TEST(Parse, needs_in_all_forms_and_names) {
  using Needs = std::vector<Need>;
  const Need b{GroupIndex{1}, NeedCondition::success};
  const Need c{GroupIndex{2}, NeedCondition::success};
  EXPECT_EQ(task("needs: b").second.needs, Needs{b});
  EXPECT_EQ(task("depends_on: [c, b]").second.needs, (Needs{c, b}));
  EXPECT_EQ(task("depends: []").second.needs, Needs{});
  EXPECT_EQ(
      task("needs: {b: failure, c: always}").second.needs,
      (Needs{{GroupIndex{1}, NeedCondition::failure}, {GroupIndex{2}, NeedCondition::always}}));
  EXPECT_EQ(task("needs: {b: success}").second.needs, Needs{b});
  const auto workflow = task("needs: [b, c]").first;
  EXPECT_EQ(workflow->groups[1].dependents, std::vector<GroupIndex>{GroupIndex{0}});
  EXPECT_TRUE(workflow->groups[0].dependents.empty());
}

TEST(Parse, conditions) {
  EXPECT_EQ(task("if: inputs.x == 'a'").second.condition->text(), "inputs.x == 'a'");
  EXPECT_EQ(task("if: ${{ always() }}").second.condition->text(), " always() ");
  EXPECT_EQ(task("if: false").second.condition->text(), "false");
  EXPECT_TRUE(task("if: '!cancelled()'").second.condition->uses_status_function());
  EXPECT_EQ(task("if: contains('${{', '$')").second.condition->text(), "contains('${{', '$')");
}

TEST(Parse, phases) {
  const auto workflow = parse(R"(
tasks:
  a: {run: x, artifacts: r.txt}
on_failure:
  f: {run: "${{ needs.a.result }}"}
finally:
  z: {run: "${{ needs.a.artifacts.r }} ${{ needs.f.result }}"}
  y: {run: x, needs: [z, a]}
)");
  EXPECT_EQ(workflow->main_count, 1U);
  EXPECT_EQ(workflow->on_failure_count, 1U);
  EXPECT_EQ(workflow->groups[1].phase, Phase::on_failure);
  EXPECT_EQ(workflow->groups[3].phase, Phase::finally);
  EXPECT_EQ(workflow->groups[3].needs.size(), 2U);
}

Array array_of(std::string_view field) { return std::get<Array>(task(field).second.fan_out); }

TEST(Parse, arrays) {
  const auto expect = [](const Array& array, std::uint32_t first, std::uint32_t count,
                         std::uint32_t step) {
    EXPECT_EQ(array.first, first);
    EXPECT_EQ(array.count, count);
    EXPECT_EQ(array.step, step);
  };
  expect(array_of("array: 100"), 0, 100, 1);
  expect(array_of("array: '100'"), 0, 100, 1);
  expect(array_of("array: 0-99"), 0, 100, 1);
  expect(array_of("array: 7-7"), 7, 1, 1);
  expect(array_of("array: 1-100:5"), 1, 20, 5);
  expect(array_of("array: {range: 0-9:3}"), 0, 4, 3);
  expect(array_of("array: 4294967290-4294967295"), 4294967290, 6, 1);
  EXPECT_EQ(detail("array: 0-99%4").max_parallel, 4U);
  EXPECT_EQ(detail("array: {range: 5, max-parallel: 2, fail-fast: false}").max_parallel, 2U);
  EXPECT_FALSE(task("array: {range: 5, fail-fast: false}").second.fails_fast());
  EXPECT_EQ(detail("array: 5\n    max-parallel: 3").max_parallel, 3U);
  EXPECT_EQ(task("array: 5").second.static_count(), 5U);
  EXPECT_EQ(task("array: 5").second.detail, nullptr);
}

TEST(Parse, for_each) {
  const TaskGroup fixed = task("for_each: [a, {b: 1}, 2]").second;
  EXPECT_EQ(fixed.static_count(), 3U);
  EXPECT_EQ(std::get<Matrix>(fixed.fan_out).legs[2],
            Json(boost::json::object({{"item", 2}, {"index", 2}})));
  const TaskGroup dynamic = task("for_each: ${{ fromJSON(inputs.x) }}").second;
  EXPECT_TRUE(std::get<ForEach>(dynamic.fan_out).items.is_single_expression());
  EXPECT_FALSE(dynamic.static_count());
  const TaskGroup number = task("for_each: {items: 5, max-parallel: 2, fail-fast: false}").second;
  EXPECT_EQ(*std::get<ForEach>(number.fan_out).items.render_value({}), Json(5));
  EXPECT_EQ(number.detail->max_parallel, 2U);
  EXPECT_FALSE(number.detail->fail_fast);
  const TaskGroup mixed =
      task("for_each: [\"${{ inputs.x }}\", \"{a'b}-${{ inputs.x }}-}\", {k: [1, true]}]").second;
  const Json inputs = boost::json::object{{"x", boost::json::array{1}}};
  Context context;
  context.inputs = &inputs;
  const auto items = std::get<ForEach>(mixed.fan_out).items.render_value(context);
  ASSERT_TRUE(items) << items.error().text();
  EXPECT_EQ(
      *items,
      Json(boost::json::array({boost::json::array({1}), "{a'b}-[1]-}",
                               boost::json::object({{"k", boost::json::array({1, true})}})})));
}

TEST(Parse, matrices) {
  const TaskGroup fixed =
      task("matrix: {os: [a, b], v: [1, 2], exclude: [{os: a, v: 2}], max-parallel: 2}").second;
  EXPECT_EQ(fixed.static_count(), 3U);
  EXPECT_EQ(fixed.detail->max_parallel, 2U);
  const TaskGroup whole = task("matrix: ${{ fromJSON(inputs.x) }}").second;
  EXPECT_TRUE(std::get<DynamicMatrix>(whole.fan_out).value.is_single_expression());
  const TaskGroup axis =
      task(
          "matrix: {os: [a], v: '${{ fromJSON(inputs.x) }}', include: [{os: z}], fail-fast: "
          "false}")
          .second;
  EXPECT_FALSE(axis.detail->fail_fast);
  const Json inputs = boost::json::object{{"x", "[7, 8]"}};
  Context context;
  context.inputs = &inputs;
  const auto value = std::get<DynamicMatrix>(axis.fan_out).value.render_value(context);
  ASSERT_TRUE(value) << value.error().text();
  const auto legs = expand_matrix(*value);
  ASSERT_TRUE(legs) << legs.error().text();
  EXPECT_EQ(legs->size(), 3U);
  EXPECT_EQ(task("matrix: {os: [a]}\n    name: n").second.static_count(), 1U);
}

TEST(Parse, only_a_matrix_fails_fast_unless_told_otherwise) {
  EXPECT_TRUE(task("matrix: {a: [1]}").second.fails_fast());
  EXPECT_TRUE(task("matrix: {a: [1], max-parallel: 1}").second.fails_fast());
  EXPECT_FALSE(task("matrix: {a: [1], fail-fast: false}").second.fails_fast());
  EXPECT_TRUE(task("matrix: ${{ fromJSON(inputs.x) }}").second.fails_fast());
  EXPECT_FALSE(task("for_each: [1]").second.fails_fast());
  EXPECT_TRUE(task("for_each: [1]\n    fail-fast: true").second.fails_fast());
  EXPECT_FALSE(task("for_each: ${{ inputs.x }}").second.fails_fast());
  EXPECT_FALSE(task("array: 3\n    name: n").second.fails_fast());
  EXPECT_TRUE(task("array: {range: 3, fail-fast: true}").second.fails_fast());
  EXPECT_FALSE(task("name: n").second.fails_fast());
}

TEST(Parse, hedge) {
  EXPECT_EQ(policy("retry: 1").hedge.max, 0U);
  EXPECT_EQ(policy("idempotent: true").hedge.max, 0U);
  EXPECT_EQ(policy("hedge: false").hedge.max, 0U);
  EXPECT_EQ(policy("idempotent: true\n    hedge: true").hedge, (Hedge{1, 0.95, Duration{0}}));
  EXPECT_EQ(policy("idempotent: true\n    hedge: {after: p99.5, max: 3}").hedge,
            (Hedge{3, 0.995, Duration{0}}));
  EXPECT_EQ(policy("idempotent: true\n    hedge: {after: 30s}").hedge,
            (Hedge{1, 0.95, seconds{30}}));
}

TEST(Parse, retry) {
  EXPECT_EQ(policy("retry: 3").retry.max, 3);
  EXPECT_EQ(policy("retry: 3.0").retry.max, 3);
  const RetryPolicy standard = RetryPolicy::standard();
  EXPECT_EQ(policy("retry: {max: 2}").retry.by_class, standard.by_class);
  const RetryPolicy retry =
      policy(
          "retry: {max: 5, backoff: {initial: 500ms, factor: 3, max: 1m, jitter: false}, on: [oom, "
          "rejected], limits: {oom: 2, start: 4}}")
          .retry;
  EXPECT_EQ(retry.backoff, (Backoff{milliseconds{500}, 3.0, minutes{1}, false}));
  EXPECT_FALSE(retry.rule(OutcomeClass::exited).retried);
  EXPECT_FALSE(retry.rule(OutcomeClass::lost).retried);
  EXPECT_TRUE(retry.rule(OutcomeClass::rejected).retried);
  EXPECT_EQ(retry.rule(OutcomeClass::out_of_memory), (RetryPolicy::ClassRule{true, 2}));
  EXPECT_EQ(retry.rule(OutcomeClass::start_failed), (RetryPolicy::ClassRule{true, 4}));
  EXPECT_TRUE(policy("retry: {on: exit}").retry.rule(OutcomeClass::exited).retried);
  EXPECT_EQ(policy("retry: {backoff: 10m}").retry.backoff.max, minutes{10});
  EXPECT_EQ(policy("retry: {backoff: {initial: 10m}}").retry.backoff.max, minutes{10});
  EXPECT_EQ(policy("retry: {backoff: {factor: 1.5}}").retry.backoff.factor, 1.5);
  EXPECT_TRUE(standard.rule(OutcomeClass::exited).retried);
  EXPECT_FALSE(standard.rule(OutcomeClass::rejected).retried);
  EXPECT_EQ(standard.rule(OutcomeClass::lost).limit, 16);
  EXPECT_EQ(standard.rule(OutcomeClass::start_failed).limit, 10);
}

TEST(Parse, timeouts) {
  EXPECT_EQ(policy("timeout: 1h30m").timeouts.run, minutes{90});
  EXPECT_EQ(policy("timeout-minutes: 1.5").timeouts.run, seconds{90});
  EXPECT_EQ(policy("timeout-minutes: 2").timeouts.run, minutes{2});
  EXPECT_EQ(policy("timeout: {run: 1s, queue: 2s, start: 3s, idle: 4s, grace: 5s}").timeouts,
            (Timeouts{seconds{2}, seconds{3}, seconds{1}, seconds{4}, seconds{5}}));
}

TEST(Parse, resources_locks_and_the_rest_of_a_policy) {
  const Policy full = policy(
      "resources: {cpu: 1.5, memory: 512Mi, disk: 1G, gpu: 2, licenses: {matlab: 2, ansys: 1}}");
  EXPECT_EQ(full.resources.cpu_millicores, 1500);
  EXPECT_EQ(full.resources.memory_bytes, 512 << 20);
  EXPECT_EQ(full.resources.disk_bytes, 1'000'000'000);
  EXPECT_EQ(full.resources.gpu_milli, 2000);
  EXPECT_EQ(full.resources.countables, (std::vector<Countable>{{"ansys", 1}, {"matlab", 2}}));
  EXPECT_EQ(policy("locks: db").locks, (std::vector<LockRequest>{{"db", 1}}));
  EXPECT_EQ(policy("locks: [net, db]").locks, (std::vector<LockRequest>{{"db", 1}, {"net", 1}}));
  EXPECT_EQ(policy("locks: {db: 1}").locks, (std::vector<LockRequest>{{"db", 1}}));
  EXPECT_EQ(policy("priority: 7").priority, 7);
  EXPECT_EQ(policy("output_limit: 1Mi").output_bytes_max, 1 << 20);
}

TEST(Parse, sandboxes) {
  EXPECT_EQ(policy("priority: 1").sandbox, SandboxRequest{});
  EXPECT_EQ(policy("sandbox: none").sandbox.tier, SandboxTier::none);
  EXPECT_EQ(policy("sandbox: native").sandbox, SandboxRequest{});
  const SandboxRequest full =
      policy("sandbox: {tier: none, network: host, readable: /a, writable: [b, /c]}").sandbox;
  EXPECT_EQ(full, (SandboxRequest{SandboxTier::none, SandboxNetwork::host, {"/a"}, {"b", "/c"}}));
  const auto [workflow, group] = task("sandbox: {readable: [/a, '/${{ inputs.x }}'], writable: b}");
  ASSERT_NE(group.detail, nullptr);
  ASSERT_TRUE(group.detail->sandbox_paths);
  EXPECT_EQ(group.detail->sandbox_paths->readable.at(0).text(), "/a");
  EXPECT_FALSE(group.detail->sandbox_paths->readable.at(1).is_literal());
  EXPECT_EQ(group.detail->sandbox_paths->writable.at(0).text(), "b");
  EXPECT_EQ(workflow->policy_of(group).sandbox.readable, std::vector<std::string>{"/a"});
}

TEST(Parse, who_a_task_is_inside) {
  EXPECT_EQ(policy("priority: 1").sandbox.user, kSandboxUser);
  EXPECT_EQ(policy("sandbox: {user: 33}").sandbox.user, 33U);
}

TEST(Parse, what_a_task_may_reach) {
  const SandboxRequest listed =
      policy("sandbox: {network: ['pypi.org:443', '[fd01::5]:80-81/udp']}").sandbox;
  EXPECT_EQ(listed.network, SandboxNetwork::egress);
  EXPECT_EQ(listed.egress, (std::vector<std::string>{"pypi.org:443", "[fd01::5]:80-81/udp"}));
  const auto workflow = parse(R"(
defaults: {sandbox: {network: ["a:1", "b:2"]}}
tasks:
  a: {run: x}
  b: {run: x, sandbox: {network: none}}
  c: {run: x, sandbox: {network: ["c:3"]}}
)");
  const auto sandbox = [&](std::size_t group) {
    return workflow->policy_of(workflow->groups[group]).sandbox;
  };
  EXPECT_EQ(sandbox(0).egress, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(sandbox(1), SandboxRequest{});
  EXPECT_EQ(sandbox(2).egress, std::vector<std::string>{"c:3"});
}

TEST(Parse, warm_programs) {
  using Texts = std::vector<std::string>;
  const auto warm = [](const std::string& fields) { return policy(fields).sandbox.warm; };
  EXPECT_EQ(warm("warm: none"), WarmRequest{});
  EXPECT_EQ(warm("warm: python"), (WarmRequest{.kind = WarmKind::python}));
  EXPECT_EQ(warm("warm: sh"), (WarmRequest{.kind = WarmKind::sh}));
  EXPECT_EQ(warm("warm: {python: [json, xml.dom]}"),
            (WarmRequest{WarmKind::python, Texts{"json", "xml.dom"}, {}}));
  EXPECT_EQ(warm("warm: {node: fs}"), (WarmRequest{WarmKind::node, Texts{"fs"}, {}}));
}

TEST(Parse, what_is_warm_says_what_reads_the_text) {
  const auto workflow = parse(R"(
defaults: {warm: {python: json}}
tasks:
  a: {run: x}
  b: {run: x, shell: bash}
  c: {run: x, warm: none}
  d: {run: x, warm: node}
  e: {run: x, warm: python, shell: /venv/bin/python3.12}
  f: {command: [x]}
  g: {run: x, shell: perl, warm: {command: [/a, b]}}
)");
  EXPECT_EQ(workflow->policy_of(workflow->groups[6]).sandbox.warm,
            (WarmRequest{WarmKind::command, {}, {"/a", "b"}}));
  const auto shell = [&](std::size_t group) {
    return std::get<Script>(workflow->groups[group].action).shell;
  };
  EXPECT_EQ(shell(0), "python3");
  EXPECT_EQ(shell(1), "bash");
  EXPECT_EQ(shell(2), "python3");
  EXPECT_EQ(shell(3), "node");
  EXPECT_EQ(shell(4), "/venv/bin/python3.12");
}

TEST(Parse, a_task_changes_of_the_default_sandbox_what_it_names) {
  const auto workflow = parse(R"(
inputs: {x: }
defaults: {sandbox: {network: host, readable: ["${{ inputs.x }}"], writable: [/w]}}
tasks:
  a: {run: x}
  b: {run: x, sandbox: {network: none, readable: [/b]}}
  c: {run: x, sandbox: none}
)");
  const auto sandbox = [&](std::size_t group) {
    return workflow->policy_of(workflow->groups[group]).sandbox;
  };
  EXPECT_EQ(sandbox(0), (SandboxRequest{SandboxTier::native, SandboxNetwork::host, {}, {"/w"}}));
  EXPECT_EQ(sandbox(1),
            (SandboxRequest{SandboxTier::native, SandboxNetwork::none, {"/b"}, {"/w"}}));
  EXPECT_EQ(sandbox(2), (SandboxRequest{SandboxTier::none, SandboxNetwork::host, {}, {"/w"}}));
  const auto paths = [&](std::size_t group) -> std::optional<SandboxPaths> {
    const auto& detail = workflow->groups[group].detail;
    return detail ? detail->sandbox_paths : std::nullopt;
  };
  EXPECT_FALSE(paths(1));
  ASSERT_TRUE(paths(0) && paths(2));
  EXPECT_EQ(paths(0)->writable.at(0).text(), "/w");
  EXPECT_EQ(workflow->groups[0].detail, workflow->groups[2].detail);
}

TEST(Parse, details) {
  EXPECT_EQ(detail("name: The task").display_name, "The task");
  EXPECT_EQ(detail("description: d").description, "d");
  EXPECT_EQ(detail("env: {A: \"${{ inputs.x }}\"}").env.at(0).first, "A");
  EXPECT_EQ(detail("secrets: [A, B]").secrets.size(), 2U);
  EXPECT_EQ(detail("labels: {a: b}").labels.at("a"), "b");
  EXPECT_EQ(detail("deadline: 5m").deadline, minutes{5});
  EXPECT_EQ(detail("working-directory: /tmp").work_directory->text(), "/tmp");
  EXPECT_EQ(detail("continue-on-error: true").continue_on_error->text(), "true");
  EXPECT_TRUE(
      detail("continue-on-error: ${{ inputs.x }}").continue_on_error->is_single_expression());
  EXPECT_FALSE(detail("continue-on-error: false").continue_on_error);
  EXPECT_EQ(detail("concurrency: deploy").concurrency->group.text(), "deploy");
  const auto artifacts = detail(
                             "artifacts: [out/report.tar.gz, {name: log, path: '*.log', when: "
                             "failure}, {path: a, when: "
                             "always}]")
                             .artifacts;
  ASSERT_EQ(artifacts.size(), 3U);
  EXPECT_EQ(artifacts[0].name, "report");
  EXPECT_EQ(artifacts[0].when, Artifact::When::success);
  EXPECT_EQ(artifacts[1].name, "log");
  EXPECT_EQ(artifacts[1].when, Artifact::When::failure);
  EXPECT_EQ(artifacts[2].when, Artifact::When::always);
  EXPECT_EQ(detail("artifacts: x.txt").artifacts.at(0).name, "x");
}

TEST(Parse, equal_policies_and_details_are_kept_once) {
  std::string source = "tasks:\n";
  for (int i = 0; i < 100; ++i) {
    source += "  t" + std::to_string(i) + ": {run: x, retry: " + std::to_string(i % 2) +
              ", labels: {n: " + std::to_string(i % 3) + "}}\n";
  }
  const auto workflow = parse(source);
  EXPECT_EQ(workflow->policies.size(), 3U);
  EXPECT_EQ(workflow->groups[0].detail, workflow->groups[99].detail);
  EXPECT_NE(workflow->groups[0].detail, workflow->groups[1].detail);
  // 1.10 and 1.1 are one number, but two texts.
  const auto texts =
      parse("tasks: {a: {run: x, labels: {v: 1.10}}, b: {run: x, labels: {v: 1.1}}}");
  EXPECT_EQ(texts->groups[0].detail->labels.at("v"), "1.10");
  EXPECT_EQ(texts->groups[1].detail->labels.at("v"), "1.1");
}

TEST(Parse, aliases_and_merge_keys_work_in_workflows) {
  const auto workflow = parse(R"(
x-base: &base {run: "true", retry: 2, env: {A: 1}}
tasks:
  a: *base
  b: {<<: *base, retry: 5, needs: a}
)");
  EXPECT_EQ(workflow->policy_of(workflow->groups[0]).retry.max, 2);
  EXPECT_EQ(workflow->policy_of(workflow->groups[1]).retry.max, 5);
  EXPECT_EQ(workflow->groups[0].detail, workflow->groups[1].detail);
}

TEST(Parse, the_bare_command) {
  const auto workflow = bare_command_workflow();
  ASSERT_NE(workflow, nullptr);
  EXPECT_EQ(workflow, bare_command_workflow());
  EXPECT_EQ(workflow->groups.at(0).id, "main");
  const auto inputs = resolve_inputs(
      *workflow, Json(boost::json::object{{"argv", boost::json::array{"ls", "-l"}}}));
  ASSERT_TRUE(inputs) << inputs.error().text();
  Context context;
  context.inputs = &*inputs;
  const auto& arguments = std::get<Command>(workflow->groups[0].action).arguments;
  ASSERT_EQ(arguments.size(), 1U);
  EXPECT_EQ(*arguments[0].render_value(context), Json(boost::json::array({"ls", "-l"})));
}

}  // namespace
}  // namespace reeve::spec
