#include "api/bare_command.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace reeve::api {
namespace {

/// The task of a command with options.
JsonObject task_of(const BareCommand& command) {
  JsonObject task{{"command", "${{ inputs.argv }}"}};
  if (!command.timeout.empty()) task["timeout"] = command.timeout;
  if (command.retry) task["retry"] = *command.retry;
  if (!command.resources.empty()) task["resources"] = command.resources;
  if (!command.array.empty()) task["array"] = command.array;
  JsonObject env;
  for (const auto& [name, value] : command.environment)
    env[name] = fmt::format("${{{{ inputs.env['{}'] }}}}", std::string_view(name));
  if (!env.empty()) task["env"] = std::move(env);
  return task;
}

// shared: as in the core
Result<std::shared_ptr<const spec::Workflow>> workflow_of(const BareCommand& command) {
  const bool is_plain = command.environment.empty() && command.timeout.empty() && !command.retry &&
                        command.resources.empty() && command.array.empty();
  if (is_plain) return spec::bare_command_workflow();
  const JsonObject object{{"type", "object"}, {"required", true}};
  JsonObject inputs{{"argv", object}};
  if (!command.environment.empty()) inputs["env"] = object;
  const JsonObject document{
      {"name", "command"}, {"inputs", std::move(inputs)}, {"tasks", {{"main", task_of(command)}}}};
  const spec::Parsed parsed = spec::parse_workflow(to_json_text(document, true), "command line");
  if (parsed.workflow) return parsed.workflow;
  std::string problems;
  for (const spec::Diagnostic& diagnostic : parsed.diagnostics)
    problems += (problems.empty() ? "" : "; ") + diagnostic.message;
  return fail(ErrorCode::invalid_argument, problems);
}

}  // namespace

Result<BareRun> bare_run(const BareCommand& command) {
  boost::json::array argv;
  for (const std::string& word : command.words) {
    if (!is_valid_utf8(word))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' is not UTF-8; put the command into a script",
                              sanitize_for_terminal(word)));
    argv.emplace_back(word);
  }
  BareRun run;
  TRY_ASSIGN(run.workflow, workflow_of(command));
  JsonObject inputs{{"argv", std::move(argv)}};
  if (!command.environment.empty()) inputs["env"] = command.environment;
  run.inputs = boost::json::serialize(inputs);
  return run;
}

std::string command_text(const std::vector<std::string>& words) {
  std::string typed;
  for (const std::string& word : words) typed += (typed.empty() ? "" : " ") + shell_quote(word);
  return typed;
}

}  // namespace reeve::api
