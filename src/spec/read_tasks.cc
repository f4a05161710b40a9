#include "spec/read_tasks.h"

#include <algorithm>
#include <array>

#include "spec/artifact_reach.h"

namespace reeve::spec {
namespace {

// What becomes a GroupDetail, beside the fan-out's limits and the default work directory.
constexpr std::array<std::string_view, 11> kDetailFields{
    "name",        "description", "env",     "secrets",           "artifacts", "labels",
    "concurrency", "deadline",    "workdir", "continue-on-error", "delay"};

const Shape& shape_of(std::string_view field) { return *find_field(task_shape(), field)->shape; }

NeedCondition read_condition_name(std::string_view name) {
  if (name == "failure") return NeedCondition::failure;
  return name == "always" ? NeedCondition::always : NeedCondition::success;
}

// "out/report.tar.gz" → "report"
std::string default_artifact_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return std::string(name.substr(0, name.find('.')));
}

std::string identity_of(const SandboxPaths& paths) {
  std::string identity = "sandbox";
  for (const auto* list : {&paths.readable, &paths.writable}) {
    for (const Template& path : *list)
      identity += std::to_string(path.text().size()) + ":" + path.text();
    identity += ';';
  }
  return identity;
}

}  // namespace

std::vector<EnvEntry> read_env(const YamlNode& node, Place place, Reading& reading) {
  std::vector<EnvEntry> env;
  env.reserve(node.size());
  for (const YamlNode::Entry& entry : node.entries())
    env.emplace_back(reading.read_text(entry.key), reading.read_template(entry.value, place));
  return env;
}

std::vector<std::string> read_secrets(const YamlNode& node, const std::vector<EnvEntry>& env,
                                      Reading& reading) {
  std::vector<std::string> secrets;
  for (const YamlNode& name : node.items()) {
    secrets.push_back(reading.read_text(name));
    const bool in_env =
        std::ranges::any_of(env, [&](const EnvEntry& entry) { return entry.first == name.text(); });
    if (in_env) {
      reading.diagnostics().error(
          name, "'" + secrets.back() + "' is in env too; a secret is never put into env");
    }
  }
  return secrets;
}

std::map<std::string, std::string> read_labels(const YamlNode& node) {
  std::map<std::string, std::string> labels;
  for (const YamlNode::Entry& entry : node.entries())
    labels.emplace(entry.key.text(), entry.value.text());
  return labels;
}

Concurrency read_concurrency(const YamlNode& node, Place place, Reading& reading) {
  Concurrency concurrency;
  if (node.is_scalar()) {
    concurrency.group = reading.read_template(node, place);
    return concurrency;
  }
  const Section section(node, shape_of("concurrency"));
  if (const auto group = section.get("group"))
    concurrency.group = reading.read_template(*group, place);
  if (const auto limit = section.get("limit"))
    concurrency.limit = static_cast<std::int32_t>(reading.read_integer(*limit));
  if (const auto cancel = section.get("cancel-in-progress"))
    concurrency.when_busy = reading.read_boolean(*cancel)
                                ? Concurrency::WhenBusy::cancel_in_progress
                                : Concurrency::WhenBusy::queue;
  if (const auto busy = section.get("when_busy")) {
    if (busy->text() == "cancel_in_progress")
      concurrency.when_busy = Concurrency::WhenBusy::cancel_in_progress;
    if (busy->text() == "keep_latest") concurrency.when_busy = Concurrency::WhenBusy::keep_latest;
  }
  return concurrency;
}

TaskReader::TaskReader(Reading& reading, Workflow& workflow)
    : reading_(reading),
      workflow_(workflow),
      policies_(reading, workflow.policies) {}

void TaskReader::read_defaults(const YamlNode& defaults) {
  const Section section(defaults, *find_field(workflow_shape(), "defaults")->shape);
  policies_.read_defaults(section);
  const auto shell = section.get("shell");
  names_shell_ = shell.has_value();
  if (shell) shell_ = reading_.read_text(*shell);
  if (section.has("warm")) {
    const WarmRequest& warm = workflow_.policies.front().sandbox.warm;
    check_warm(section, warm);
    shell_ = shell_for(section, warm);
  }
  work_directory_ = section.get("workdir");
  sandbox_ = section.get("sandbox");
}

void TaskReader::read(const YamlNode& tasks, Phase phase) {
  workflow_.groups.reserve(workflow_.groups.size() + tasks.size());
  for (const YamlNode::Entry& entry : tasks.entries()) read_task(entry.key, entry.value, phase);
  reading_.set_group(kNoGroup);
}

void TaskReader::read_task(const YamlNode& key, const YamlNode& node, Phase phase) {
  const Section task(node, task_shape());
  TaskGroup group;
  group.id = reading_.read_text(key);
  group.phase = phase;
  reading_.set_group(static_cast<std::uint32_t>(workflow_.groups.size()));
  if (const auto needs = task.get("needs")) read_needs(*needs);
  if (const auto condition = task.get("if")) group.condition = reading_.read_condition(*condition);
  FanOutSettings fan_out = read_fan_out(task, reading_);
  group.policy = policies_.read(task);
  read_action(task, group);
  const WarmRequest& warm = workflow_.policies[group.policy].sandbox.warm;
  const auto own_warm = task.get("warm");
  if (own_warm && warm.kind != WarmKind::none && !task.has("run"))
    reading_.diagnostics().error(*own_warm, "warm has a meaning only beside run");
  else
    check_warm(task, warm);
  check_image(task, workflow_.policies[group.policy].sandbox);
  check_network(task, workflow_.policies[group.policy].sandbox);
  check_batch(task, workflow_.policies[group.policy]);
  read_detail(task, fan_out, group);
  check_artifacts(task, group);
  read_touches(task);
  group.fan_out = std::move(fan_out.fan_out);
  workflow_.groups.push_back(std::move(group));
  keys_.push_back(key);
}

void TaskReader::read_needs(const YamlNode& node) {
  const auto group = static_cast<std::uint32_t>(workflow_.groups.size());
  for (const YamlNode& name : reading_.read_list(node)) needs_.push_back({group, name});
  for (const YamlNode::Entry& entry : node.entries())
    needs_.push_back({group, entry.key, read_condition_name(entry.value.text())});
}

/// Relative patterns begin in the work directory, which an expression leaves unknown.
void TaskReader::read_touches(const Section& task) {
  Touches touches;
  const auto reads = task.get("reads");
  const auto writes = task.get("writes");
  touches.is_known = reads || writes;
  has_touches_ = has_touches_ || touches.is_known;
  auto workdir = task.get("workdir");
  if (!workdir) workdir = work_directory_;
  std::optional<Glob> directory = Glob{};
  if (touches.is_known && workdir) {
    directory.reset();
    const std::string_view path = workdir->text();
    // Its names may hold * and ?: then they may be any.
    if (auto glob = Glob::parse(path); glob && !holds_expression(*workdir))
      directory = std::move(*glob);
  }
  if (reads) touches.reads = read_patterns(*reads, directory, touches.is_known);
  if (writes) touches.writes = read_patterns(*writes, directory, touches.is_known);
  touches_.push_back(std::move(touches));
}

std::vector<Touch> TaskReader::read_patterns(const YamlNode& node,
                                             const std::optional<Glob>& directory, bool& is_known) {
  std::vector<Touch> touches;
  for (const YamlNode& item : reading_.read_list(node)) {
    // What is no text is refused by its shape, and so is more than the limit.
    if (!item.is_scalar() || holds_expression(item)) continue;
    if (static_cast<std::int64_t>(touches.size()) == kTouchesPerTaskMax) break;
    const auto glob = Glob::parse(item.text());
    if (!glob) {
      reading_.diagnostics().error(item, glob.error().message);
      continue;
    }
    is_known = is_known && (glob->is_absolute() || directory);
    touches.push_back({directory ? glob->below(*directory) : *glob, reading_.read_text(item)});
  }
  return touches;
}

void TaskReader::read_action(const Section& task, TaskGroup& group) {
  const auto shell = task.get("shell");
  if (const auto run = task.get("run")) {
    Script script;
    script.text = reading_.read_template(*run, Place::task_text);
    script.shell = shell_for(task, workflow_.policies[group.policy].sandbox.warm);
    const std::string_view text = run->text();
    if (run->is_scalar() && text.find_first_not_of(" \t\r\n") == std::string_view::npos)
      reading_.diagnostics().error(*run, "there is nothing to run");
    group.action = std::move(script);
  } else if (const auto command = task.get("command")) {
    Command arguments;
    for (const YamlNode& argument : reading_.read_list(*command))
      arguments.arguments.push_back(reading_.read_template(argument, Place::task_text));
    group.action = std::move(arguments);
  } else if (const auto approval = task.get("approval")) {
    const Section section(*approval, shape_of("approval"));
    Approval value;
    if (const auto by = section.get("by")) {
      for (const YamlNode& name : reading_.read_list(*by))
        value.by.push_back(reading_.read_text(name));
    }
    if (const auto timeout = section.get("timeout"))
      value.timeout = reading_.read_duration(*timeout);
    group.action = std::move(value);
  } else {
    group.action = Command{};  // the image's own; without an image the shape is refused
  }
  if (shell && !task.has("run")) {
    reading_.diagnostics().error(*shell, "shell has a meaning only beside run");
  } else if (shell && shell->text().find_first_of(" \t{") != std::string_view::npos) {
    reading_.diagnostics().error(*shell,
                                 "expected the name of a program without arguments, such as bash");
  }
}

void TaskReader::check_network(const Section& task, const SandboxRequest& sandbox) {
  if (sandbox.network != SandboxNetwork::egress || sandbox.tier != SandboxTier::none) return;
  if (const auto own = task.get("sandbox"))
    reading_.diagnostics().error(
        *own,
        "a list of what may be reached needs a sandbox: tier native or oci, or write {tier: none, "
        "network: host}");
}

void TaskReader::check_batch(const Section& task, const Policy& policy) {
  const auto own = task.get("batch");
  if (!own || policy.batch.max < 2) return;
  for (const std::string_view name : {"max-parallel", "concurrency"}) {
    if (!task.has(name)) continue;
    reading_.diagnostics().warning(
        *own, "batch does nothing here: with " + std::string(name) + " each task is started alone");
  }
}

/// What reads the text of `run`: as named, else what is warm, else as the defaults say.
std::string TaskReader::shell_for(const Section& section, const WarmRequest& warm) const {
  if (const auto shell = section.get("shell")) return reading_.read_text(*shell);
  const bool is_set_aside = warm.kind != WarmKind::none && !fits(warm, shell_);
  return section.has("warm") && is_set_aside ? std::string(shell_of(warm.kind)) : shell_;
}

/// Of a task, or of the defaults.
void TaskReader::check_warm(const Section& section, const WarmRequest& warm) {
  const auto own = section.get("warm");
  if (!own || warm.kind == WarmKind::none) return;
  const auto shell = section.get("shell");
  if (shell && !fits(warm, shell->text())) {
    reading_.diagnostics().error(*shell, "'" + reading_.read_text(*shell) + "' cannot be warm as " +
                                             std::string(name(warm.kind)) +
                                             ": leave shell out, or name a " +
                                             std::string(shell_of(warm.kind)));
  }
  if (warm.kind == WarmKind::command && !shell && !names_shell_) {
    reading_.diagnostics().error(
        *own, "shell is missing: it runs the text where nothing is started ahead (tier none, oci)");
  }
}

void TaskReader::check_image(const Section& task, const SandboxRequest& sandbox) {
  if (sandbox.image.empty() || sandbox.tier != SandboxTier::none) return;
  const auto own = task.get("image");
  if (own || task.has("sandbox")) {
    reading_.diagnostics().error(own ? *own : *task.get("sandbox"),
                                 "an image needs a sandbox: tier native or oci");
  }
}

void TaskReader::read_detail(const Section& task, const FanOutSettings& fan_out, TaskGroup& group) {
  std::string identity;
  for (const std::string_view name : kDetailFields) {
    const auto node = task.get(name);
    if (!node) continue;
    identity += name;
    append_identity(identity, *node);
  }
  std::optional<SandboxPaths> sandbox_paths = read_sandbox_paths(task);
  if (sandbox_paths) identity += identity_of(*sandbox_paths);
  if (fan_out.max_parallel > 0) identity += "parallel" + std::to_string(fan_out.max_parallel);
  if (identity.empty() && !work_directory_ && !fan_out.is_fail_fast_unusual()) return;
  identity += fan_out.fail_fast ? "fast" : "slow";

  GroupDetail detail;
  detail.max_parallel = fan_out.max_parallel;
  detail.fail_fast = fan_out.fail_fast;
  detail.sandbox_paths = std::move(sandbox_paths);
  if (const auto name = task.get("name")) detail.display_name = reading_.read_text(*name);
  if (const auto text = task.get("description")) detail.description = reading_.read_text(*text);
  if (const auto env = task.get("env")) detail.env = read_env(*env, Place::task_env, reading_);
  if (const auto secrets = task.get("secrets")) {
    std::vector<EnvEntry> env = workflow_.env;
    env.insert(env.end(), detail.env.begin(), detail.env.end());
    detail.secrets = read_secrets(*secrets, env, reading_);
  }
  if (const auto artifacts = task.get("artifacts")) detail.artifacts = read_artifacts(*artifacts);
  if (const auto labels = task.get("labels")) detail.labels = read_labels(*labels);
  if (const auto value = task.get("concurrency"))
    detail.concurrency = read_concurrency(*value, Place::task_concurrency, reading_);
  if (const auto deadline = task.get("deadline"))
    detail.deadline = reading_.read_duration(*deadline);
  if (const auto delay = task.get("delay")) detail.delay = reading_.read_duration(*delay);
  const auto directory = task.get("workdir");
  if (directory || work_directory_) {
    const YamlNode& node = directory ? *directory : *work_directory_;
    detail.work_directory = reading_.read_template(node, Place::task_text);
  }
  if (const auto value = task.get("continue-on-error")) {
    Template wanted = reading_.read_template(*value, Place::task_text);
    // What is there is an expression or "true".
    if (!wanted.is_literal() || reading_.read_boolean(*value))
      detail.continue_on_error = std::move(wanted);
  }

  auto& shared = details_[identity];
  // shared: equal details are built once
  if (shared == nullptr) shared = std::make_shared<const GroupDetail>(std::move(detail));
  group.detail = shared;
}

// Each list is that of the task, else that of the defaults.
std::optional<SandboxPaths> TaskReader::read_sandbox_paths(const Section& task) {
  const auto own = task.get("sandbox");
  const auto find = [&](std::string_view name) -> std::optional<YamlNode> {
    auto list = own ? Section(*own, shape_of("sandbox")).get(name) : std::nullopt;
    if (!list && sandbox_) list = Section(*sandbox_, shape_of("sandbox")).get(name);
    return list;
  };
  const auto readable = find("readable");
  const auto writable = find("writable");
  const auto is_dynamic = [](const auto& list) { return list && holds_expression(*list); };
  if (!is_dynamic(readable) && !is_dynamic(writable)) return std::nullopt;
  const auto read = [&](const std::optional<YamlNode>& list) {
    std::vector<Template> paths;
    if (!list) return paths;
    for (const YamlNode& path : reading_.read_list(*list))
      paths.push_back(reading_.read_template(path, Place::task_text));
    return paths;
  };
  return SandboxPaths{.readable = read(readable), .writable = read(writable)};
}

void TaskReader::check_artifacts(const Section& task, const TaskGroup& group) {
  const auto artifacts = task.get("artifacts");
  if (!artifacts || group.detail == nullptr) return;
  for (const YamlNode& item :
       artifacts->is_list() ? artifacts->items() : std::vector<YamlNode>{*artifacts}) {
    const auto path = item.is_map() ? Section(item, *shape_of("artifacts").item).get("path")
                                    : std::optional(item);
    if (!path || !path->is_scalar() || holds_expression(*path)) continue;
    const std::string why = why_out_of_reach(
        reading_.read_text(*path), workflow_.policies[group.policy].sandbox, *group.detail);
    if (!why.empty()) reading_.diagnostics().error(*path, why);
  }
}

std::vector<Artifact> TaskReader::read_artifacts(const YamlNode& node) {
  std::vector<Artifact> artifacts;
  const std::vector<YamlNode> items = node.is_list() ? node.items() : std::vector<YamlNode>{node};
  for (const YamlNode& item : items) {
    Artifact artifact = read_artifact(item);
    const auto same = std::ranges::find(artifacts, artifact.name, &Artifact::name);
    if (same != artifacts.end() && !artifact.name.empty()) {
      reading_.diagnostics().error(item, "a second artifact called '" + artifact.name +
                                             "'; give it another name: {name: ..., path: ...}");
    }
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

Artifact TaskReader::read_artifact(const YamlNode& node) {
  Artifact artifact;
  std::optional<YamlNode> path = node;
  if (node.is_map()) {
    const Section section(node, *shape_of("artifacts").item);
    path = section.get("path");
    if (const auto name = section.get("name")) artifact.name = reading_.read_text(*name);
    if (const auto when = section.get("when")) {
      if (when->text() == "failure") artifact.when = Artifact::When::failure;
      if (when->text() == "always") artifact.when = Artifact::When::always;
    }
  }
  if (!path || !path->is_scalar()) return artifact;
  artifact.path = reading_.read_template(*path, Place::task_text);
  if (!artifact.name.empty()) return artifact;
  artifact.name = default_artifact_name(path->text());
  if (!is_identifier(artifact.name)) {
    reading_.diagnostics().error(
        *path, "this file needs a name: {name: ..., path: '" + std::string(path->text()) + "'}");
    artifact.name.clear();
  }
  return artifact;
}

}  // namespace reeve::spec
