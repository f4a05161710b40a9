#include "bench/workloads.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/ensure.h"
#include "spec/parse.h"

namespace reeve::bench {

namespace {

spec::Workflow empty_workflow(std::string name) {
  spec::Workflow workflow;
  workflow.name = std::move(name);
  workflow.policies.emplace_back();
  return workflow;
}

spec::TaskGroup task(std::string id) {
  spec::TaskGroup group;
  group.id = std::move(id);
  group.action = spec::Command{{spec::Template::literal("true")}};
  return group;
}

/// From YAML, so that a store that is opened again can parse it.
WorkflowRef parsed(const std::string& source) {
  spec::Parsed result = spec::parse_workflow(source, "bench.yaml");
  ENSURE(result.workflow != nullptr);
  return std::move(result.workflow);
}

WorkflowRef finished(spec::Workflow workflow) {
  // Not parsed from text, so the text stands for the shape: it decides the digest.
  workflow.source = workflow.name + " of " + std::to_string(workflow.groups.size());
  auto result = spec::finish(std::move(workflow));
  ENSURE(result.has_value());
  return *result;
}

}  // namespace

WorkflowRef array_workflow(std::uint32_t count) {
  return parsed("name: array\ntasks:\n  element:\n    array: " + std::to_string(count) +
                "\n    command: ['true']\n");
}

WorkflowRef chain_workflow(std::uint32_t count) {
  spec::Workflow workflow = empty_workflow("chain");
  workflow.groups.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    workflow.groups.push_back(task("t" + std::to_string(i)));
    if (i > 0) workflow.groups.back().needs = {{GroupIndex{i - 1}}};
  }
  return finished(std::move(workflow));
}

WorkflowRef command_workflow(const std::vector<std::string>& arguments, SandboxRequest sandbox) {
  spec::Workflow workflow = empty_workflow("command");
  workflow.policies.front().output_bytes_max = std::int64_t{64} << 30;
  workflow.policies.front().sandbox = std::move(sandbox);
  spec::Command command;
  for (const std::string& argument : arguments) {
    command.arguments.push_back(spec::Template::literal(argument));
    workflow.name += " " + argument;
  }
  workflow.groups.push_back(task("main"));
  workflow.groups.back().action = std::move(command);
  return finished(std::move(workflow));
}

WorkflowRef script_workflow(const std::string& shell, const std::string& text,
                            SandboxRequest sandbox) {
  spec::Workflow workflow = empty_workflow("script");
  workflow.policies.front().sandbox = std::move(sandbox);
  workflow.groups.push_back(task("main"));
  workflow.groups.back().action = spec::Script{spec::Template::literal(text), shell};
  return finished(std::move(workflow));
}

WorkflowRef layered_workflow(std::uint32_t layers, std::uint32_t width) {
  spec::Workflow workflow = empty_workflow("layered " + std::to_string(width));
  workflow.groups.reserve(std::size_t{layers} * width);
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    for (std::uint32_t i = 0; i < width; ++i) {
      workflow.groups.push_back(task("t" + std::to_string(layer) + "_" + std::to_string(i)));
      if (layer == 0) continue;
      const std::uint32_t above = (layer - 1) * width;
      std::vector<spec::Need>& needs = workflow.groups.back().needs;
      for (std::uint32_t near = 0; near < std::min(3U, width); ++near) {
        needs.push_back({GroupIndex{above + (i + near) % width}});
      }
      std::sort(needs.begin(), needs.end(),
                [](const auto& a, const auto& b) { return a.group < b.group; });
    }
  }
  return finished(std::move(workflow));
}

Submissions::Submissions(WorkflowRef workflow, std::uint64_t producer)
    : workflow_(std::move(workflow)),
      origin_(std::make_shared<const core::RunOrigin>(core::RunOrigin{"/tmp", "bench"})),
      producer_(producer) {}

core::SubmitRun Submissions::next() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto since_epoch = std::chrono::duration_cast<milliseconds>(now).count();
  core::SubmitRun submission;
  submission.uuid = Uuid::from_parts(static_cast<std::uint64_t>(since_epoch), producer_, ++count_);
  submission.workflow = workflow_;
  submission.workflow_digest = workflow_->digest;
  submission.origin = origin_;
  submission.directory = origin_->directory;
  submission.submitter = origin_->submitter;
  return submission;
}

core::SubmitRun Submissions::next_bare_command() {
  core::SubmitRun submission = next();
  submission.inputs = R"({"argv":["true"],"name":"true"})";
  return submission;
}

}  // namespace reeve::bench
