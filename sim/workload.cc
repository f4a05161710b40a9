#include "sim/workload.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "sim/task_maker.h"
#include "spec/parse.h"

namespace reeve::sim {
namespace {

constexpr std::string_view kGraphs[] = {"chain", "layers", "fan", "diamond", "random"};

/// The groups that group `i` of a phase, which begins at `begin`, needs.
std::vector<std::uint32_t> pick_needs(Generator& random, std::string_view graph,
                                      std::uint32_t begin, std::uint32_t i) {
  if (i == begin) return {};
  if (graph == "chain") return {i - 1};
  if (graph == "fan") return random.chance(700) ? std::vector{begin} : std::vector<std::uint32_t>{};
  std::vector<std::uint32_t> needs;
  const std::uint32_t reach = graph == "diamond" ? 2 : graph == "layers" ? 4 : i - begin;
  for (std::uint32_t n = i - std::min(reach, i - begin); n < i; ++n) {
    if (needs.size() < 4 && random.chance(graph == "diamond" ? 900 : 400)) needs.push_back(n);
  }
  return needs;
}

void add_groups(TaskMaker& maker, Generator& random, const Shape& shape, spec::Workflow& workflow) {
  const std::string_view graph = kGraphs[random.below(std::size(kGraphs))];
  const auto main = static_cast<std::uint32_t>(random.between(1, shape.groups_max));
  for (std::uint32_t i = 0; i < main; ++i) {
    workflow.groups.push_back(
        maker.make(workflow, spec::Phase::main, pick_needs(random, graph, 0, i)));
  }
  for (const spec::Phase phase : {spec::Phase::on_failure, spec::Phase::finally}) {
    if (!has(shape, Feature::phases) || !random.chance(250)) continue;
    const auto begin = static_cast<std::uint32_t>(workflow.groups.size());
    const auto count = static_cast<std::uint32_t>(random.between(1, 2));
    for (std::uint32_t i = begin; i < begin + count; ++i)
      workflow.groups.push_back(maker.make(workflow, phase, pick_needs(random, "chain", begin, i)));
  }
}

void add_settings(Generator& random, const Shape& shape, spec::Workflow& workflow) {
  if (has(shape, Feature::priorities))
    workflow.priority = static_cast<std::int32_t>(random.between(-1, 1));
  if (has(shape, Feature::deadlines) && random.chance(100))
    workflow.deadline = random.any_scale(std::chrono::seconds{5}, std::chrono::hours{2});
  if (has(shape, Feature::run_groups) && random.chance(350)) {
    // The last of them is two groups: one for each value of the input.
    static constexpr std::string_view kGroups[] = {"deploy", "nightly", "on-${{ inputs.flag }}"};
    const std::size_t which = random.below(std::size(kGroups));
    auto group = spec::Template::parse(kGroups[which]);
    ENSURE(group.has_value());
    using WhenBusy = spec::Concurrency::WhenBusy;
    workflow.concurrency = spec::Concurrency{
        .group = *std::move(group),
        .limit = which == 1 ? 2 : 1,
        .when_busy = random.chance(300) ? WhenBusy::cancel_in_progress : WhenBusy::queue};
  }
  if (random.chance(200)) {
    workflow.outputs.emplace_back(
        "first", *spec::Template::parse("${{ needs." + workflow.groups[0].id + ".result }}"));
  }
}

}  // namespace

WorkflowPointer make_workflow(std::uint64_t seed, std::uint32_t number, const Shape& shape) {
  Generator random{
      derive_seed(derive_seed(seed, number), static_cast<std::uint64_t>(Concern::workload))};
  spec::Workflow workflow;
  workflow.name = fmt::format("flow-{}", number);
  workflow.source = fmt::format("simulated workflow {} of seed {}", number, seed);
  workflow.inputs.push_back({.name = "flag", .fallback = spec::Json("on"), .options = {}});
  TaskMaker maker{random, shape};
  maker.add_policies(workflow);
  add_groups(maker, random, shape, workflow);
  add_settings(random, shape, workflow);
  auto finished = spec::finish(std::move(workflow));
  ENSURE(finished.has_value());
  return *finished;
}

std::string make_yaml(std::uint64_t seed, std::uint32_t number, const Shape& shape) {
  Generator random{derive_seed(derive_seed(seed, number), 77)};
  std::string text = fmt::format("name: yaml-{}\ntasks:\n", number);
  const auto count = static_cast<std::uint32_t>(random.between(1, shape.groups_max));
  for (std::uint32_t i = 0; i < count; ++i) {
    text += fmt::format("  t{}:\n    run: echo {}\n", i, i);
    if (i > 0 && random.chance(600)) text += fmt::format("    needs: [t{}]\n", random.below(i));
    switch (random.below(5)) {
      case 0: text += "    matrix:\n      os: [debian, alpine]\n      n: [1, 2]\n"; break;
      case 1: text += fmt::format("    array: {}\n", random.between(1, shape.fan_out_max)); break;
      case 2: text += "    for_each: ${{ fromJSON('[\"a\", \"b\"]') }}\n"; break;
      default: break;
    }
    if (random.chance(300)) text += "    retry: {max: 2, backoff: {initial: 1s, max: 5s}}\n";
    if (random.chance(200)) text += "    timeout: 20s\n";
    if (random.chance(200)) text += "    resources: {cpu: 500m}\n";
    if (random.chance(150)) text += "    continue-on-error: true\n";
  }
  if (random.chance(300)) text += "finally:\n  clean:\n    run: echo clean\n";
  return text;
}

std::vector<WorkflowPointer> make_workflows(std::uint64_t seed, const Shape& shape) {
  Generator random{seed, Concern::workload};
  std::vector<WorkflowPointer> workflows;
  for (std::uint32_t i = 0; i < shape.workflows; ++i) {
    if (random.chance(150)) {
      const spec::Parsed parsed =
          spec::parse_workflow(make_yaml(seed, i, shape), fmt::format("flow-{}.yaml", i));
      ENSURE(parsed.workflow != nullptr);
      workflows.push_back(parsed.workflow);
    } else {
      workflows.push_back(make_workflow(seed, i, shape));
    }
  }
  return workflows;
}

}  // namespace reeve::sim
