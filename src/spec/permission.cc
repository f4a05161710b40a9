#include "spec/permission.h"

#include <algorithm>

#include "spec/shape_check.h"
#include "spec/yaml_events.h"

namespace reeve::spec {
namespace {

bool runs_something(const TaskGroup& group) {
  return !std::holds_alternative<Approval>(group.action);
}

std::string_view key_of(Phase phase) {
  switch (phase) {
    case Phase::main: return "tasks";
    case Phase::on_failure: return "on_failure";
    case Phase::finally: break;
  }
  return "finally";
}

std::string message_for(const TaskGroup& group, Unenclosed what) {
  const std::string wish = what == Unenclosed::unsandboxed ? "to run without a sandbox (tier none)"
                                                           : "the network of this machine";
  return "the task '" + group.id + "' wants " + wish +
         ", which needs permission: " + std::string(flag_for(what));
}

/// What a map under `sandbox`, or the bare name of a tier, says of it.
std::optional<YamlNode> find_wish(const Section& section, Unenclosed what) {
  const auto sandbox = section.get("sandbox");
  if (!sandbox) return std::nullopt;
  const bool is_tier = what == Unenclosed::unsandboxed;
  if (sandbox->is_scalar()) return is_tier ? sandbox : std::nullopt;
  return Section(*sandbox, *find_field(task_shape(), "sandbox")->shape)
      .get(is_tier ? "tier" : "network");
}

/// Where the file says so: the task, else the defaults.
std::size_t locate(const YamlText& text, const TaskGroup& group, Unenclosed what) {
  const auto root = text.document.root();
  if (!root) return 0;
  const Section file(*root, workflow_shape());
  const auto tasks = file.get(key_of(group.phase));
  const auto task = tasks ? tasks->find(group.id) : std::nullopt;
  if (task) {
    if (const auto wish = find_wish(Section(*task, task_shape()), what)) return wish->offset();
  }
  const auto defaults = file.get("defaults");
  if (defaults) {
    const Shape& shape = *find_field(workflow_shape(), "defaults")->shape;
    if (const auto wish = find_wish(Section(*defaults, shape), what)) return wish->offset();
  }
  return task ? task->offset() : 0;
}

}  // namespace

std::vector<Diagnostic> check_permission(const Workflow& workflow, const SandboxRules& rules) {
  const bool is_all_permitted = std::ranges::none_of(workflow.policies, [&](const Policy& policy) {
    return missing_permission(policy.sandbox, rules).has_value();
  });
  if (is_all_permitted) return {};
  const std::string_view source = without_mark(workflow.source);
  const YamlText text = read_yaml(source);
  Diagnostics diagnostics(source, workflow.origin);
  for (const TaskGroup& group : workflow.groups) {
    const auto missing = missing_permission(workflow.policy_of(group).sandbox, rules);
    if (!missing || !runs_something(group) || diagnostics.is_full()) continue;
    diagnostics.error(locate(text, group, *missing), message_for(group, *missing));
  }
  return diagnostics.take();
}

SandboxTier weakest_tier(const Workflow& workflow, const SandboxRules& rules) {
  SandboxTier weakest = SandboxTier::native;
  for (const TaskGroup& group : workflow.groups) {
    if (runs_something(group))
      weakest = std::min(weakest, enforced(workflow.policy_of(group).sandbox, rules).tier);
  }
  return weakest;
}

}  // namespace reeve::spec
