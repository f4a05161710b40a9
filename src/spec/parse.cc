#include "spec/parse.h"

#include <algorithm>
#include <array>

#include "spec/link.h"
#include "spec/read_tasks.h"
#include "spec/references.h"
#include "spec/shape_check.h"
#include "spec/suggest.h"
#include "spec/yaml_events.h"

namespace reeve::spec {
namespace {

const Shape& file_shape_of(std::string_view field) {
  return *find_field(workflow_shape(), field)->shape;
}

// "ci/nightly-build.yaml" → "nightly-build"
std::string name_from_origin(std::string_view origin) {
  const std::size_t slash = origin.rfind('/');
  const std::string_view file = slash == std::string_view::npos ? origin : origin.substr(slash + 1);
  const std::size_t dot = file.rfind('.');
  return std::string(dot == 0 || dot == std::string_view::npos ? file : file.substr(0, dot));
}

InputType read_input_type(std::string_view name) {
  if (name == "number") return InputType::number;
  if (name == "boolean") return InputType::boolean;
  if (name == "choice") return InputType::choice;
  if (name == "object") return InputType::object;
  return InputType::string;
}

class WorkflowReader {
 public:
  WorkflowReader(std::string_view source, std::string_view origin)
      : diagnostics_(without_mark(source), origin),
        reading_(diagnostics_) {
    workflow_.source = source;
    workflow_.origin = origin;
    text_ = read_yaml(without_mark(source));
  }

  Parsed run() {
    for (YamlProblem& problem : text_.problems)
      diagnostics_.error(problem.offset, std::move(problem.message));
    const auto root = text_.document.root();
    if (root && root->is_map()) {
      check_shape(*root, workflow_shape(), diagnostics_);
      read(Section(*root, workflow_shape()));
    } else if (root || text_.problems.empty()) {
      diagnostics_.error(root ? root->offset() : 0,
                         "expected a map with 'tasks': a workflow holds at least one task");
    }
    if (diagnostics_.has_errors()) return {nullptr, std::nullopt, diagnostics_.take()};
    auto finished = finish(std::move(workflow_));
    if (finished) return {std::move(*finished), std::move(parallelism_), diagnostics_.take()};
    diagnostics_.error(0, finished.error().text());
    return {nullptr, std::nullopt, diagnostics_.take()};
  }

 private:
  void read(const Section& file) {
    read_heading(file);
    read_inputs(file);
    read_env_and_secrets(file);
    TaskReader tasks(reading_, workflow_);
    if (const auto queue = file.get("queue")) tasks.read_queue(*queue);
    if (const auto defaults = file.get("defaults")) tasks.read_defaults(*defaults);
    if (const auto node = file.get("tasks")) tasks.read(*node, Phase::main);
    if (const auto node = file.get("on_failure")) tasks.read(*node, Phase::on_failure);
    if (const auto node = file.get("finally")) tasks.read(*node, Phase::finally);
    if (const auto outputs = file.get("outputs")) read_outputs(*outputs);

    GroupNames names(workflow_.groups);
    link_needs(tasks, names, workflow_, diagnostics_);
    for (const auto& cycle : find_cycles(workflow_.groups)) {
      diagnostics_.error(tasks.keys()[cycle[0]],
                         "the needs form a cycle: " + describe_cycle(workflow_.groups, cycle));
    }
    check_references(reading_.sites(), names, workflow_, diagnostics_);
    check_totals(tasks, workflow_, diagnostics_);
    if (diagnostics_.has_errors()) return;
    // Last: expressions may name only the needs that the file itself says.
    if (file.has("parallel"))
      parallelism_ = find_needs(tasks.touches(), tasks.keys(), workflow_, diagnostics_);
    else if (tasks.has_touches())
      warn_of_meetings(tasks.touches(), tasks.keys(), workflow_, diagnostics_);
  }

  void read_heading(const Section& file) {
    const auto name = file.get("name");
    workflow_.name = name ? reading_.read_text(*name) : name_from_origin(workflow_.origin);
    if (const auto text = file.get("description"))
      workflow_.description = reading_.read_text(*text);
    if (const auto labels = file.get("labels")) workflow_.labels = read_labels(*labels);
    if (const auto priority = file.get("priority"))
      workflow_.priority = static_cast<std::int32_t>(reading_.read_integer(*priority));
    if (const auto deadline = file.get("deadline"))
      workflow_.deadline = reading_.read_duration(*deadline);
    if (const auto moment = file.get("not_before")) {
      if (const auto time = parse_time(moment->text())) workflow_.not_before = *time;
    }
    if (const auto value = file.get("concurrency"))
      workflow_.concurrency = read_concurrency(*value, Place::workflow_concurrency, reading_);
    if (const auto locks = file.get("locks")) read_lock_limits(*locks);
  }

  void read_lock_limits(const YamlNode& node) {
    for (const YamlNode::Entry& entry : node.entries()) {
      std::optional<YamlNode> limit = entry.value;
      if (entry.value.is_map())
        limit = Section(entry.value, *file_shape_of("locks").value).get("limit");
      if (!limit) continue;
      workflow_.lock_limits[reading_.read_text(entry.key)] =
          static_cast<std::int32_t>(reading_.read_integer(*limit));
    }
  }

  void read_inputs(const Section& file) {
    auto inputs = file.get("inputs");
    const auto on = file.get("on");
    const auto manual =
        on && on->is_map() ? Section(*on, file_shape_of("on")).get("manual") : std::nullopt;
    if (manual && manual->is_map()) {
      const auto nested = manual->find("inputs");
      if (inputs && nested)
        diagnostics_.error(*nested, "inputs are declared at the top level already");
      if (!inputs) inputs = nested;
    }
    if (!inputs) return;
    for (const YamlNode::Entry& entry : inputs->entries()) read_input(entry);
  }

  void read_input(const YamlNode::Entry& entry) {
    const Section section(entry.value, *file_shape_of("inputs").value);
    Input input;
    input.name = reading_.read_text(entry.key);
    const auto options = section.get("options");
    if (options) {
      for (const YamlNode& option : options->items())
        input.options.push_back(reading_.read_text(option));
      input.type = InputType::choice;
    }
    if (const auto type = section.get("type")) {
      input.type = read_input_type(type->text());
      if (options && input.type != InputType::choice)
        diagnostics_.error(*options, "options have a meaning only for type: choice");
      if (!options && input.type == InputType::choice)
        diagnostics_.error(*type, "a choice needs options: [a, b]");
    }
    if (const auto text = section.get("description")) input.description = reading_.read_text(*text);
    if (const auto value = section.get("required")) input.required = reading_.read_boolean(*value);
    if (const auto fallback = section.get("default"); fallback && !fallback->is_null())
      read_fallback(*fallback, input);
    workflow_.inputs.push_back(std::move(input));
  }

  void read_fallback(const YamlNode& node, Input& input) {
    const bool wants_text = input.type == InputType::string || input.type == InputType::choice;
    // As written: 1.10 stays 1.10.
    input.fallback = wants_text && node.is_scalar() ? Json(node.text()) : node.json();
    Workflow only;
    only.inputs.push_back(input);
    const auto resolved = resolve_inputs(only, Json(boost::json::object{}));
    if (!resolved) diagnostics_.error(node, resolved.error().message);
  }

  void read_env_and_secrets(const Section& file) {
    if (const auto env = file.get("env"))
      workflow_.env = read_env(*env, Place::workflow_env, reading_);
    if (const auto defaults = file.get("defaults")) {
      if (const auto env = Section(*defaults, file_shape_of("defaults")).get("env")) add_env(*env);
    }
    if (const auto secrets = file.get("secrets"))
      workflow_.secrets = read_secrets(*secrets, workflow_.env, reading_);
  }

  void add_env(const YamlNode& node) {
    for (EnvEntry& entry : read_env(node, Place::workflow_env, reading_)) {
      if (std::ranges::find(workflow_.env, entry.first, &EnvEntry::first) != workflow_.env.end())
        diagnostics_.error(node, "'" + entry.first + "' is in the top-level env already");
      workflow_.env.push_back(std::move(entry));
    }
  }

  void read_outputs(const YamlNode& node) {
    for (const YamlNode::Entry& entry : node.entries()) {
      std::optional<YamlNode> value = entry.value;
      if (entry.value.is_map())
        value = Section(entry.value, *file_shape_of("outputs").value).get("value");
      if (!value) continue;
      workflow_.outputs.emplace_back(reading_.read_text(entry.key),
                                     reading_.read_template(*value, Place::workflow_output));
    }
  }

  Diagnostics diagnostics_;
  Reading reading_;
  YamlText text_;
  Workflow workflow_;
  std::optional<FoundParallelism> parallelism_;
};

}  // namespace

Parsed parse_workflow(std::string_view source, std::string_view origin) {
  return WorkflowReader(source, origin).run();
}

const std::shared_ptr<const Workflow>& bare_command_workflow() {
  // shared: every bare run holds this one; built once, never changed
  static const std::shared_ptr<const Workflow> kWorkflow =
      parse_workflow(
          "name: command\n"
          "inputs:\n"
          "  argv: {type: object, required: true, description: program and arguments}\n"
          "  name: {type: string, description: what people call the run}\n"
          "tasks:\n"
          "  main:\n"
          "    command: ${{ inputs.argv }}\n",
          "command")
          .workflow;
  return kWorkflow;
}

}  // namespace reeve::spec
