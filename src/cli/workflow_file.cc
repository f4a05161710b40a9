#include "cli/workflow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/fd.h"
#include "cli/arguments.h"
#include "core/placement_demand.h"
#include "schedule/nearest_fit.h"

namespace reeve::cli {
namespace {

Result<std::string> read_descriptor(int file, const std::string& name) {
  std::string text;
  std::array<char, 65536> chunk{};
  while (true) {
    const ssize_t got = ::read(file, chunk.data(), chunk.size());
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "cannot read " + name);
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > spec::kSourceBytesMax)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is larger than {}", name,
                              format_bytes(static_cast<std::int64_t>(spec::kSourceBytesMax))));
  }
}

const spec::Input* find_input(const spec::Workflow& workflow, std::string_view name) {
  for (const spec::Input& input : workflow.inputs) {
    if (input.name == name) return &input;
  }
  return nullptr;
}

/// The value as its declared type wants it; what does not fit is reported with the others.
Json typed_value(const spec::Input* input, const std::string& text) {
  const bool is_text = input == nullptr || input->type == spec::InputType::string ||
                       input->type == spec::InputType::choice;
  if (is_text) return Json(text);
  boost::system::error_code error;
  Json value = boost::json::parse(text, error);
  return error ? Json(text) : value;
}

}  // namespace

Result<std::string> read_source(const std::string& path) {
  if (path == "-") return read_descriptor(STDIN_FILENO, "standard input");
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot read " + path);
  struct stat found {};
  if (::fstat(file.get(), &found) == 0 && S_ISDIR(found.st_mode))
    return fail(ErrorCode::invalid_argument, path + " is a directory; a workflow is a file");
  return read_descriptor(file.get(), path);
}

Result<spec::Parsed> parse_file(const std::string& path) {
  TRY_ASSIGN(const std::string source, read_source(path));
  return spec::parse_workflow(source, path == "-" ? "<stdin>" : path);
}

Checked<spec::Parsed> load_parsed(const std::string& path, std::vector<std::string>& warnings) {
  TRY_ASSIGN(spec::Parsed parsed, parse_file(path));
  std::string errors;
  for (const spec::Diagnostic& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity == spec::Severity::warning) {
      warnings.push_back(diagnostic.text());
    } else {
      errors += "\n" + diagnostic.text();
    }
  }
  if (parsed.workflow) return parsed;
  return tl::unexpected(
      Failure(kExitConflict, fmt::format("{} is not a valid workflow:{}", path, errors)));
}

Checked<std::shared_ptr<const spec::Workflow>> load_workflow(const std::string& path,
                                                             std::vector<std::string>& warnings) {
  TRY_ASSIGN(spec::Parsed parsed, load_parsed(path, warnings));
  return std::move(parsed.workflow);  // shared: the run, the engine and views keep it
}

Checked<Json> read_inputs(const spec::Workflow& workflow, std::span<const std::string> given) {
  JsonObject values;
  for (const std::string& text : given) {
    TRY_ASSIGN(Assignment assignment, parse_assignment("input", text));
    if (assignment.value.starts_with('@')) {
      TRY_ASSIGN(assignment.value, read_source(assignment.value.substr(1)));
    } else if (assignment.value.starts_with("\\@")) {
      assignment.value.erase(0, 1);
    }
    values[assignment.name] = typed_value(find_input(workflow, assignment.name), assignment.value);
  }
  TRY_ASSIGN(Json inputs, spec::resolve_inputs(workflow, values));
  return inputs;
}

std::vector<std::string> unplaceable_groups(const spec::Workflow& workflow,
                                            const NodeSetup& machine) {
  schedule::Nodes nodes;
  nodes.add(machine);
  std::vector<std::string> out;
  for (const spec::TaskGroup& group : workflow.groups) {
    const spec::Policy& policy = workflow.policy_of(group);
    if (std::holds_alternative<spec::Approval>(group.action)) continue;
    schedule::Demand demand = core::placement_demand(workflow, group, policy);
    if (nodes.could_ever_fit(nodes.intern(demand))) continue;
    std::string asked = format_resources(policy.resources);
    for (const Resources& other : policy.alternatives) asked += " or " + format_resources(other);
    if (policy.nodes > 1) asked += fmt::format(", on {} nodes at once", policy.nodes);
    for (const LabelRule& rule : policy.placement.require) asked += ", where " + format_rule(rule);
    std::string text = fmt::format("{} asks for {}", group.id, asked);
    if (const auto nearest = schedule::nearest_fit(nodes, demand))
      text += "; " + schedule::describe(nodes, *nearest);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace reeve::cli
