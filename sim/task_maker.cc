#include "sim/task_maker.h"

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

spec::Template parse(const std::string& text) {
  auto parsed = spec::Template::parse(text);
  ENSURE(parsed.has_value());
  return *std::move(parsed);
}

/// Whether the group writes an output `items` when it succeeds.
bool gives_items(const spec::TaskGroup& group) {
  const auto* script = std::get_if<spec::Script>(&group.action);
  return script != nullptr && script->text.text().starts_with("outputs:items");
}

}  // namespace

Resources TaskMaker::make_request() {
  Resources request;
  const std::int64_t cpu = shape_.capacity.cpu_millicores;
  switch (random_.below(6)) {
    case 0: request.cpu_millicores = cpu; break;  // all of it
    case 1: request.cpu_millicores = std::max<std::int64_t>(cpu / 2, 1); break;
    case 2:
      request.cpu_millicores = 250;
      request.memory_bytes = shape_.capacity.memory_bytes / 3;
      break;
    case 3:
      request.cpu_millicores = 100;
      request.gpu_milli = shape_.capacity.gpu_milli / 2;
      break;
    case 4:
      request.cpu_millicores = 500;
      if (!shape_.capacity.countables.empty()) request.countables = {{"licence", 1}};
      break;
    default: request.cpu_millicores = 1000; break;
  }
  if (has(Feature::unplaceable) && random_.chance(15))
    request.cpu_millicores = cpu + 1;  // never placeable
  return request;
}

void TaskMaker::add_timeouts(spec::Timeouts& timeouts) {
  if (random_.chance(150)) timeouts.run = random_.any_scale(milliseconds{20}, minutes{1});
  if (random_.chance(100)) timeouts.idle = random_.any_scale(milliseconds{20}, minutes{1});
  if (random_.chance(80)) timeouts.queue = random_.any_scale(seconds{1}, minutes{10});
  if (random_.chance(80)) timeouts.start = random_.any_scale(milliseconds{5}, minutes{1});
  if (random_.chance(500)) timeouts.grace = random_.any_scale(milliseconds{1}, seconds{30});
}

spec::Policy TaskMaker::make_policy() {
  spec::Policy policy;
  policy.resources = make_request();
  if (has(Feature::priorities) && random_.chance(300))
    policy.priority = static_cast<std::int32_t>(random_.between(-2, 2));
  if (has(Feature::retries) && random_.chance(500)) {
    policy.retry.max = static_cast<std::int32_t>(random_.between(0, 4));
    policy.retry.backoff.initial = random_.any_scale(milliseconds{1}, seconds{20});
    policy.retry.backoff.jitter = random_.chance(500);
    policy.retry.backoff.max = minutes{1};
    if (random_.chance(200)) policy.retry.rule(OutcomeClass::exited).retried = false;
    if (random_.chance(200)) policy.retry.rule(OutcomeClass::signalled).limit = 1;
    if (random_.chance(200)) policy.retry.rule(OutcomeClass::rejected).retried = true;
    if (random_.chance(100)) policy.retry.rule(OutcomeClass::lost).limit = 1;
    if (random_.chance(100)) policy.retry.rule(OutcomeClass::start_failed).retried = false;
  }
  if (has(Feature::timeouts)) add_timeouts(policy.timeouts);
  const bool locks = has(Feature::locks);
  if (locks && random_.chance(200)) policy.locks.push_back({"database", 1});
  if (locks && random_.chance(100))
    policy.locks.push_back({"tape", static_cast<std::int32_t>(random_.between(1, 2))});
  if (has(Feature::hedges) && random_.chance(400)) {
    policy.idempotent = true;
    policy.hedge.max = static_cast<std::uint32_t>(random_.between(1, 3));
    policy.hedge.quantile = static_cast<double>(random_.between(50, 95)) / 100;
    if (random_.chance(700)) policy.hedge.after = random_.any_scale(milliseconds{1}, seconds{20});
  }
  if (has(Feature::batches) && policy.hedge.max == 0 && batches_.chance(600)) {
    policy.batch.max = static_cast<std::uint32_t>(batches_.between(2, 6));
    if (batches_.chance(400))
      policy.batch.max_wait = batches_.any_scale(milliseconds{1}, seconds{20});
  }
  if (has(Feature::flights) && batches_.chance(200)) policy.single_flight = true;
  return policy;
}

void TaskMaker::add_policies(spec::Workflow& workflow) {
  workflow.lock_limits = {{"tape", 2}};
  const std::int64_t count = random_.between(1, 4);
  for (std::int64_t i = 0; i < count; ++i) workflow.policies.push_back(make_policy());
}

void TaskMaker::add_action(spec::TaskGroup& group) {
  switch (random_.below(12)) {
    case 0:
      if (!has(Feature::approvals)) break;
      group.action = spec::Approval{
          .by = {},
          .timeout = random_.chance(600) ? random_.any_scale(seconds{1}, hours{1}) : Duration{0}};
      return;
    case 1:
    case 2:
    case 3: {
      const std::string items = fmt::format("[{}]", random_.chance(100) ? "" : "1, 2, \"x\"");
      group.action = spec::Script{.text = spec::Template::literal("outputs:items=" + items)};
      return;
    }
    case 4:
      group.action = spec::Command{
          .arguments = {spec::Template::literal("work"), parse("${{ inputs.flag }}")}};
      return;
    case 5:
      if (random_.chance(300)) {  // cannot be rendered: the launch is rejected
        group.action = spec::Script{.text = parse("work ${{ fromJSON('{') }}")};
        return;
      }
      break;
    default: break;
  }
  group.action = spec::Script{.text = spec::Template::literal("work")};
}

void TaskMaker::add_fan_out(const spec::Workflow& workflow, spec::TaskGroup& group) {
  const auto count = static_cast<std::uint32_t>(random_.between(1, shape_.fan_out_max));
  for (const spec::Need& need : group.needs) {
    const spec::TaskGroup& from = workflow.groups[need.group.value];
    if (!gives_items(from) || !random_.chance(700)) continue;
    // From a fan-out or a task that failed the output may be missing: then this one fails.
    const std::string output = fmt::format("fromJSON(needs.{}.outputs.items)", from.id);
    if (random_.chance(700))
      group.fan_out = spec::ForEach{parse("${{ " + output + " }}")};
    else
      group.fan_out =
          spec::DynamicMatrix{parse(fmt::format("${{{{ fromJSON(format('{{{{\"n\": {{0}}}}}}', "
                                                "needs.{}.outputs.items)) }}}}",
                                                from.id))};
    return;
  }
  switch (random_.below(10)) {
    case 0: group.fan_out = spec::Array{.first = 0, .count = count, .step = 1}; return;
    case 1: {
      spec::Matrix matrix;
      for (std::uint32_t i = 0; i < count; ++i)
        matrix.legs.push_back(boost::json::object{{"os", "debian"}, {"n", i}});
      group.fan_out = std::move(matrix);
      return;
    }
    case 2:
      group.fan_out = spec::ForEach{parse(fmt::format("${{{{ {} }}}}", random_.below(4)))};
      return;
    default: return;
  }
}

void TaskMaker::add_condition(spec::TaskGroup& group) {
  if (!has(Feature::conditions) || !random_.chance(200)) return;
  static constexpr std::string_view kConditions[] = {
      "always()", "failure()", "success()",           "cancelled()",          "!cancelled()",
      "false",    "true",      "inputs.flag == 'on'", "inputs.flag == 'off'", "fromJSON('{')"};
  auto condition = spec::Expression::parse(kConditions[random_.below(std::size(kConditions))]);
  ENSURE(condition.has_value());
  group.condition = *std::move(condition);
}

void TaskMaker::add_detail(spec::TaskGroup& group) {
  if (random_.chance(500)) return;
  spec::GroupDetail detail;
  if (has(Feature::task_groups) && random_.chance(150)) {
    const std::uint64_t which = random_.below(2);
    using WhenBusy = spec::Concurrency::WhenBusy;
    detail.concurrency = spec::Concurrency{
        .group = spec::Template::literal(which == 0 ? "stage" : "printer"),
        .limit = which == 0 ? 2 : 1,
        .when_busy = random_.chance(300) ? WhenBusy::cancel_in_progress : WhenBusy::queue};
  }
  if (has(Feature::deadlines) && random_.chance(100))
    detail.deadline = random_.any_scale(seconds{2}, hours{1});
  if (has(Feature::forgiveness) && random_.chance(200))
    detail.continue_on_error = parse(random_.chance(700) ? "true" : "${{ inputs.flag == 'on' }}");
  if (has(Feature::max_parallel) && random_.chance(250))
    detail.max_parallel = static_cast<std::uint32_t>(random_.between(1, 3));
  detail.fail_fast = random_.chance(500);
  if (has(Feature::artifacts) && random_.chance(200)) {
    const auto when = static_cast<spec::Artifact::When>(random_.below(3));
    detail.artifacts.push_back(
        {.name = "report", .path = spec::Template::literal("out/report.txt"), .when = when});
  }
  // shared: as in TaskGroup
  group.detail = std::make_shared<const spec::GroupDetail>(std::move(detail));
}

spec::TaskGroup TaskMaker::make(const spec::Workflow& workflow, spec::Phase phase,
                                const std::vector<std::uint32_t>& needs) {
  spec::TaskGroup group;
  group.id = fmt::format("g{}", workflow.groups.size());
  group.phase = phase;
  group.policy = static_cast<std::uint32_t>(random_.below(workflow.policies.size()));
  for (const std::uint32_t need : needs) {
    auto condition = spec::NeedCondition::success;
    const bool any = has(Feature::need_conditions);
    if (any && random_.chance(200)) condition = spec::NeedCondition::always;
    if (any && random_.chance(80)) condition = spec::NeedCondition::failure;
    group.needs.push_back({GroupIndex{need}, condition});
  }
  add_action(group);
  add_condition(group);
  add_detail(group);
  if (has(Feature::fan_outs) && !std::holds_alternative<spec::Approval>(group.action))
    add_fan_out(workflow, group);
  return group;
}

}  // namespace reeve::sim
