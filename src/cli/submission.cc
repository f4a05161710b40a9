#include "cli/submission.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/bare_command.h"
#include "base/ensure.h"
#include "base/text.h"
#include "cli/resource_list.h"
#include "cli/system_clock.h"
#include "cli/text_width.h"
#include "cli/workflow_file.h"

namespace reeve::cli {
namespace {

constexpr auto kBareOnly =
    std::to_array<std::string_view>({"timeout", "retry", "resources", "array", "env"});
constexpr int kNameColumns = 80;

std::string labels_text(JsonObject labels) {
  return labels.empty() ? std::string() : boost::json::serialize(labels);
}

Checked<JsonObject> read_assignments(const Session& session, std::string_view option) {
  JsonObject out;
  for (const std::string& text : session.arguments.all(option)) {
    TRY_ASSIGN(const Assignment assignment, parse_assignment(option, text));
    out[assignment.name] = assignment.value;
  }
  return out;
}

/// NAME=VALUE, or NAME for the value that it has here.
Checked<JsonObject> read_environment(const Session& session) {
  JsonObject out;
  for (const std::string& text : session.arguments.all("env")) {
    if (text.find('=') != std::string::npos) {
      TRY_ASSIGN(const Assignment assignment, parse_assignment("env", text));
      out[assignment.name] = assignment.value;
    } else if (const char* const value = std::getenv(text.c_str()); value != nullptr) {
      out[text] = value;
    }
  }
  return out;
}

Checked<JsonObject> resources_of(const Session& session) {
  JsonObject out;
  const std::string* const text = session.arguments.find("resources");
  if (text == nullptr) return out;
  TRY_ASSIGN(const Resources asked, parse_resource_list("resources", *text));
  if (asked.cpu_millicores > 0) out["cpu"] = fmt::format("{}m", asked.cpu_millicores);
  if (asked.gpu_milli > 0) out["gpu"] = fmt::format("{}m", asked.gpu_milli);
  if (asked.memory_bytes > 0) out["memory"] = fmt::format("{}", asked.memory_bytes);
  if (asked.disk_bytes > 0) out["disk"] = fmt::format("{}", asked.disk_bytes);
  JsonObject countables;
  for (const Countable& item : asked.countables) countables[item.name] = item.amount;
  if (!countables.empty()) out["licenses"] = std::move(countables);
  return out;
}

Checked<api::BareCommand> bare_command(const Session& session) {
  const Arguments& arguments = session.arguments;
  api::BareCommand command{.words = arguments.trailing};
  TRY_ASSIGN(command.environment, read_environment(session));
  TRY_ASSIGN(const auto timeout, arguments.duration("timeout"));
  if (timeout) command.timeout = arguments.value_or("timeout", "");
  TRY_ASSIGN(command.retry, arguments.number("retry", 0, 1000));
  TRY_ASSIGN(command.resources, resources_of(session));
  command.array = arguments.value_or("array", "");
  return command;
}

Checked<Submission> bare_submission(const Session& session) {
  const auto& words = session.arguments.trailing;
  if (words.empty()) return usage("run: a command is missing behind --");
  if (words.front().empty()) return usage("run: the command is empty");
  if (session.arguments.has("input"))
    return usage("--input is for workflows; a command has its arguments");
  Submission submission{.is_bare = true, .is_single = !session.arguments.has("array")};
  TRY_ASSIGN(const api::BareCommand command, bare_command(session));
  auto run = api::bare_run(command);
  if (!run) return usage("run: " + run.error().text());
  submission.event.workflow = std::move(run->workflow);
  submission.event.inputs = std::move(run->inputs);
  const std::string typed = api::command_text(words);
  submission.event.texts.name =
      session.arguments.value_or("name", fit(sanitize_for_terminal(typed), kNameColumns));
  return submission;
}

/// `reeve run make test` without the dashes is a likely slip.
std::string missing_file_hint(const Session& session, const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 || path.find('/') != std::string::npos ||
      path.ends_with(".yaml") || path.ends_with(".yml"))
    return {};
  std::string command;
  for (const std::string& word : session.arguments.words) command += " " + shell_quote(word);
  return fmt::format("to run a command, put -- in front of it: reeve run --{}", command);
}

Checked<Submission> file_submission(const Session& session) {
  const Arguments& arguments = session.arguments;
  for (const std::string_view option : kBareOnly) {
    if (arguments.has(option))
      return usage(fmt::format("--{} is for commands; a workflow says it in its file", option));
  }
  const std::string& path = arguments.words.front();
  Submission submission;
  std::vector<std::string> warnings;
  auto workflow = load_workflow(path, warnings);
  if (!workflow) {
    Failure failure = std::move(workflow).error();
    failure.hint = missing_file_hint(session, path);
    return tl::unexpected(std::move(failure));
  }
  for (const std::string& warning : warnings) session.say(warning);
  submission.event.workflow = *workflow;
  TRY_ASSIGN(const Json inputs, read_inputs(**workflow, arguments.all("input")));
  if (!inputs.get_object().empty()) submission.event.inputs = boost::json::serialize(inputs);
  submission.event.texts.name = arguments.value_or("name", "");
  return submission;
}

Checked<std::string> work_directory(const Session& session) {
  const std::string* const given = session.arguments.find("workdir");
  if (given == nullptr) return session.surroundings.working_directory;
  char* const resolved = ::realpath(given->c_str(), nullptr);
  if (resolved == nullptr) return fail_errno(errno, "--workdir " + *given);
  std::string path(resolved);
  std::free(resolved);
  return path;
}

Checked<void> check_words(const Arguments& arguments) {
  if (!arguments.has_separator && arguments.words.empty())
    return usage(
        fmt::format("{}: a FILE, or -- and a command, is missing", arguments.command->name),
        fmt::format("see `reeve {} --help`; `reeve init` writes a file to start from",
                    arguments.command->name));
  if (arguments.has_separator && !arguments.words.empty())
    return usage(fmt::format("{}: either a file ('{}') or a command, not both",
                             arguments.command->name, arguments.words.front()));
  return {};
}

/// RUN[:CONDITION], as the body of a request has it. Which run that is, the service knows.
Checked<boost::json::array> read_after(const Session& session) {
  boost::json::array out;
  for (const std::string& text : session.arguments.all("after")) {
    const std::size_t colon = text.find(':');
    const std::string condition = colon == std::string::npos ? "success" : text.substr(colon + 1);
    if (colon == 0 || text.empty())
      return usage(fmt::format("--after: a run is missing in '{}'", text));
    if (!core::parse_after_condition(condition))
      return usage(fmt::format("--after: '{}' is no condition", condition),
                   "RUN:success, RUN:failure or RUN:end");
    out.push_back(JsonObject{{"run", text.substr(0, colon)}, {"condition", condition}});
  }
  return out;
}

/// Of a bare command.
Checked<JsonObject> command_body(const Session& session) {
  if (session.arguments.trailing.empty()) return usage("a command is missing behind --");
  TRY_ASSIGN(const api::BareCommand command, bare_command(session));
  boost::json::array words;
  for (const std::string& word : command.words) words.emplace_back(word);
  JsonObject body{{"command", std::move(words)}};
  if (!command.environment.empty()) body["env"] = command.environment;
  if (!command.timeout.empty()) body["timeout"] = command.timeout;
  if (command.retry) body["retry"] = *command.retry;
  if (!command.resources.empty()) body["resources"] = command.resources;
  if (!command.array.empty()) body["array"] = command.array;
  return body;
}

}  // namespace

Checked<JsonObject> submission_body(const Session& session) {
  const Arguments& arguments = session.arguments;
  TRY(check_words(arguments));
  JsonObject body;
  if (arguments.has_separator) {
    TRY_ASSIGN(body, command_body(session));
  } else {
    TRY_ASSIGN(const Submission submission, file_submission(session));
    body["workflow"] = submission.event.workflow->source;
    const Json inputs = api::stored_object(submission.event.inputs);
    if (!inputs.get_object().empty()) body["inputs"] = inputs;
  }
  if (const std::string name = arguments.value_or("name", ""); !name.empty()) body["name"] = name;
  TRY_ASSIGN(const auto priority, arguments.number("priority", -1'000'000, 1'000'000));
  if (priority) body["priority"] = *priority;
  TRY_ASSIGN(JsonObject labels, read_assignments(session, "label"));
  if (const auto* name_space = labels.if_contains("namespace"); name_space != nullptr) {
    body["namespace"] = *name_space;
    labels.erase("namespace");
  }
  if (!labels.empty()) body["labels"] = std::move(labels);
  TRY_ASSIGN(boost::json::array after, read_after(session));
  if (!after.empty()) body["after"] = std::move(after);
  if (arguments.has("workdir")) {
    TRY_ASSIGN(const std::string directory, work_directory(session));
    body["directory"] = directory;
  }
  return body;
}

Checked<Submission> make_submission(const Session& session, engine::Random& random) {
  const Arguments& arguments = session.arguments;
  TRY(check_words(arguments));
  TRY_ASSIGN(Submission submission,
             arguments.has_separator ? bare_submission(session) : file_submission(session));
  core::SubmitRun& event = submission.event;
  TRY_ASSIGN(const auto priority, arguments.number("priority", -1'000'000, 1'000'000));
  event.priority = static_cast<std::int32_t>(priority.value_or(0));
  TRY_ASSIGN(JsonObject labels, read_assignments(session, "label"));
  event.texts.labels = labels_text(std::move(labels));
  event.texts.idempotency_key = arguments.value_or("idempotency-key", "");
  TRY_ASSIGN(event.directory, work_directory(session));
  event.submitter = user_name();
  event.workflow_digest = event.workflow->digest;
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(wall_now());
  event.uuid = Uuid::from_parts(static_cast<std::uint64_t>(milliseconds.time_since_epoch().count()),
                                random.bits(), random.bits());
  return submission;
}

}  // namespace reeve::cli
