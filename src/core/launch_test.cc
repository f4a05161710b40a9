// What an executor is told: templates rendered against the run.
#include "core/launch.h"

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::World;

Result<Launch> launch_of(World& w, std::string_view label) {
  w.strict = false;
  const test::Attempt& attempt = w.attempt(label);
  return render_launch(w.state(),
                       StartAttempt{attempt.task, attempt.number, attempt.token, PoolId{}});
}

std::string variable(const Launch& launch, std::string_view name) {
  std::string value = "(unset)";
  for (const auto& [key, text] : launch.environment) {
    if (key == name) value = text;
  }
  return value;
}

using Words = std::vector<std::string>;

TEST(Launch, of_a_script) {
  World w;
  w.submit(
      "tasks: {a: {run: make, timeout: {run: 1m, idle: 2s, start: 3s, grace: 4s}, output_limit: "
      "1Ki, resources: {cpu: 2}}}");
  const auto launch = launch_of(w, "a");
  ASSERT_TRUE(launch);
  EXPECT_EQ(launch->arguments, (Words{"sh", "-e"}));
  EXPECT_EQ(launch->script, "make");
  EXPECT_EQ(launch->work_directory, "/work");
  EXPECT_EQ(launch->run_timeout, std::chrono::minutes{1});
  EXPECT_EQ(launch->idle_timeout, std::chrono::seconds{2});
  EXPECT_EQ(launch->start_timeout, std::chrono::seconds{3});
  EXPECT_EQ(launch->grace, std::chrono::seconds{4});
  EXPECT_EQ(launch->output_bytes_max, 1024);
  EXPECT_EQ(launch->resources.cpu_millicores, 2000);
  EXPECT_EQ(launch->task, w.id("a"));
  EXPECT_EQ(launch->attempt, 1U);
  EXPECT_EQ(launch->run, w.record().uuid);
  EXPECT_EQ(variable(*launch, "REEVE_TASK_ID"), "a");
  EXPECT_EQ(variable(*launch, "REEVE_TASK_INDEX"), "0");
}

/// What encloses it has the limits of the variant that it was given.
TEST(Launch, has_the_resources_of_the_variant_that_was_taken) {
  test::World w(test::cpus(4));
  w.strict = false;
  w.submit("tasks: {t: {run: x, resources: [{gpu: 1, cpu: 1}, {cpu: 3}]}}");
  const Token token = w.attempt("t").token;
  const auto launch = render_launch(w.state(), {w.id("t"), 1, token, PoolId{}});
  ASSERT_TRUE(launch);
  EXPECT_EQ(launch->resources, test::cpus(3));
  w.restart();
  EXPECT_EQ(w.state().planner.nodes.used(schedule::NodeId{0}), test::cpus(3));
  w.succeed("t");
}

TEST(Launch, each_shell_gets_its_own_options) {
  World w;
  w.submit(
      "inputs: {none: {}}\ntasks: {a: {run: x, shell: bash}, b: {run: x, shell: python3}, c: {run: "
      "'${{ inputs.none }}'}}",
      {.inputs = R"({"none":""})"});
  EXPECT_EQ(launch_of(w, "a")->arguments,
            (Words{"bash", "--noprofile", "--norc", "-e", "-o", "pipefail"}));
  EXPECT_EQ(launch_of(w, "b")->arguments, (Words{"python3"}));
  EXPECT_EQ(launch_of(w, "c")->script, "\n");  // an empty script is not "no script"
}

TEST(Launch, of_a_command_with_expressions) {
  World w;
  w.submit(
      "inputs: {files: {type: object}, n: {type: number}}\n"
      "tasks: {a: {command: [wc, '-${{ inputs.n }}', '${{ inputs.files }}', '${{ task.attempt }}', "
      "'${{ run.number }}']}, b: {command: [true]}}",
      {.inputs = R"({"files":["p q","r"],"n":3})"});
  EXPECT_EQ(launch_of(w, "a")->arguments, (Words{"wc", "-3", "p q", "r", "1", "1"}));
  EXPECT_EQ(launch_of(w, "b")->arguments, (Words{"true"}));
}

TEST(Launch, environment_of_workflow_and_task) {
  World w;
  w.submit(
      "inputs: {who: {}}\nenv: {A: '${{ inputs.who }}', B: b}\n"
      "tasks: {a: {run: x, env: {B: '${{ inputs.who }}-2', C: '${{ task.id }}'}}, m: {run: x, "
      "matrix: "
      "{v: [7, 8]}, env: {V: '${{ matrix.v }}'}}}",
      {.inputs = R"({"who":"ada"})"});
  const auto a = launch_of(w, "a");
  EXPECT_EQ(variable(*a, "A"), "ada");
  EXPECT_EQ(variable(*a, "B"), "ada-2");
  EXPECT_EQ(variable(*a, "C"), "a");
  EXPECT_EQ(variable(*launch_of(w, "m (8)"), "V"), "8");
  EXPECT_EQ(variable(*launch_of(w, "m (8)"), "REEVE_TASK_INDEX"), "1");
}

TEST(Launch, work_directory_is_relative_to_that_of_the_run) {
  World w;
  w.submit(
      "inputs: {d: {}}\ntasks: {a: {run: x, workdir: 'sub/${{ inputs.d }}'}, b: {run: x, workdir: "
      "/tmp}, c: {run: x, artifacts: [o]}}",
      {.inputs = R"({"d":"deep"})"});
  EXPECT_EQ(launch_of(w, "a")->work_directory, "/work/sub/deep");
  EXPECT_EQ(launch_of(w, "b")->work_directory, "/tmp");
  EXPECT_EQ(render_work_place(w.state(), w.id("a"))->directory, "/work/sub/deep");
  EXPECT_EQ(render_work_place(w.state(), w.id("c"))->directory, "/work");
}

TEST(Launch, carries_the_sandbox_with_rendered_paths) {
  World w;
  ASSERT_TRUE(w.request(EngineStarted{.engine = "test", .sandbox = kAllAllowed}));
  w.submit(
      "inputs: {d: {}}\ndefaults: {sandbox: {readable: [/usr/share]}}\n"
      "tasks: {a: {run: x}, b: {run: x, sandbox: none}, c: {run: x, sandbox: {network: host, "
      "writable: [out, '/var/${{ inputs.d }}']}}}",
      {.inputs = R"({"d":"deep"})"});
  const SandboxRequest standard{.readable = {"/usr/share"}, .writable = {}};
  EXPECT_EQ(launch_of(w, "a")->sandbox, standard);
  EXPECT_EQ(launch_of(w, "b")->sandbox,
            (SandboxRequest{SandboxTier::none, SandboxNetwork::none, {"/usr/share"}, {}}));
  EXPECT_EQ(launch_of(w, "c")->sandbox,
            (SandboxRequest{
                SandboxTier::native, SandboxNetwork::host, {"/usr/share"}, {"out", "/var/deep"}}));
}

TEST(Launch, is_warm_where_what_waits_can_read_the_text) {
  World w;
  w.submit(
      "defaults: {warm: python}\ntasks: {a: {run: x}, b: {run: x, shell: bash}, c: {command: [x]}, "
      "d: {run: x, warm: {command: [w]}, shell: perl}}");
  EXPECT_EQ(launch_of(w, "a")->sandbox.warm.kind, WarmKind::python);
  EXPECT_EQ(launch_of(w, "b")->sandbox.warm, WarmRequest{});
  EXPECT_EQ(launch_of(w, "c")->sandbox.warm, WarmRequest{});
  EXPECT_EQ(launch_of(w, "d")->sandbox.warm.command, std::vector<std::string>{"w"});
}

TEST(Launch, names_secrets_of_workflow_and_task) {
  World w;
  w.submit("secrets: [A]\ntasks: {a: {run: x, secrets: [B]}, b: {run: x}}");
  using Secrets = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(launch_of(w, "a")->secrets, (Secrets{{"A", ""}, {"B", ""}}));
  EXPECT_EQ(launch_of(w, "b")->secrets, (Secrets{{"A", ""}}));
}

TEST(Launch, what_cannot_be_rendered_says_where) {
  const std::string bad = "'${{ fromJSON(inputs.bad) }}'";
  for (const auto& [task, place] : std::initializer_list<std::pair<std::string, std::string>>{
           {"run: " + bad, "run: "},
           {"command: [x, " + bad + "]", "command: "},
           {"command: ['${{ inputs.none }}']", "command: command: it is empty"},
           {"command: ['${{ inputs.list }}']", "command: command: it is empty"},
           {"run: x, env: {E: " + bad + "}", "env.E: "},
           {"run: x, workdir: " + bad, "workdir: "},
           {"run: x, sandbox: {readable: " + bad + "}", "sandbox.readable: "},
           {"run: x, sandbox: {writable: ['${{ inputs.none }}']}",
            "sandbox.writable: '${{ inputs.none }}' gives no path"}}) {
    World w;
    w.submit("inputs: {bad: {}, none: {}, list: {type: object}}\ntasks: {a: {" + task + "}}",
             {.inputs = R"({"bad":"{","none":"","list":[]})"});
    const auto launch = launch_of(w, "a");
    ASSERT_FALSE(launch) << task;
    EXPECT_TRUE(launch.error().text().starts_with(place)) << launch.error().text();
  }
}

TEST(Launch, artifact_paths_that_cannot_be_rendered_say_where) {
  World w;
  w.submit(
      "inputs: {bad: {}}\ntasks: {a: {run: x, artifacts: [{name: n, path: '${{ "
      "fromJSON(inputs.bad) }}'}]}, b: {run: x}}",
      {.inputs = R"({"bad":"{"})"});
  w.succeed("a");
  const auto paths = render_artifacts(w.state(), w.id("a"));
  ASSERT_FALSE(paths);
  EXPECT_TRUE(paths.error().text().starts_with("artifacts.n: ")) << paths.error().text();
  EXPECT_TRUE(render_artifacts(w.state(), w.id("b"))->empty());
  w.strict = false;
}

TEST(Labels, say_which_element) {
  World w;
  w.submit(
      "tasks: {one: {run: x}, arr: {run: x, array: 2}, mat: {run: x, matrix: {os: [a], v: [1, "
      "true, "
      "[x]]}}, each: {run: x, for_each: '${{ fromJSON(inputs.l) }}'}, dyn: {run: x, matrix: '${{ "
      "fromJSON(inputs.m) }}'}}\ninputs: {l: {}, m: {}}",
      {.inputs = R"({"l":"[{\"k\":1}]","m":"{\"z\":[\"q\"]}"})"});
  for (const char* label : {"one", "arr[1]", "mat (a, 1)", "mat (a, true)", "each[0]", "dyn (q)"})
    w.id(label);
  w.strict = false;
}

TEST(Expressions, see_the_run_and_the_environment) {
  World w;
  w.submit(
      "name: nightly\nenv: {X: '${{ inputs.x }}', Y: y}\ninputs: {x: {}}\n"
      "tasks: {a: {command: ['${{ run.id }}', '${{ run.name }}', '${{ run.attempt }}', '${{ "
      "run.directory }}', '${{ env.X }}${{ env.Y }}']}}",
      {.inputs = R"({"x":"1"})"});
  EXPECT_EQ(launch_of(w, "a")->arguments,
            (Words{format_uuid("run", w.record().uuid), "nightly", "1", "/work", "1y"}));
}

TEST(Expressions, inputs_that_are_no_json_are_none) {
  World w;
  w.submit("inputs: {x: {}}\ntasks: {a: {command: ['${{ inputs.x }}', y]}}", {.inputs = "{"});
  EXPECT_EQ(launch_of(w, "a").has_value(), false);
}

TEST(Expressions, an_entry_of_env_that_fails_is_reported_where_it_is_used) {
  World w;
  w.submit(
      "inputs: {x: {}}\nenv: {X: '${{ fromJSON(inputs.x) }}'}\n"
      "tasks: {a: {run: x, if: '${{ env.X == null }}'}}",
      {.inputs = R"({"x":"{"})"});
  const auto launch = launch_of(w, "a");
  ASSERT_FALSE(launch);
  EXPECT_TRUE(launch.error().text().starts_with("env.X: ")) << launch.error().text();
}

TEST(Events, have_names) {
  EXPECT_EQ(name(Event{SubmitRun{}}), "submit_run");
  EXPECT_EQ(name(Event{Tick{}}), "tick");
  EXPECT_EQ(name(Event{RunReloaded{}}), "run_reloaded");
}

}  // namespace
}  // namespace reeve::core
