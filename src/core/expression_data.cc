// What expressions see of a run: built on demand from state, never stored.
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "core/launch.h"
#include "core/step.h"

namespace reeve::core {
namespace {

using boost::json::array;
using boost::json::object;

/// Adds a value under a name; a second one (several files of one artifact) makes a list of them.
void add_value(spec::Json& slot, const std::string& value) {
  if (slot.is_null()) {
    slot = value;
  } else if (slot.is_array()) {
    slot.get_array().emplace_back(value);
  } else {
    slot = array{std::move(slot), value};
  }
}

/// name → value of one task, or name → values in element order of a fan-out (null: not given).
object named_values(const Run& run, GroupIndex index, std::vector<OutputValue> TaskExtra::*member) {
  object values;
  const Group& group = run.groups[index.value];
  const bool fan_out = !std::holds_alternative<std::monostate>(run.group_spec(index).fan_out);
  for (std::uint32_t i = 0; i < group.count; ++i) {
    const TaskExtra* extra = run.extra(group.first + i);
    if (extra == nullptr) continue;
    for (const OutputValue& output : extra->*member) {
      spec::Json& slot = values[output.name];
      if (fan_out && !slot.is_array()) slot = array(group.count);
      add_value(fan_out ? slot.get_array()[i] : slot, output.value);
    }
  }
  return values;
}

spec::Json need_value(const Run& run, GroupIndex index) {
  const Group& group = run.groups[index.value];
  object value;
  value["result"] = std::string(name(result_of(group)));
  value["outputs"] = named_values(run, index, &TaskExtra::outputs);
  value["artifacts"] = named_values(run, index, &TaskExtra::artifacts);
  return value;
}

spec::Json needs_of(const Run& run, const spec::TaskGroup& group) {
  object needs;
  for (const spec::Need& need : group.needs)
    needs[run.group_spec(need.group).id] = need_value(run, need.group);
  // What runs at the end looks back at all that came before it.
  if (group.phase != spec::Phase::main) {
    for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
      const spec::TaskGroup& other = run.group_spec(GroupIndex{g});
      if (other.phase < group.phase && !needs.contains(other.id))
        needs[other.id] = need_value(run, GroupIndex{g});
    }
  }
  return needs;
}

spec::Context::Status status_of(const Run& run, const spec::TaskGroup& group) {
  if (run.record.cancel_requested) return spec::Context::Status::cancelled;
  if (group.phase != spec::Phase::main && group.needs.empty()) {
    for (std::uint32_t g = 0; g < run.workflow().main_count; ++g) {
      if (run.groups[g].failed > 0) return spec::Context::Status::failure;
    }
  }
  for (const spec::Need& need : group.needs) {
    if (result_of(run.groups[need.group.value]) == GroupResult::failure)
      return spec::Context::Status::failure;
  }
  return spec::Context::Status::success;
}

spec::Json leg_of(const Run& run, GroupIndex index, std::uint32_t element) {
  const spec::TaskGroup& group = run.group_spec(index);
  if (const auto* matrix = std::get_if<spec::Matrix>(&group.fan_out)) return matrix->legs[element];
  if (const auto* sequence = std::get_if<spec::Array>(&group.fan_out))
    return object{{"index", sequence->first + element * sequence->step}};
  const spec::Json* const items = run.expansion(index);
  if (items == nullptr || element >= items->get_array().size()) return object{};
  const spec::Json& item = items->get_array()[element];
  if (std::holds_alternative<spec::DynamicMatrix>(group.fan_out)) return item;
  return object{{"item", item}, {"index", element}};
}

spec::Json run_value(const Run& run) {
  return object{
      {"id", format_uuid("run", run.record.uuid)},
      {"number", run.record.id.value},
      {"name", run.record.texts && !run.record.texts->name.empty() ? run.record.texts->name
                                                                   : run.workflow().name},
      {"attempt", run.record.round},
      {"directory", run.record.origin->directory}};
}

spec::Json inputs_value(const Run& run) {
  if (run.record.inputs.empty()) return object{};
  boost::system::error_code error;
  spec::Json inputs = boost::json::parse(run.record.inputs.view(), error);
  return error ? spec::Json(object{}) : inputs;
}

/// Environment of workflow and task as the `env` context; an entry that fails is left out here and
/// reported where it is used.
object env_value(const Run& run, const spec::TaskGroup* group, const ExpressionData& data) {
  object env;
  const auto add = [&](const std::vector<spec::EnvEntry>& entries) {
    for (const auto& [key, value] : entries) {
      Result<std::string> text = value.render(data.context());
      if (text) env[key] = *std::move(text);
    }
  };
  add(run.workflow().env);
  if (group != nullptr && group->detail) add(group->detail->env);
  return env;
}

}  // namespace

spec::Context ExpressionData::context() const {
  spec::Context context;
  context.inputs = &inputs;
  context.env = &env;
  context.needs = &needs;
  context.matrix = matrix.is_null() ? nullptr : &matrix;
  context.run = &run;
  context.task = task.is_null() ? nullptr : &task;
  context.status = status;
  return context;
}

ExpressionData expression_data(const State&, const Run& run, GroupIndex index,
                               std::optional<std::uint32_t> task_index) {
  const spec::TaskGroup& group = run.group_spec(index);
  ExpressionData data;
  data.inputs = inputs_value(run);
  data.needs = needs_of(run, group);
  data.run = run_value(run);
  data.status = status_of(run, group);
  if (task_index) {
    const std::uint32_t element = *task_index - run.groups[index.value].first;
    if (!std::holds_alternative<std::monostate>(group.fan_out))
      data.matrix = leg_of(run, index, element);
    data.task =
        object{{"id", group.id}, {"index", element}, {"attempt", run.tasks[*task_index].attempt}};
  }
  data.env = object{};
  data.env = env_value(run, &group, data);
  return data;
}

ExpressionData run_expression_data(const State&, const Run& run) {
  ExpressionData data;
  data.inputs = inputs_value(run);
  data.run = run_value(run);
  object needs;
  if (!run.workflow().outputs.empty()) {
    for (std::uint32_t g = 0; g < run.groups.size(); ++g)
      needs[run.group_spec(GroupIndex{g}).id] = need_value(run, GroupIndex{g});
  }
  data.needs = std::move(needs);
  data.env = object{};
  data.env = env_value(run, nullptr, data);
  return data;
}

std::string task_label(const Run& run, std::uint32_t index) {
  const GroupIndex group = run.tasks[index].group;
  const spec::TaskGroup& spec = run.group_spec(group);
  if (std::holds_alternative<std::monostate>(spec.fan_out)) return spec.id;
  const std::uint32_t element = State::element_of(run, index);
  const bool matrix = std::holds_alternative<spec::Matrix>(spec.fan_out) ||
                      std::holds_alternative<spec::DynamicMatrix>(spec.fan_out);
  const spec::Json leg = leg_of(run, group, element);
  if (!matrix || !leg.is_object() || leg.get_object().empty())
    return spec.id + "[" + std::to_string(element) + "]";
  std::string label = spec.id + " (";
  bool first = true;
  for (const auto& entry : leg.get_object()) {
    if (!first) label += ", ";
    first = false;
    label += spec::to_text(entry.value());
  }
  return label + ")";
}

}  // namespace reeve::core
