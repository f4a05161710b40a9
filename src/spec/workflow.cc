#include "spec/workflow.h"

#include <algorithm>

#include "spec/link.h"

namespace reeve::spec {
namespace {

tl::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

Status check_group(const Workflow& workflow, std::uint32_t index) {
  const TaskGroup& group = workflow.groups[index];
  const std::string task = "task '" + group.id + "': ";
  if (group.policy >= workflow.policies.size()) return invalid(task + "no such policy");
  if (index > 0 && group.phase < workflow.groups[index - 1].phase)
    return invalid(task + "main tasks come first, then on_failure, then finally");
  for (const Need& need : group.needs) {
    if (need.group.value >= workflow.groups.size()) return invalid(task + "a need is out of range");
    if (workflow.groups[need.group.value].phase > group.phase)
      return invalid(task + "a need runs in a later phase");
  }
  return {};
}

/// With each number replaced by one sign: `./sim --seed 17` is the same again with seed 18.
void add_shape(DigestBuilder& builder, std::string_view text) {
  std::string shape;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) shape += c;
    if (digit && (shape.empty() || shape.back() != '\1')) shape += '\1';
  }
  builder.add_number(shape.size());
  builder.add(shape);
}

std::uint64_t likeness_of(const Workflow& workflow, const TaskGroup& group) {
  DigestBuilder builder;
  for (const std::string_view text :
       {std::string_view(workflow.name), std::string_view(group.id)}) {
    builder.add_number(text.size());
    builder.add(text);
  }
  if (const auto* script = std::get_if<Script>(&group.action)) {
    add_shape(builder, script->shell);
    add_shape(builder, script->text.text());
  } else if (const auto* command = std::get_if<Command>(&group.action)) {
    for (const Template& argument : command->arguments) add_shape(builder, argument.text());
  }
  const Digest digest = builder.finish();
  std::uint64_t likeness = 0;
  for (std::size_t i = 0; i < sizeof likeness; ++i) likeness = likeness << 8 | digest.bytes[i];
  return likeness;
}

}  // namespace

bool TaskGroup::fails_fast() const {
  if (std::holds_alternative<std::monostate>(fan_out)) return false;
  if (detail) return detail->fail_fast;
  return std::holds_alternative<Matrix>(fan_out) || std::holds_alternative<DynamicMatrix>(fan_out);
}

std::optional<std::uint32_t> TaskGroup::static_count() const {
  if (const auto* array = std::get_if<Array>(&fan_out)) return array->count;
  if (const auto* matrix = std::get_if<Matrix>(&fan_out))
    return static_cast<std::uint32_t>(matrix->legs.size());
  if (std::holds_alternative<std::monostate>(fan_out)) return 1;
  return std::nullopt;
}

std::optional<GroupIndex> Workflow::find(std::string_view id) const {
  const auto found = std::ranges::find(groups, id, &TaskGroup::id);
  if (found == groups.end()) return std::nullopt;
  return GroupIndex{static_cast<std::uint32_t>(found - groups.begin())};
}

Result<std::shared_ptr<const Workflow>> finish(Workflow workflow) {
  if (workflow.groups.size() > kGroupsPerWorkflowMax) {
    return invalid("a workflow has at most " + std::to_string(kGroupsPerWorkflowMax) +
                   " entries under tasks");
  }
  if (workflow.policies.empty()) workflow.policies.emplace_back();
  workflow.main_count = 0;
  workflow.on_failure_count = 0;
  for (std::uint32_t i = 0; i < workflow.groups.size(); ++i) {
    TRY(check_group(workflow, i));
    workflow.groups[i].dependents.clear();
    if (workflow.groups[i].phase == Phase::main) ++workflow.main_count;
    if (workflow.groups[i].phase == Phase::on_failure) ++workflow.on_failure_count;
  }
  const auto cycles = find_cycles(workflow.groups);
  if (!cycles.empty())
    return invalid("the needs form a cycle: " + describe_cycle(workflow.groups, cycles[0]));
  for (std::uint32_t i = 0; i < workflow.groups.size(); ++i) {
    for (const Need& need : workflow.groups[i].needs)
      workflow.groups[need.group.value].dependents.push_back(GroupIndex{i});
  }
  for (TaskGroup& group : workflow.groups) group.likeness = likeness_of(workflow, group);
  workflow.digest = digest_of(workflow.source);
  // shared: runs, the engine and readers may outlive each other
  return std::make_shared<const Workflow>(std::move(workflow));
}

}  // namespace reeve::spec
