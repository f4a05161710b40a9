#include "spec/fields.h"

#include <algorithm>
#include <array>

#include "spec/shapes.h"
#include "spec/suggest.h"
#include "spec/touches.h"

namespace reeve::spec {
namespace {

// Small shapes first: each may only use what stands above it.

// --- what else a task may say

constexpr std::array<std::string_view, 3> kNeedConditions{"success", "failure", "always"};
constexpr Shape kNeedCondition{.scalar = ScalarKind::choice, .choices = kNeedConditions};
constexpr Shape kNeeds{
    .name = "needs",
    .expected = "a task, a list of tasks or a map of task: success, failure or always",
    .scalar = ScalarKind::text,
    .text_rule = KeyKind::identifier,
    .item = &kTaskName,
    .value = &kNeedCondition,
    .key = KeyKind::identifier};

constexpr Shape kCommand{.expected = "a list: the program and its arguments",
                         .scalar = ScalarKind::expression,
                         .item = &kTemplate,
                         .items_min = 1};

constexpr Shape kAxis{.expected = "a list of values, or one ${{ }} that gives a list",
                      .scalar = ScalarKind::expression,
                      .item = &kAnything,
                      .items_min = 1};
constexpr Shape kLeg{
    .expected = "a map of axis: value", .value = &kAnything, .key = KeyKind::identifier};
constexpr Shape kLegs{
    .expected = "a list of maps", .scalar = ScalarKind::expression, .item = &kLeg};
constexpr std::string_view kParallelText = "At most so many of its tasks at a time.";
constexpr std::string_view kFailFastText =
    "Whether the first that fails ends the others (matrix: true; array and for_each: false).";
constexpr std::array kMatrixFields{
    Field{"include", {}, &kLegs, "Further legs, or further values for legs that match."},
    Field{"exclude", {}, &kLegs, "Combinations that are left out."},
    Field{"max-parallel", {}, &kParallel, kParallelText},
    Field{"fail-fast", {}, &kBoolean, kFailFastText},
};
constexpr Shape kMatrix{.name = "matrix",
                        .expected = "a map of axis: list of values",
                        .scalar = ScalarKind::expression,
                        .fields = kMatrixFields,
                        .value = &kAxis,
                        .key = KeyKind::identifier};

constexpr Shape kItems{.expected = "a list, or one ${{ }} that gives a list",
                       .scalar = ScalarKind::integer_or_expression,
                       .min = 1,
                       .max = kTasksPerRunMax,
                       .item = &kAnything,
                       .items_min = 1};
constexpr std::array kForEachFields{
    Field{"items", {}, &kItems, "The list.", true},
    Field{"max-parallel", {}, &kParallel, kParallelText},
    Field{"fail-fast", {}, &kBoolean, kFailFastText},
};
constexpr Shape kForEach{.name = "for_each",
                         .expected = "a list, one ${{ }} that gives a list, or a map with items",
                         .scalar = ScalarKind::integer_or_expression,
                         .min = 1,
                         .max = kTasksPerRunMax,
                         .item = &kAnything,
                         .items_min = 1,
                         .fields = kForEachFields};

constexpr Shape kRange{.name = "range", .scalar = ScalarKind::range};
constexpr std::array kArrayFields{
    Field{"range", {}, &kRange, "The indexes: 100, 0-99, 1-100:5 or 0-99%4.", true},
    Field{"max-parallel", {}, &kParallel, kParallelText},
    Field{"fail-fast", {}, &kBoolean, kFailFastText},
};
constexpr Shape kArray{.name = "array",
                       .expected = "a number of tasks, a range such as 0-99, or a map with range",
                       .scalar = ScalarKind::range,
                       .fields = kArrayFields};

constexpr std::array<std::string_view, 3> kBusyChoices{"queue", "cancel_in_progress",
                                                       "keep_latest"};
constexpr Shape kWhenBusy{.scalar = ScalarKind::choice, .choices = kBusyChoices};
constexpr std::array kConcurrencyFields{
    Field{"group", {}, &kTemplate, "Name of the group; shared with other runs.", true},
    Field{"limit", {}, &kUnits, "How many of the group at a time (1)."},
    Field{
        "cancel-in-progress", {}, &kBoolean, "Cancel the older instead of waiting for it (false)."},
    Field{"when_busy",
          {},
          &kWhenBusy,
          "queue: wait (unless given); cancel_in_progress; keep_latest: cancel older ones that "
          "wait."},
};
constexpr std::array<std::string_view, 2> kBusyNames{"cancel-in-progress", "when_busy"};
constexpr std::array kConcurrencyGroups{FieldGroup{kBusyNames, false}};
constexpr Shape kConcurrency{.name = "concurrency",
                             .expected = "the name of a group, or a map",
                             .scalar = ScalarKind::template_text,
                             .fields = kConcurrencyFields,
                             .groups = kConcurrencyGroups};
constexpr Shape kMoment{.scalar = ScalarKind::moment};

constexpr Shape kWhen{.scalar = ScalarKind::choice, .choices = kNeedConditions};
constexpr std::array kArtifactFields{
    Field{"name", {}, &kIdentifier, "How other tasks call it (the file name up to its first dot)."},
    Field{"path",
          {},
          &kTemplate,
          "The file, from the work directory; * and ? in its last part.",
          true},
    Field{"when", {}, &kWhen, "After success (unless given), failure, or always."},
};
constexpr Shape kArtifact{.name = "artifact",
                          .expected = "a path, or a map with path",
                          .scalar = ScalarKind::template_text,
                          .fields = kArtifactFields};
constexpr Shape kArtifacts{.expected = "a path, or a list of paths",
                           .scalar = ScalarKind::template_text,
                           .item = &kArtifact};

constexpr Shape kPeople{.expected = "a list of names", .scalar = ScalarKind::text, .item = &kText};
constexpr std::array kApprovalFields{
    Field{"by", {}, &kPeople, "Who may approve (anybody unless given)."},
    Field{"timeout", {}, &kDuration, "How long to wait (for ever unless given)."},
};
constexpr Shape kApproval{.expected = "a map with by and timeout, perhaps empty: {}",
                          .fields = kApprovalFields};

constexpr Shape kShell{.expected = "a program such as sh, bash or python3",
                       .scalar = ScalarKind::text};
constexpr Shape kImage{.expected = "the name of an image: name:tag or name@sha256:<64 digits>",
                       .scalar = ScalarKind::text};
constexpr Shape kPatterns{.expected = "a pattern of paths such as data/*.csv, or a list of them",
                          .scalar = ScalarKind::text,
                          .item = &kText,
                          .items_max = kTouchesPerTaskMax};
constexpr std::array<std::string_view, 1> kParallelChoices{"auto"};
constexpr Shape kParallelMode{.scalar = ScalarKind::choice, .choices = kParallelChoices};
constexpr Shape kCondition{.scalar = ScalarKind::condition};
constexpr Shape kContinue{.scalar = ScalarKind::boolean_or_expression};

constexpr std::array<std::string_view, 1> kImageNames{"container"};
constexpr std::array<std::string_view, 2> kNeedsNames{"depends_on", "depends"};
constexpr std::array<std::string_view, 1> kJobsName{"jobs"};
constexpr std::array<std::string_view, 1> kTriggersName{"triggers"};
constexpr std::array<std::string_view, 1> kWorkdirName{"working-directory"};

constexpr std::array kTaskFields{
    Field{"name", {}, &kText, "How people call it; else its id."},
    Field{"description", {}, &kText, "What it is for."},
    Field{"run", {}, &kTemplate, "Text for the shell."},
    Field{"command", {}, &kCommand, "A program and its arguments, without a shell."},
    Field{"approval", {}, &kApproval, "No program: waits until somebody approves."},
    Field{"shell", {}, &kShell, "What reads `run`: sh (unless given), bash, python3, ..."},
    Field{"warm", {}, &kWarm, "What waits for `run`, started ahead: python, sh, node."},
    Field{"needs", kNeedsNames, &kNeeds, "Tasks that come before it."},
    Field{"if", {}, &kCondition, "Condition; without it all needs must have succeeded."},
    Field{"matrix", {}, &kMatrix, "One task for every combination of the axes."},
    Field{"for_each", {}, &kForEach, "One task for every element of a list."},
    Field{"array", {}, &kArray, "One task for every index of a range."},
    Field{"max-parallel", {}, &kParallel, kParallelText},
    Field{"fail-fast", {}, &kBoolean, kFailFastText},
    Field{"timeout", {}, &kTimeout, "How long it may take."},
    Field{"timeout-minutes", {}, &kMinutes, "The same, as a number of minutes."},
    Field{"retry", {}, &kRetry, "How often and when it is tried again."},
    Field{"idempotent", {}, &kBoolean, "Running it twice, even at the same time, does no harm."},
    Field{"hedge", {}, &kHedge, "Starts a second attempt beside one that takes too long."},
    Field{"batch", {}, &kBatch, "Short tasks of its kind share one sandbox start."},
    Field{"single_flight", {}, &kBoolean, "Identical ones at the same time are executed once."},
    Field{"continue-on-error", {}, &kContinue, "Whether its failure counts as success."},
    Field{"resources", {}, &kResources, "What it needs of the machine."},
    Field{"sandbox", {}, &kSandbox, "What encloses it, and what it may reach outside."},
    Field{"image", kImageNames, &kImage,
          "Image that is its root; without run or command its own program is run."},
    Field{"priority", {}, &kPriority, "Higher comes first (0)."},
    Field{"deadline", {}, &kDuration, "When it must have ended, after the run's submission."},
    Field{"concurrency", {}, &kConcurrency, "Not more than one (or `limit`) of a group at a time."},
    Field{"locks", {}, &kLocks, "Locks that it holds while it runs."},
    Field{"env", {}, &kEnv, "Environment variables."},
    Field{"secrets", {}, &kSecrets, "Secrets that it is given, as files."},
    Field{"workdir", kWorkdirName, &kTemplate, "Directory that it runs in."},
    Field{"artifacts", {}, &kArtifacts, "Files that it makes and that are kept."},
    Field{"labels", {}, &kLabels, "Labels, to find and group it by."},
    Field{"output_limit", {}, &kBytes, "How much of its output is stored (256Mi)."},
    Field{"queue", {}, &kQueueName, "Where it waits; else that of the workflow."},
    Field{"placement", {}, &kPlacement, "On which nodes it may run, and on which it should."},
    Field{"preemptible", {}, &kBoolean, "May be stopped for other work and start again (false)."},
    Field{"rate_limit", {}, &kRateLimitName, "Starts only as often as this limit allows."},
    Field{"delay", {}, &kDuration, "Waits so long once its needs are done."},
    Field{"reads", {}, &kPatterns, "Files that it reads and that other tasks may write."},
    Field{"writes", {}, &kPatterns, "Files that it makes, changes or removes."},
    // Known from other systems or from later releases: refused with a reason.
    Field{"uses", {}, nullptr, "not supported yet: reusable steps; write a `run`"},
    Field{"cache", {}, nullptr, "not supported yet: the result cache"},
    Field{"validate", {}, nullptr, "not supported yet: checks of results; check them in `run`"},
    Field{"notify", {}, nullptr, "not supported yet: notifications"},
    Field{"steps",
          {},
          nullptr,
          "a task has no steps: write one `run`, or several tasks with `needs`"},
    Field{"strategy",
          {},
          nullptr,
          "write `matrix` directly into the task, with max-parallel and fail-fast inside"},
    Field{"runs-on", {}, nullptr, "leave it out: the task runs on this machine"},
    Field{"script", {}, nullptr, "the text for the shell is called `run`"},
    Field{"outputs",
          {},
          nullptr,
          "outputs are not declared: the task writes name=value lines to the file $REEVE_OUTPUT"},
    Field{"with", {}, nullptr, "there is no `with`: use `env`"},
};
constexpr std::array<std::string_view, 3> kActions{"run", "command", "approval"};
constexpr std::array<std::string_view, 3> kFanOuts{"matrix", "for_each", "array"};
constexpr std::array<std::string_view, 2> kRunTimeouts{"timeout", "timeout-minutes"};
constexpr std::array kTaskGroups{FieldGroup{kActions, true, "image"}, FieldGroup{kFanOuts, false},
                                 FieldGroup{kRunTimeouts, false}};
constexpr Shape kTask{.name = "task",
                      .expected = "a map with run, command, image or approval",
                      .fields = kTaskFields,
                      .groups = kTaskGroups};
constexpr Shape kTasks{.name = "tasks",
                       .expected = "a map of id: task",
                       .items_min = 1,
                       .value = &kTask,
                       .key = KeyKind::identifier};

// --- the file

constexpr std::array<std::string_view, 5> kInputTypes{"string", "number", "boolean", "choice",
                                                      "object"};
constexpr Shape kInputType{.scalar = ScalarKind::choice, .choices = kInputTypes};
constexpr Shape kOptions{.expected = "a list of texts", .item = &kText, .items_min = 1};
constexpr std::array kInputFields{
    Field{"type", {}, &kInputType, "string (unless given), number, boolean, choice or object."},
    Field{"description", {}, &kText, "What it means."},
    Field{"required", {}, &kBoolean, "Whether it must be given (false)."},
    Field{"default", {}, &kAnything, "Its value when it is not given."},
    Field{"options", {}, &kOptions, "The values of a choice."},
};
constexpr Shape kInput{.name = "input",
                       .expected = "a map with type, default, ...",
                       .fields = kInputFields,
                       .nullable = true};
constexpr Shape kInputs{.name = "inputs",
                        .expected = "a map of name: input",
                        .value = &kInput,
                        .key = KeyKind::identifier,
                        .nullable = true};

constexpr std::array kOutputFields{
    Field{"value", {}, &kTemplate, "Its value, from ${{ needs.<task>.outputs.<name> }}.", true},
    Field{"description", {}, &kText, "What it means."},
};
constexpr Shape kOutput{.expected = "a text, or a map with value",
                        .scalar = ScalarKind::template_text,
                        .fields = kOutputFields};
constexpr Shape kOutputs{
    .expected = "a map of name: value", .value = &kOutput, .key = KeyKind::identifier};

constexpr std::array<std::string_view, 1> kTriggers{"manual"};
constexpr std::array<std::string_view, 4> kLaterTriggers{"schedule", "webhook", "run", "file"};
constexpr std::string_view kLaterTrigger =
    "not supported yet: runs are started by hand; use cron with `reeve run` until then";
constexpr Shape kTrigger{
    .scalar = ScalarKind::choice, .choices = kTriggers, .later_choices = kLaterTriggers};
constexpr std::array kManualFields{
    Field{"inputs", {}, &kInputs, "As the top-level `inputs`."},
};
constexpr Shape kManual{
    .expected = "a map with inputs, or nothing", .fields = kManualFields, .nullable = true};
constexpr std::array kOnFields{
    Field{"manual", {}, &kManual, "By hand: `reeve run FILE`."},
    Field{"schedule", {}, nullptr, kLaterTrigger},
    Field{"webhook", {}, nullptr, kLaterTrigger},
    Field{"run", {}, nullptr, kLaterTrigger},
    Field{"file", {}, nullptr, kLaterTrigger},
    Field{"workflow_dispatch", {}, nullptr, "it is called `manual` here"},
    Field{"push", {}, nullptr, kLaterTrigger},
    Field{"pull_request", {}, nullptr, kLaterTrigger},
};
constexpr Shape kOn{.expected = "manual, a list of triggers or a map of trigger: settings",
                    .scalar = ScalarKind::choice,
                    .choices = kTriggers,
                    .later_choices = kLaterTriggers,
                    .item = &kTrigger,
                    .fields = kOnFields};

constexpr std::array kDefaultsFields{
    Field{"shell", {}, &kShell, "As in a task."},
    Field{"warm", {}, &kWarm, "As in a task; of tasks with `run` that it fits."},
    Field{"retry", {}, &kRetry, "As in a task; a task changes only what it names."},
    Field{"timeout", {}, &kTimeout, "As in a task; a task changes only what it names."},
    Field{"resources", {}, &kResources, "As in a task; a task changes only what it names."},
    Field{"sandbox", {}, &kSandbox, "As in a task; a task changes only what it names."},
    Field{"env", {}, &kEnv, "As the top-level `env`."},
    Field{"workdir", kWorkdirName, &kTemplate, "As in a task."},
    Field{"image", kImageNames, &kImage, "As in a task."},
    Field{"placement", {}, &kPlacement, "As in a task; a task changes only what it names."},
    Field{"preemptible", {}, &kBoolean, "As in a task."},
    Field{"rate_limit", {}, &kRateLimitName, "As in a task."},
    Field{"run", {}, nullptr, "write shell and workdir directly under `defaults`"},
};
constexpr Shape kDefaults{.expected = "a map of shell, retry, timeout, ...",
                          .fields = kDefaultsFields};

constexpr Shape kVersion{.scalar = ScalarKind::integer, .min = 1, .max = 1};

constexpr std::array kWorkflowFields{
    Field{"version", {}, &kVersion, "Version of this format: 1."},
    Field{"name", {}, &kText, "Name of the workflow; else that of the file."},
    Field{"description", {}, &kText, "What it is for."},
    Field{"labels", {}, &kLabels, "Labels of every run, to find and group them by."},
    Field{"on", kTriggersName, &kOn, "What starts a run."},
    Field{"inputs", {}, &kInputs, "What a run can be given: `reeve run FILE -i name=value`."},
    Field{"outputs", {}, &kOutputs, "What a run gives back, from outputs of its tasks."},
    Field{"env", {}, &kEnv, "Environment variables of all tasks."},
    Field{"secrets", {}, &kSecrets, "Secrets that all tasks are given, as files."},
    Field{"defaults", {}, &kDefaults, "Settings of all tasks that do not say otherwise."},
    Field{"tasks", kJobsName, &kTasks, "The tasks.", true},
    Field{"on_failure", {}, &kTasks, "Tasks that run after the others when one of them failed."},
    Field{"finally", {}, &kTasks, "Tasks that run at the end, whatever happened."},
    Field{"concurrency",
          {},
          &kConcurrency,
          "Not more than one (or `limit`) run of a group at a time."},
    Field{"priority", {}, &kPriority, "Higher comes first (0)."},
    Field{"deadline", {}, &kDuration, "When the run must have ended, after its submission."},
    Field{"locks", {}, &kLockLimits, "Locks with more than one unit."},
    Field{"queue", {}, &kQueueName, "Where tasks wait that do not say otherwise (default)."},
    Field{"not_before", {}, &kMoment, "Nothing of a run starts earlier."},
    Field{"parallel",
          {},
          &kParallelMode,
          "auto: tasks follow each other as they stand in the file, those at the same time that "
          "touch nothing in common."},
    Field{"notify", {}, nullptr, "not supported yet: notifications"},
    Field{"permissions", {}, nullptr, "there are no permissions here; leave it out"},
};
constexpr Shape kWorkflow{
    .expected = "a map with tasks", .fields = kWorkflowFields, .extensions = true};

bool is_name(std::string_view text, bool dashes) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool later = (c >= '0' && c <= '9') || (dashes && c == '-');
    if (!letter && !(i > 0 && later)) return false;
  }
  return true;
}

std::string scalar_expectation(const Shape& shape) {
  switch (shape.scalar) {
    case ScalarKind::none: return "a list or a map";
    case ScalarKind::text:
    case ScalarKind::template_text: return "text";
    case ScalarKind::expression: return "one expression: ${{ ... }}";
    case ScalarKind::condition: return "a condition";
    case ScalarKind::boolean: return "true or false";
    case ScalarKind::boolean_or_expression: return "true, false or one ${{ ... }}";
    case ScalarKind::integer:
    case ScalarKind::integer_or_expression:
      return "a whole number from " + std::to_string(shape.min) + " to " +
             std::to_string(shape.max);
    case ScalarKind::number:
      return "a number " +
             (shape.min > 0 ? "from " + std::to_string(shape.min) : std::string("above 0")) +
             " up to " + std::to_string(shape.max);
    case ScalarKind::decimal:
      return "a number from " + std::to_string(shape.min) + " to " + std::to_string(shape.max);
    case ScalarKind::percent: return "a share such as 50% or 0.5%";
    case ScalarKind::duration_or_zero:
      return "a duration with its unit, such as 90s, 10m or 1h30m, or 0s";
    case ScalarKind::moment: return "a moment such as \"2026-12-01T08:00:00Z\"";
    case ScalarKind::day_time: return "a time of the day, \"00:00\" to \"24:00\"";
    case ScalarKind::utc_offset: return "an offset from UTC, \"-14:00\" to \"+14:00\"";
    case ScalarKind::duration: return "a duration with its unit, such as 90s, 10m or 1h30m";
    case ScalarKind::bytes: return "a size such as 512Mi, 4G or 1000000";
    case ScalarKind::millis: return "a quantity such as 2, 1.5 or 500m";
    case ScalarKind::range:
      return "a number of tasks such as 100, or a range such as 0-99, 1-100:5 or 0-99%4";
    case ScalarKind::choice:
      return (shape.choices.size() > 1 ? "one of " : "") + join_names(shape.choices);
  }
  return "a value";
}

}  // namespace

const Shape& workflow_shape() { return kWorkflow; }
const Shape& task_shape() { return kTask; }
const Shape& matrix_shape() { return kMatrix; }

const Field* find_field(const Shape& shape, std::string_view key) {
  for (const Field& field : shape.fields) {
    if (field.name == key) return &field;
    for (const std::string_view alias : field.aliases) {
      if (alias == key) return &field;
    }
  }
  return nullptr;
}

bool is_identifier(std::string_view text) { return is_name(text, true); }
bool is_variable(std::string_view text) { return is_name(text, false); }

bool is_label_text(std::string_view text) {
  if (text.empty() || text.size() > kLabelBytesMax) return false;
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  constexpr std::string_view kInner = ".:/@+-";
  return is_alphanumeric(text[0]) && std::ranges::all_of(text, [&](char c) {
           return is_alphanumeric(c) || kInner.find(c) != std::string_view::npos;
         });
}

bool is_queue_name(std::string_view text) {
  if (text.size() > kQueueNameBytesMax) return false;
  std::size_t depth = 1;
  bool is_part_empty = true;
  for (const char c : text) {
    if (c == '/') {
      if (is_part_empty || ++depth > kQueueDepthMax) return false;
      is_part_empty = true;
      continue;
    }
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) return false;
    is_part_empty = false;
  }
  return !is_part_empty;
}

std::string expectation(const Shape& shape) {
  return shape.expected.empty() ? scalar_expectation(shape) : std::string(shape.expected);
}

}  // namespace reeve::spec
