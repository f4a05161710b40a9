#include "core/launch.h"

#include <boost/json/array.hpp>

#include "base/ensure.h"

namespace reeve::core {
namespace {

/// Whether rendering needs no data at all: the common case of plain commands.
bool is_plain(const Run& run, const spec::TaskGroup& group) {
  if (!run.workflow().env.empty()) return false;
  if (group.detail &&
      (!group.detail->env.empty() || group.detail->work_directory || group.detail->sandbox_paths)) {
    return false;
  }
  if (const auto* script = std::get_if<spec::Script>(&group.action))
    return script->text.is_literal();
  const auto* command = std::get_if<spec::Command>(&group.action);
  if (command == nullptr) return false;
  for (const spec::Template& argument : command->arguments) {
    if (!argument.is_literal()) return false;
  }
  return true;
}

/// argv: each template a word; a single expression that gives an array is many words.
Status render_command(const spec::Command& command, const spec::Context& context,
                      std::vector<std::string>& arguments) {
  for (const spec::Template& argument : command.arguments) {
    if (argument.is_literal()) {
      arguments.push_back(argument.text());
      continue;
    }
    TRY_ASSIGN(const spec::Json value, argument.render_value(context));
    if (!value.is_array()) {
      arguments.push_back(spec::to_text(value));
      continue;
    }
    for (const spec::Json& word : value.get_array()) arguments.push_back(spec::to_text(word));
  }
  if (arguments.empty() || arguments.front().empty())
    return fail(ErrorCode::invalid_argument, "command: it is empty");
  return {};
}

std::vector<std::string> interpreter(const std::string& shell) {
  if (shell == "sh") return {"sh", "-e"};
  if (shell == "bash") return {"bash", "--noprofile", "--norc", "-e", "-o", "pipefail"};
  return {shell};
}

Status render_environment(const Run& run, const spec::TaskGroup& group,
                          const spec::Context& context, Launch& launch) {
  const auto add = [&](const std::vector<spec::EnvEntry>& entries) -> Status {
    for (const auto& [key, value] : entries) {
      Result<std::string> text = value.render(context);
      if (!text) return wrap(std::move(text).error(), "env." + key);
      launch.environment.emplace_back(key, *std::move(text));
    }
    return {};
  };
  TRY(add(run.workflow().env));
  if (group.detail) TRY(add(group.detail->env));
  return {};
}

Result<std::string> work_directory(const Run& run, const spec::TaskGroup& group,
                                   const spec::Context& context) {
  const std::string& base = run.record.origin->directory;
  if (!group.detail || !group.detail->work_directory) return base;
  TRY_ASSIGN(std::string directory, group.detail->work_directory->render(context));
  return directory.starts_with('/') ? directory : base + "/" + directory;
}

Status render_sandbox_paths(const spec::SandboxPaths& paths, const spec::Context& context,
                            SandboxRequest& sandbox) {
  const auto render = [&](const std::vector<spec::Template>& from, std::vector<std::string>& to,
                          const char* field) -> Status {
    to.clear();
    for (const spec::Template& path : from) {
      Result<std::string> text = path.render(context);
      if (!text) return wrap(std::move(text).error(), field);
      if (text->empty())
        return fail(ErrorCode::invalid_argument,
                    std::string(field) + ": '" + path.text() + "' gives no path");
      to.push_back(*std::move(text));
    }
    return {};
  };
  TRY(render(paths.readable, sandbox.readable, "sandbox.readable"));
  return render(paths.writable, sandbox.writable, "sandbox.writable");
}

Status render_action(const spec::TaskGroup& group, const spec::Context& context, Launch& launch) {
  if (const auto* script = std::get_if<spec::Script>(&group.action)) {
    launch.arguments = interpreter(script->shell);
    if (!fits(launch.sandbox.warm, script->shell)) launch.sandbox.warm = {};
    Result<std::string> text = script->text.render(context);
    if (!text) return wrap(std::move(text).error(), "run");
    launch.script = *std::move(text);
    if (launch.script.empty()) launch.script = "\n";  // empty means "no script" to executors
    return {};
  }
  launch.sandbox.warm = {};  // it waits for text
  const auto& command = std::get<spec::Command>(group.action);
  // The image knows what is run.
  if (command.arguments.empty() && !launch.sandbox.image.empty()) return {};
  Status rendered = render_command(command, context, launch.arguments);
  if (!rendered) return wrap(std::move(rendered).error(), "command");
  return {};
}

}  // namespace

Result<Launch> render_launch(const State& state, const StartAttempt& start) {
  const Run* run = state.find_run(start.task.run);
  ENSURE(run != nullptr && start.task.index < run->tasks.size());
  const Task& task = run->tasks[start.task.index];
  const spec::TaskGroup& group = run->group_spec(task.group);
  const spec::Policy& policy = run->workflow().policy_of(group);
  Launch launch;
  launch.token = start.token;
  launch.task = start.task;
  launch.attempt = start.attempt;
  launch.batch = start.batch;
  launch.run = run->record.uuid;
  launch.work_directory = run->record.origin->directory;
  const auto live = state.live.find(start.token);
  const std::uint8_t variant = live == state.live.end() ? 0 : live->second.score.variant;
  launch.resources = variant == 0 ? policy.resources : policy.alternatives.at(variant - 1U);
  launch.start_timeout = policy.timeouts.start;
  launch.run_timeout = policy.timeouts.run;
  launch.idle_timeout = policy.timeouts.idle;
  launch.grace = policy.timeouts.grace;
  launch.output_bytes_max = policy.output_bytes_max;
  launch.sandbox = enforced(policy.sandbox, state.sandbox_rules);
  if (const TaskExtra* extra = run->extra(start.task.index); extra != nullptr)
    launch.hold = extra->hold;
  // Requests were checked; this holds for whatever comes another way, such as `finally` after a
  // cancel that needed no permission.
  if (const auto missing = missing_permission(launch.sandbox, state.sandbox_rules))
    return fail(ErrorCode::conflict,
                "sandbox: it needs permission: " + std::string(flag_for(*missing)));
  for (const std::string& name : run->workflow().secrets) launch.secrets.emplace_back(name, "");
  if (group.detail) {
    for (const std::string& name : group.detail->secrets) launch.secrets.emplace_back(name, "");
  }
  const std::uint32_t element = State::element_of(*run, start.task.index);
  launch.environment.emplace_back("REEVE_TASK_ID", group.id);
  launch.environment.emplace_back("REEVE_TASK_INDEX", std::to_string(element));
  if (const auto* array = std::get_if<spec::Array>(&group.fan_out))
    launch.environment.emplace_back("REEVE_ARRAY_INDEX",
                                    std::to_string(array->first + element * array->step));
  if (is_plain(*run, group)) {
    TRY(render_action(group, spec::Context{}, launch));
    return launch;
  }
  const ExpressionData data = expression_data(state, *run, task.group, start.task.index);
  const spec::Context context = data.context();
  TRY(render_environment(*run, group, context, launch));
  Result<std::string> directory = work_directory(*run, group, context);
  if (!directory) return wrap(std::move(directory).error(), "workdir");
  launch.work_directory = *std::move(directory);
  if (group.detail && group.detail->sandbox_paths)
    TRY(render_sandbox_paths(*group.detail->sandbox_paths, context, launch.sandbox));
  TRY(render_action(group, context, launch));
  return launch;
}

Result<std::vector<ArtifactPath>> render_artifacts(const State& state, TaskId id) {
  const Run* run = state.find_run(id.run);
  ENSURE(run != nullptr && id.index < run->tasks.size());
  const Task& task = run->tasks[id.index];
  const spec::TaskGroup& group = run->group_spec(task.group);
  std::vector<ArtifactPath> paths;
  if (!group.detail) return paths;
  const bool succeeded = task.outcome == OutcomeClass::exited && task.code == 0;
  const ExpressionData data = expression_data(state, *run, task.group, id.index);
  for (const spec::Artifact& artifact : group.detail->artifacts) {
    using When = spec::Artifact::When;
    if (artifact.when != When::always && (artifact.when == When::success) != succeeded) continue;
    Result<std::string> path = artifact.path.render(data.context());
    if (!path) return wrap(std::move(path).error(), "artifacts." + artifact.name);
    paths.push_back({artifact.name, *std::move(path), succeeded && artifact.when != When::failure});
  }
  return paths;
}

Result<WorkPlace> render_work_place(const State& state, TaskId id) {
  const Run* run = state.find_run(id.run);
  ENSURE(run != nullptr && id.index < run->tasks.size());
  const spec::TaskGroup& group = run->group_spec(run->tasks[id.index].group);
  const ExpressionData data = expression_data(state, *run, run->tasks[id.index].group, id.index);
  const spec::Context context = data.context();
  WorkPlace place;
  place.sandbox = enforced(run->workflow().policy_of(group).sandbox, state.sandbox_rules);
  TRY_ASSIGN(place.directory, work_directory(*run, group, context));
  if (group.detail && group.detail->sandbox_paths)
    TRY(render_sandbox_paths(*group.detail->sandbox_paths, context, place.sandbox));
  return place;
}

}  // namespace reeve::core
