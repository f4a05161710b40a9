#include "api/submission.h"

#include <sys/random.h>

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/bare_command.h"
#include "api/body_reader.h"
#include "base/ensure.h"
#include "base/text.h"

namespace reeve::api {
namespace {

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kLabelsMax = 64;

bool is_dns_label(std::string_view text) {
  const auto is_inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, is_inner) &&
         text.front() != '-' && text.back() != '-';
}

/// At most so many bytes, and no character cut in two.
std::string cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  text.resize(bytes_max);
  return text;
}

/// The text of a workflow that was sent as text or as the same in JSON.
std::optional<std::string> source_of(BodyReader& reader) {
  const Json* const given = reader.any("workflow");
  if (given == nullptr) return std::nullopt;
  if (given->is_string()) return std::string(given->get_string());
  if (given->is_object()) return to_json_text(*given, true);
  reader.error("workflow", "workflow must be the text of a workflow, or the same as an object");
  return std::nullopt;
}

// shared: as in the core
Checked<std::shared_ptr<const spec::Workflow>> parse(WorkflowCache& cache,
                                                     const std::string& source,
                                                     std::vector<std::string>& warnings) {
  if (auto known = cache.find(source); known != nullptr) return known;
  const spec::Parsed parsed = spec::parse_workflow(source, "workflow");
  if (!parsed.workflow) {
    Problem problem = invalid(workflow_errors(parsed, "/workflow"));
    problem.type = "invalid-workflow";
    problem.title = "Invalid workflow";
    return tl::unexpected(std::move(problem));
  }
  for (const spec::Diagnostic& diagnostic : parsed.diagnostics)
    warnings.push_back(diagnostic.text());
  if (warnings.empty()) cache.add(parsed.workflow);
  return parsed.workflow;
}

Checked<void> take_workflow(const SubmissionContext& context, BodyReader& reader,
                            const std::string& source, NewRun& run) {
  const JsonObject* const given = reader.object("inputs");
  TRY_ASSIGN(run.event.workflow, parse(*context.workflows, source, run.warnings));
  const auto inputs = spec::resolve_inputs(*run.event.workflow, given ? *given : JsonObject{});
  if (!inputs) {
    reader.error("inputs", inputs.error().text());
  } else if (!inputs->get_object().empty()) {
    run.event.inputs = boost::json::serialize(*inputs);
  }
  return {};
}

Checked<void> take_command(BodyReader& reader, std::vector<std::string> words, NewRun& run) {
  BareCommand command{.words = std::move(words)};
  if (command.words.empty() || command.words.front().empty())
    reader.error("command", "the command is empty");
  if (const JsonObject* env = reader.text_object("env"); env != nullptr) command.environment = *env;
  command.timeout = reader.text("timeout").value_or("");
  command.retry = reader.integer("retry", 0, 1000);
  if (const JsonObject* found = reader.object("resources"); found != nullptr)
    command.resources = *found;
  command.array = reader.text("array").value_or("");
  auto made = bare_run(command);
  if (!made) {
    reader.error("command", made.error().text());
    return {};
  }
  run.event.workflow = made->workflow;
  run.event.inputs = std::move(made->inputs);
  run.event.texts.name = cut(sanitize_for_terminal(command_text(command.words)), kNameBytesMax);
  return {};
}

void take_labels(BodyReader& reader, NewRun& run) {
  JsonObject labels;
  if (const JsonObject* given = reader.text_object("labels"); given != nullptr) labels = *given;
  if (labels.size() > kLabelsMax)
    reader.error("labels", fmt::format("there may be {} labels", kLabelsMax));
  if (labels.contains(kNamespaceLabel))
    reader.error("labels", "the label 'namespace' is set by the field 'namespace'");
  if (run.name_space != kDefaultNamespace) labels[kNamespaceLabel] = run.name_space;
  if (!labels.empty()) run.event.texts.labels = boost::json::serialize(labels);
}

void take_directory(const SubmissionContext& context, BodyReader& reader, NewRun& run) {
  run.event.directory = context.work_directory + "/" + run.name_space;
  const auto given = reader.text("directory");
  if (!given) return;
  if (!given->starts_with('/')) reader.error("directory", "directory must be an absolute path");
  if (!context.may_choose_directory)
    reader.error("directory",
                 "only administrators may name a directory of the machine; leave it out, and the "
                 "run works in the directory of its namespace");
  run.event.directory = *given;
}

/// The field `after`.
std::vector<AfterAsked> take_after(BodyReader& reader) {
  std::vector<AfterAsked> out;
  const Json* const given = reader.any("after");
  if (given == nullptr) return out;
  if (!given->is_array()) {
    reader.error("after",
                 "after must be a list: [{\"run\": \"run_…\", \"condition\": \"success\"}]");
    return out;
  }
  if (given->get_array().size() > core::kRunAfterMax) {
    reader.error("after", fmt::format("a run follows {} others at most", core::kRunAfterMax));
    return out;
  }
  for (std::size_t i = 0; i < given->get_array().size(); ++i) {
    const Json& item = given->get_array()[i];
    if (!item.is_object()) {
      reader.item_error("after", i, "must be an object with `run`");
      continue;
    }
    BodyReader inner(item.get_object(), reader.pointer_to("after", i));
    AfterAsked asked{.run = inner.text("run", 100).value_or("")};
    if (asked.run.empty()) inner.error("run", "run, which is to end first, is missing");
    const std::string condition = inner.text("condition").value_or("success");
    if (const auto known = core::parse_after_condition(condition); known)
      asked.condition = *known;
    else
      inner.error("condition", "condition must be success, failure or end");
    reader.take_errors(inner);
    out.push_back(std::move(asked));
  }
  return out;
}

}  // namespace

std::vector<FieldError> workflow_errors(const spec::Parsed& parsed, std::string_view pointer) {
  std::vector<FieldError> errors;
  for (const spec::Diagnostic& each : parsed.diagnostics) {
    if (each.severity == spec::Severity::warning) continue;
    errors.push_back(
        {std::string(pointer),
         each.suggestion.empty() ? each.message : each.message + "; " + each.suggestion, each.line,
         each.column});
  }
  return errors;
}

Checked<NewRun> read_submission(const SubmissionContext& context, const JsonObject& body) {
  BodyReader reader(body);
  NewRun run;
  core::SubmitRun& event = run.event;
  run.name_space = reader.text("namespace").value_or(context.name_space);
  if (!is_dns_label(run.name_space))
    reader.error("namespace", "a namespace has 1 to 63 lower-case letters, digits and inner '-'");
  const bool is_by_name =
      (reader.any("workflow_name") != nullptr) | (reader.any("version") != nullptr);
  const auto source = source_of(reader);
  auto words = reader.texts("command");
  if (is_by_name) {
    reader.error("workflow_name",
                 "a workflow by its name is started one at a time, with its "
                 "version, at /v1/runs");
  } else if (source.has_value() == words.has_value()) {
    reader.error("", "either 'workflow' or 'command' is needed");
  } else if (source) {
    TRY(take_workflow(context, reader, *source, run));
  } else {
    TRY(take_command(reader, *std::move(words), run));
  }
  if (auto name = reader.text("name", kNameBytesMax); name && !name->empty())
    event.texts.name = *std::move(name);
  event.priority =
      static_cast<std::int32_t>(reader.integer("priority", -1'000'000, 1'000'000).value_or(0));
  take_labels(reader, run);
  take_directory(context, reader, run);
  run.after_asked = take_after(reader);
  if (auto errors = reader.finish(); !errors.empty())
    return tl::unexpected(invalid(std::move(errors)));
  if (context.check) TRY(context.check(*event.workflow));
  event.submitter = context.submitter;
  event.workflow_digest = event.workflow->digest;
  event.uuid = new_uuid(context.now);
  return run;
}

std::string namespace_of(const core::RunRecord& record) {
  if (record.texts == nullptr || record.texts->labels.find("\"namespace\"") == std::string::npos)
    return std::string(kDefaultNamespace);
  const Json labels = stored_object(record.texts->labels);
  const std::string found = text_of(labels.get_object(), kNamespaceLabel);
  return found.empty() ? std::string(kDefaultNamespace) : found;
}

namespace {

bool is_same_after(const std::vector<core::RunAfter>& now, const core::RunRecord& then) {
  if (then.after == nullptr) return now.empty();
  return std::ranges::equal(now, *then.after, [](const auto& a, const auto& b) {
    return a.run == b.run && a.condition == b.condition;
  });
}

}  // namespace

bool is_same_submission(const NewRun& run, const core::RunRecord& then) {
  const core::SubmitRun& now = run.event;
  const core::RunTexts none;
  const core::RunTexts& texts = then.texts ? *then.texts : none;
  const auto same_json = [](std::string_view a, std::string_view b) {
    return stored_object(a) == stored_object(b);
  };
  return then.workflow->digest == now.workflow_digest && texts.name == now.texts.name &&
         then.priority == now.priority + then.workflow->priority &&
         same_json(texts.labels, now.texts.labels) && same_json(then.inputs.view(), now.inputs) &&
         is_same_after(run.after, then);
}

Uuid new_uuid(Time now) {
  // The kernel is asked for many at a time: a bulk needs a hundred thousand.
  thread_local std::array<std::uint64_t, 32> bits{};
  thread_local std::size_t used = bits.size();
  if (used == bits.size()) {
    // Fails only for more than 256 bytes, or before the kernel has any.
    ENSURE(::getrandom(bits.data(), sizeof bits, 0) == static_cast<ssize_t>(sizeof bits));
    used = 0;
  }
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(now);
  used += 2;
  return Uuid::from_parts(static_cast<std::uint64_t>(milliseconds.time_since_epoch().count()),
                          bits[used - 2], bits[used - 1]);
}

}  // namespace reeve::api
