#include "api/stored_wire.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "spec/parse.h"

namespace reeve::api {
namespace {

/// A workflow by its source: many runs have the same one.
struct WireWorkflow {
  std::string name;
  std::string source;
  Digest digest;
  static constexpr auto fields() {
    return std::tuple{field("name", &WireWorkflow::name), field("source", &WireWorkflow::source),
                      field("digest", &WireWorkflow::digest)};
  }
};

struct WireExpansion {
  GroupIndex group;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::string items;
  static constexpr auto fields() {
    return std::tuple{field("group", &WireExpansion::group), field("first", &WireExpansion::first),
                      field("count", &WireExpansion::count), field("items", &WireExpansion::items)};
  }
};

struct WireRun {
  RunId id;
  core::RunState state = core::RunState::queued;
  bool paused = false;
  bool cancel_requested = false;
  bool interrupted = false;
  std::int32_t priority = 0;
  std::uint32_t round = 1;
  Uuid uuid;
  Time submitted_at = kUnset;
  Time started_at = kUnset;
  Time ended_at = kUnset;
  Reason reason;
  std::uint32_t workflow = 0;  ///< position in the table
  std::string directory;
  std::string submitter;
  std::string inputs;
  core::RunTexts texts;
  std::vector<std::uint64_t> counts;
  std::vector<WireExpansion> expansions;
  std::vector<core::RunAfter> after;
  static constexpr auto fields() {
    return std::tuple{field("id", &WireRun::id),
                      field("state", &WireRun::state),
                      field("paused", &WireRun::paused),
                      field("cancel_requested", &WireRun::cancel_requested),
                      field("interrupted", &WireRun::interrupted),
                      field("priority", &WireRun::priority),
                      field("round", &WireRun::round),
                      field("uuid", &WireRun::uuid),
                      field("submitted_at", &WireRun::submitted_at),
                      field("started_at", &WireRun::started_at),
                      field("ended_at", &WireRun::ended_at),
                      field("reason", &WireRun::reason),
                      field("workflow", &WireRun::workflow),
                      field("directory", &WireRun::directory),
                      field("submitter", &WireRun::submitter),
                      field("inputs", &WireRun::inputs),
                      field("texts", &WireRun::texts),
                      field("counts", &WireRun::counts),
                      field("expansions", &WireRun::expansions),
                      field("after", &WireRun::after)};
  }
};

struct WireExtra {
  std::vector<std::uint16_t> ends_by_class;
  std::string message;
  std::vector<OutputValue> outputs;
  std::vector<OutputValue> artifacts;
  std::vector<core::Entry> entries;
  Duration hold{0};
  core::Hedging hedging;
  static constexpr auto fields() {
    return std::tuple{field("ends_by_class", &WireExtra::ends_by_class),
                      field("message", &WireExtra::message),
                      field("outputs", &WireExtra::outputs),
                      field("artifacts", &WireExtra::artifacts),
                      field("entries", &WireExtra::entries),
                      field("hold", &WireExtra::hold),
                      field("hedging", &WireExtra::hedging)};
  }
};

struct WireTask {
  std::uint32_t index = 0;
  core::TaskState state = core::TaskState::blocked;
  OutcomeClass outcome = OutcomeClass::none;
  std::uint8_t flags = 0;
  std::int8_t percent = -1;
  std::uint16_t attempt = 0;
  std::uint16_t charged = 0;
  GroupIndex group;
  std::int32_t code = 0;
  Token token;
  Time since = kUnset;
  Time wake_at = kNever;
  Time queued_at = kUnset;
  Time started_at = kUnset;
  Token batch;
  Reason reason;
  std::optional<WireExtra> extra;
  static constexpr auto fields() {
    return std::tuple{
        field("index", &WireTask::index),         field("state", &WireTask::state),
        field("outcome", &WireTask::outcome),     field("flags", &WireTask::flags),
        field("percent", &WireTask::percent),     field("attempt", &WireTask::attempt),
        field("charged", &WireTask::charged),     field("group", &WireTask::group),
        field("code", &WireTask::code),           field("token", &WireTask::token),
        field("since", &WireTask::since),         field("wake_at", &WireTask::wake_at),
        field("queued_at", &WireTask::queued_at), field("started_at", &WireTask::started_at),
        field("batch", &WireTask::batch),         field("reason", &WireTask::reason),
        field("extra", &WireTask::extra)};
  }
};

struct WireAttempt {
  TaskId task;
  std::uint32_t number = 0;
  Token token;
  PoolId pool;
  Time queued_at = kUnset;
  Time started_at = kUnset;
  Time ended_at = kUnset;
  SandboxTier tier = SandboxTier::none;
  Outcome outcome;
  Usage usage;
  Reason placed;
  Reason next;
  std::string message;
  std::string log;
  schedule::PlacementScore score;
  static constexpr auto fields() {
    return std::tuple{
        field("task", &WireAttempt::task),           field("number", &WireAttempt::number),
        field("token", &WireAttempt::token),         field("pool", &WireAttempt::pool),
        field("queued_at", &WireAttempt::queued_at), field("started_at", &WireAttempt::started_at),
        field("ended_at", &WireAttempt::ended_at),   field("tier", &WireAttempt::tier),
        field("outcome", &WireAttempt::outcome),     field("usage", &WireAttempt::usage),
        field("placed", &WireAttempt::placed),       field("next", &WireAttempt::next),
        field("message", &WireAttempt::message),     field("log", &WireAttempt::log),
        field("score", &WireAttempt::score)};
  }
};

struct WireRuns {
  std::vector<WireWorkflow> workflows;
  std::vector<WireRun> runs;
  std::vector<WireTask> tasks;  ///< of the one run
  static constexpr auto fields() {
    return std::tuple{field("workflows", &WireRuns::workflows), field("runs", &WireRuns::runs),
                      field("tasks", &WireRuns::tasks)};
  }
};

template <class T>
std::string wrap(const T& value) {
  std::string out;
  Writer writer(out);
  encode(writer, kWireFormat);
  encode(writer, value);
  return out;
}

template <class T>
Result<T> unwrap(std::string_view bytes) {
  Reader reader(bytes);
  std::uint32_t format = 0;
  if (decode(reader, format) && format != kWireFormat)
    return fail(ErrorCode::unsupported,
                "the service is of another version of reeve than this command: use the one that it "
                "came with, or the HTTP API");
  T value;
  if (!decode(reader, value) || !reader.at_end())
    return fail(ErrorCode::corrupt, "what the service sent is damaged");
  return value;
}

/// Collects the workflows of several runs, each once.
class WorkflowTable {
 public:
  std::uint32_t add(const spec::Workflow& workflow) {
    const auto [found, is_new] =
        places_.emplace(&workflow, static_cast<std::uint32_t>(workflows.size()));
    if (is_new) workflows.push_back({workflow.name, workflow.source, workflow.digest});
    return found->second;
  }
  std::vector<WireWorkflow> workflows;

 private:
  std::map<const spec::Workflow*, std::uint32_t> places_;
};

WireRun wire_of(const engine::RunView& view, const std::vector<core::Expansion>& expansions,
                WorkflowTable& table) {
  const core::RunRecord& record = view.record;
  WireRun run{.id = record.id,
              .state = record.state,
              .paused = record.paused,
              .cancel_requested = record.cancel_requested,
              .interrupted = record.interrupted,
              .priority = record.priority,
              .round = record.round,
              .uuid = record.uuid,
              .submitted_at = record.submitted_at,
              .started_at = record.started_at,
              .ended_at = record.ended_at,
              .reason = record.reason,
              .workflow = table.add(*record.workflow),
              .inputs = std::string(record.inputs.view())};
  if (record.origin) {
    run.directory = record.origin->directory;
    run.submitter = record.origin->submitter;
  }
  if (record.texts) run.texts = *record.texts;
  // Who looks has no use for it, and it may say more than he should know.
  run.texts.idempotency_key.clear();
  if (record.after) run.after = *record.after;
  run.counts.assign(view.counts.stored.begin(), view.counts.stored.end());
  for (const core::Expansion& each : expansions)
    run.expansions.push_back({each.group, each.first, each.count, each.items});
  return run;
}

WireTask wire_of(const core::StoredTask& stored) {
  const core::Task& task = stored.task;
  WireTask out{.index = stored.id.index,
               .state = task.state,
               .outcome = task.outcome,
               .flags = task.flags,
               .percent = task.percent,
               .attempt = task.attempt,
               .charged = task.charged,
               .group = task.group,
               .code = task.code,
               .token = task.token,
               .since = task.since,
               .wake_at = task.wake_at,
               .queued_at = task.queued_at,
               .started_at = task.started_at,
               .batch = task.batch,
               .reason = task.reason,
               .extra = std::nullopt};
  if (stored.extra) {
    const core::TaskExtra& extra = *stored.extra;
    out.extra = WireExtra{{extra.ends_by_class.begin(), extra.ends_by_class.end()},
                          extra.message,
                          extra.outputs,
                          extra.artifacts,
                          extra.entries,
                          extra.hold,
                          extra.hedging};
  }
  return out;
}

Result<core::StoredTask> task_of(RunId run, WireTask& wire) {
  core::StoredTask out;
  if (static_cast<std::size_t>(wire.state) >= core::kTaskStateCount)
    return fail(ErrorCode::corrupt, "what the service sent is damaged: the state of a task");
  out.id = {run, wire.index};
  out.task = {.state = wire.state,
              .outcome = wire.outcome,
              .flags = wire.flags,
              .percent = wire.percent,
              .attempt = wire.attempt,
              .charged = wire.charged,
              .group = wire.group,
              .code = wire.code,
              .token = wire.token,
              .since = wire.since,
              .wake_at = wire.wake_at,
              .queued_at = wire.queued_at,
              .started_at = wire.started_at,
              .batch = wire.batch,
              .reason = wire.reason};
  if (!wire.extra) return out;
  out.extra = std::make_unique<core::TaskExtra>();
  std::copy_n(wire.extra->ends_by_class.begin(),
              std::min(wire.extra->ends_by_class.size(), out.extra->ends_by_class.size()),
              out.extra->ends_by_class.begin());
  out.extra->message = std::move(wire.extra->message);
  out.extra->outputs = std::move(wire.extra->outputs);
  out.extra->artifacts = std::move(wire.extra->artifacts);
  out.extra->entries = std::move(wire.extra->entries);
  out.extra->hold = wire.extra->hold;
  out.extra->hedging = wire.extra->hedging;
  return out;
}

using Workflows = std::vector<std::shared_ptr<const spec::Workflow>>;  // shared: as in RunRecord

/// One that this program cannot read any more is known by its name only.
Workflows workflows_of(const std::vector<WireWorkflow>& wires) {
  Workflows out;
  for (const WireWorkflow& wire : wires) {
    spec::Parsed parsed = spec::parse_workflow(wire.source, "workflow");
    if (parsed.workflow) {
      out.push_back(std::move(parsed.workflow));
      continue;
    }
    auto named = std::make_shared<spec::Workflow>();
    named->name = wire.name;
    named->source = wire.source;
    named->digest = wire.digest;
    out.push_back(std::move(named));
  }
  return out;
}

Result<WiredRun> run_of(WireRun& wire, const Workflows& workflows) {
  if (wire.workflow >= workflows.size() || wire.state > core::RunState::cancelled)
    return fail(ErrorCode::corrupt, "what the service sent is damaged: a run");
  WiredRun out;
  core::RunRecord& record = out.view.record;
  record.id = wire.id;
  record.state = wire.state;
  record.paused = wire.paused;
  record.cancel_requested = wire.cancel_requested;
  record.interrupted = wire.interrupted;
  record.priority = wire.priority;
  record.round = wire.round;
  record.uuid = wire.uuid;
  record.submitted_at = wire.submitted_at;
  record.started_at = wire.started_at;
  record.ended_at = wire.ended_at;
  record.reason = wire.reason;
  record.workflow = workflows[wire.workflow];
  // shared: as in RunRecord
  record.origin = std::make_shared<core::RunOrigin>(wire.directory, wire.submitter);
  record.inputs = PackedText(wire.inputs);
  record.texts = std::make_unique<core::RunTexts>(std::move(wire.texts));
  const auto is_known = [](const core::RunAfter& each) {
    return static_cast<std::size_t>(each.condition) < core::kAfterConditionCount &&
           each.ended <= core::RunState::cancelled;
  };
  if (!std::ranges::all_of(wire.after, is_known))
    return fail(ErrorCode::corrupt, "what the service sent is damaged: what a run follows");
  if (!wire.after.empty())
    record.after = std::make_unique<std::vector<core::RunAfter>>(std::move(wire.after));
  auto& counts = out.view.counts.stored;
  std::copy_n(wire.counts.begin(), std::min(wire.counts.size(), counts.size()), counts.begin());
  for (WireExpansion& each : wire.expansions)
    out.expansions.push_back({wire.id, each.group, each.first, each.count, std::move(each.items)});
  return out;
}

}  // namespace

std::string encode_runs(const std::vector<engine::RunView>& runs,
                        const std::vector<std::vector<core::Expansion>>& expansions) {
  WireRuns wire;
  WorkflowTable table;
  for (std::size_t i = 0; i < runs.size(); ++i)
    wire.runs.push_back(wire_of(runs[i], expansions[i], table));
  wire.workflows = std::move(table.workflows);
  return wrap(wire);
}

Result<std::vector<WiredRun>> decode_runs(std::string_view bytes) {
  TRY_ASSIGN(WireRuns wire, unwrap<WireRuns>(bytes));
  const Workflows workflows = workflows_of(wire.workflows);
  std::vector<WiredRun> out;
  for (WireRun& each : wire.runs) {
    TRY_ASSIGN(WiredRun run, run_of(each, workflows));
    out.push_back(std::move(run));
  }
  return out;
}

std::string encode_whole(const engine::RunView& run, const std::vector<core::Expansion>& expansions,
                         const std::vector<core::StoredTask>& tasks) {
  WireRuns wire;
  WorkflowTable table;
  wire.runs.push_back(wire_of(run, expansions, table));
  wire.workflows = std::move(table.workflows);
  wire.tasks.reserve(tasks.size());
  for (const core::StoredTask& each : tasks) wire.tasks.push_back(wire_of(each));
  return wrap(wire);
}

Result<WiredWhole> decode_whole(std::string_view bytes) {
  TRY_ASSIGN(WireRuns wire, unwrap<WireRuns>(bytes));
  if (wire.runs.size() != 1)
    return fail(ErrorCode::corrupt, "what the service sent is damaged: not one run");
  WiredWhole out;
  TRY_ASSIGN(out.run, run_of(wire.runs.front(), workflows_of(wire.workflows)));
  for (WireTask& each : wire.tasks) {
    TRY_ASSIGN(core::StoredTask task, task_of(out.run.view.record.id, each));
    out.tasks.push_back(std::move(task));
  }
  return out;
}

std::string encode_attempts(const std::vector<WiredAttempt>& attempts) {
  std::vector<WireAttempt> wire;
  for (const auto& [each, log] : attempts)
    wire.push_back({each.task, each.number, each.token, each.pool, each.queued_at, each.started_at,
                    each.ended_at, each.tier, each.outcome, each.usage, each.placed, each.next,
                    each.message, log, each.score});
  return wrap(wire);
}

Result<std::vector<WiredAttempt>> decode_attempts(std::string_view bytes) {
  TRY_ASSIGN(std::vector<WireAttempt> wire, unwrap<std::vector<WireAttempt>>(bytes));
  std::vector<WiredAttempt> out;
  for (WireAttempt& each : wire)
    out.push_back({{.task = each.task,
                    .number = each.number,
                    .token = each.token,
                    .pool = each.pool,
                    .queued_at = each.queued_at,
                    .started_at = each.started_at,
                    .ended_at = each.ended_at,
                    .tier = each.tier,
                    .outcome = each.outcome,
                    .usage = each.usage,
                    .placed = each.placed,
                    .next = each.next,
                    .message = std::move(each.message),
                    .score = each.score},
                   std::move(each.log)});
  return out;
}

std::string encode_log(const WiredLog& log) { return wrap(log); }
Result<WiredLog> decode_log(std::string_view bytes) { return unwrap<WiredLog>(bytes); }

}  // namespace reeve::api
