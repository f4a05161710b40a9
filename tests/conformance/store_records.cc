#include "tests/conformance/store_records.h"

#include <bit>
#include <cmath>

#include <fmt/format.h>
#include <rapidcheck.h>

#include "base/ensure.h"
#include "spec/parse.h"
#include "store/memory/memory_disk.h"

namespace reeve::tests {

using core::AttemptRecord;
using core::EstimateRecord;
using core::Expansion;
using core::RunRecord;
using core::StoredRun;
using core::StoredTask;
using store::memory::copy_of;

namespace {

constexpr std::int64_t kBase = 1'764'000'000'000'000;  // microseconds: in November 2025

template <class T>
T any() {
  return *rc::gen::arbitrary<T>();
}

template <class T>
T wide() {  // RapidCheck's integers are small; stores must hold the extremes too
  return *rc::gen::weightedOneOf<T>({{4, rc::gen::arbitrary<T>()},
                                     {1, rc::gen::just(std::numeric_limits<T>::max())},
                                     {1, rc::gen::just(std::numeric_limits<T>::min())}});
}

Time any_time() {
  return *rc::gen::map(rc::gen::weightedOneOf<std::int64_t>(
                           {{4, rc::gen::inRange<std::int64_t>(kBase, kBase + 1'000'000'000)},
                            {1, rc::gen::just(kUnset.time_since_epoch().count())},
                            {1, rc::gen::just(kNever.time_since_epoch().count())},
                            {1, rc::gen::just<std::int64_t>(0)}}),
                       [](std::int64_t microseconds) { return Time{Duration{microseconds}}; });
}

/// Finite, of any size; not the zero below zero, which no estimate has.
double any_number() {
  const double number = std::bit_cast<double>(wide<std::uint64_t>());
  const double least = *rc::gen::inRange(-1000, 1000) / 7.0;
  return std::isfinite(number) && any<bool>() ? number + 0.0 : least + 0.0;
}

std::string any_text() {
  return *rc::gen::weightedOneOf<std::string>(
      {{2, rc::gen::arbitrary<std::string>()},
       {2, rc::gen::just(std::string())},
       {1, rc::gen::just(std::string("nul\0, quote ' and \" and é", 27))},
       {1, rc::gen::just(std::string("\xff\xfe not UTF-8"))}});
}

Reason any_reason() {
  return {static_cast<ReasonCode>(*rc::gen::inRange<int>(0, kReasonCodeCount)),
          wide<std::int32_t>(), wide<std::int64_t>()};
}

OutcomeClass any_outcome() {
  return static_cast<OutcomeClass>(*rc::gen::inRange<int>(0, kOutcomeClassCount));
}

std::vector<OutputValue> any_outputs() {
  std::vector<OutputValue> outputs(*rc::gen::inRange<std::size_t>(0, 3));
  for (OutputValue& output : outputs) output = {any_text(), any_text()};
  return outputs;
}

std::string part_text(const Reason& reason) {
  return fmt::format("({} {} {})", static_cast<int>(reason.code), reason.a, reason.b);
}

std::string part_text(Time time) { return fmt::format("{}", time.time_since_epoch().count()); }

std::string part_text(const std::vector<OutputValue>& outputs) {
  std::string out;
  for (const OutputValue& output : outputs)
    out += fmt::format("[{}={}]", output.name, output.value);
  return out;
}

}  // namespace

std::shared_ptr<const spec::Workflow> workflow_named(const std::string& name) {
  const std::string source = fmt::format("name: {}\ntasks:\n  one:\n    run: 'true'\n", name);
  spec::Parsed parsed = spec::parse_workflow(source, name + ".yaml");
  ENSURE(parsed.workflow != nullptr);
  return parsed.workflow;
}

RunRecord run_record(std::uint32_t id, core::RunState state) {
  RunRecord run;
  run.id = RunId{id};
  run.state = state;
  run.uuid = Uuid::from_parts(kBase / 1000 + id, 0, 0x1000 + id);
  run.submitted_at = Time{Duration{kBase + 1000 * std::int64_t{id}}};
  run.workflow = workflow_named("plain");
  run.origin = std::make_shared<const core::RunOrigin>(core::RunOrigin{"/home/a", "a"});
  return run;
}

StoredTask task_row(TaskId id, core::TaskState state) {
  StoredTask row;
  row.id = id;
  row.task.state = state;
  row.task.flags = core::kTaskStored;
  return row;
}

AttemptRecord attempt_record(TaskId task, std::uint32_t number, Time ended_at) {
  AttemptRecord attempt;
  attempt.task = task;
  attempt.number = number;
  attempt.ended_at = ended_at;
  return attempt;
}

namespace {

core::RunAfterList random_after() {
  auto list = std::make_unique<std::vector<core::RunAfter>>();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    list->push_back(
        {RunId{wide<std::uint32_t>()},
         Uuid::from_parts(any<std::uint64_t>(), any<std::uint64_t>(), 1),
         static_cast<core::AfterCondition>(*rc::gen::inRange<int>(0, core::kAfterConditionCount)),
         any<bool>(), static_cast<core::RunState>(*rc::gen::inRange<int>(0, 5))});
  return list;
}

}  // namespace

RunRecord random_run(std::uint32_t id) {
  RunRecord run;
  run.id = RunId{id};
  run.state = static_cast<core::RunState>(*rc::gen::inRange<int>(0, 5));
  run.paused = any<bool>();
  run.cancel_requested = any<bool>();
  run.interrupted = any<bool>();
  run.priority = wide<std::int32_t>();
  run.round = wide<std::uint32_t>();
  run.uuid = Uuid::from_parts(any<std::uint64_t>(), any<std::uint64_t>(), id);
  run.submitted_at = any_time();
  run.started_at = any_time();
  run.ended_at = any_time();
  run.reason = any_reason();
  run.workflow = workflow_named(fmt::format("w{}", *rc::gen::inRange(0, 3)));
  run.origin = std::make_shared<const core::RunOrigin>(core::RunOrigin{any_text(), any_text()});
  run.inputs = any_text();
  if (any<bool>()) {
    run.texts = std::make_unique<core::RunTexts>();
    *run.texts = {any_text(), any_text(), "", any_text(), any_text()};
    if (any<bool>()) run.texts->idempotency_key = fmt::format("key of {}", id);
  }
  if (any<bool>()) run.after = random_after();
  return run;
}

StoredTask random_task(TaskId id) {
  StoredTask row =
      task_row(id, static_cast<core::TaskState>(*rc::gen::inRange<int>(0, core::kTaskStateCount)));
  core::Task& task = row.task;
  task.outcome = any_outcome();
  task.flags = any<std::uint8_t>();
  task.percent = wide<std::int8_t>();
  task.attempt = wide<std::uint16_t>();
  task.charged = wide<std::uint16_t>();
  task.group = GroupIndex{wide<std::uint32_t>()};
  task.code = wide<std::int32_t>();
  task.token = Token{wide<std::uint64_t>()};
  task.since = any_time();
  task.wake_at = any_time();
  task.queued_at = any_time();
  task.started_at = any_time();
  task.batch = Token{wide<std::uint64_t>()};
  task.reason = any_reason();
  if (!any<bool>()) return row;
  row.extra = std::make_unique<core::TaskExtra>();
  for (std::uint16_t& ends : row.extra->ends_by_class) ends = wide<std::uint16_t>();
  row.extra->message = any_text();
  row.extra->outputs = any_outputs();
  row.extra->artifacts = any_outputs();
  if (any<bool>()) row.extra->hold = Duration{wide<std::int64_t>()};
  if (any<bool>())
    row.extra->hedging = {
        {Token{wide<std::uint64_t>()}, wide<std::uint16_t>(), any<bool>(), any_time(), any_time()},
        wide<std::uint16_t>(),
        wide<std::uint16_t>()};
  if (any<bool>())
    row.extra->entries.push_back(
        {any_time(), wide<std::uint32_t>(), wide<std::uint32_t>(), any_text(), any_text()});
  return row;
}

AttemptRecord random_attempt(TaskId task, std::uint32_t number) {
  AttemptRecord attempt = attempt_record(task, number, any_time());
  attempt.token = Token{wide<std::uint64_t>()};
  attempt.pool = PoolId{wide<std::uint32_t>()};
  attempt.queued_at = any_time();
  attempt.started_at = any_time();
  attempt.tier = static_cast<SandboxTier>(*rc::gen::inRange<int>(0, kSandboxTierCount));
  if (*rc::gen::inRange<int>(0, 2) == 0) {
    attempt.score = {.priority = Duration{wide<std::int64_t>()},
                     .share_permille = wide<std::int32_t>(),
                     .candidates = wide<std::uint32_t>(),
                     .score = wide<std::int32_t>()};
    attempt.score.terms.back() = 1000;
  }
  attempt.outcome = {any_outcome(), wide<std::int32_t>(), any_reason()};
  attempt.usage = {Duration{wide<std::int64_t>()},
                   Duration{wide<std::int64_t>()},
                   wide<std::int64_t>(),
                   wide<std::int64_t>(),
                   wide<std::int64_t>(),
                   wide<std::int64_t>(),
                   wide<std::int64_t>()};
  attempt.placed = any_reason();
  attempt.next = any_reason();
  attempt.message = any_text();
  return attempt;
}

Expansion random_expansion(RunId run) {
  return {run, GroupIndex{wide<std::uint32_t>()}, wide<std::uint32_t>(), wide<std::uint32_t>(),
          any_text()};
}

EstimateRecord random_estimate() {
  EstimateRecord record;
  record.id.value = *rc::gen::inRange<std::uint32_t>(1, 6);
  record.key = wide<std::uint64_t>();
  record.used = wide<std::uint64_t>();
  record.workflow = any_text();
  record.task = any_text();
  schedule::Estimate& estimate = record.estimate;
  for (schedule::LogMoments* const moments : {&estimate.seconds, &estimate.memory_bytes}) {
    *moments = {wide<std::uint32_t>(), any_number(), any_number(), any_number()};
  }
  estimate.ends = any_number();
  for (std::size_t i = 1; i < kOutcomeClassCount; ++i) estimate.failures[i] = any_number();
  return record;
}

core::DrainRecord random_drain() {
  return {"node" + std::to_string(*rc::gen::inRange(0, 3)), *rc::gen::arbitrary<bool>(),
          Time{Duration{wide<std::int64_t>()}}, any_text(), any_text()};
}

schedule::UsageRecord random_usage() {
  schedule::UsageRecord record;
  record.queue = "queue" + std::to_string(*rc::gen::inRange(0, 3));
  record.is_user = *rc::gen::arbitrary<bool>();
  record.user = record.is_user ? any_text() : "";
  record.past = any_number();
  record.share = any_number();
  record.settled = Time{Duration{wide<std::int64_t>()}};
  const Time at{std::chrono::hours{*rc::gen::inRange(0, 1'000'000)}};
  record.hours.add(*rc::gen::inRange<std::int64_t>(1, 1'000'000'000), at);
  return record;
}

std::string text_of(const RunRecord& run) {
  std::string out = fmt::format(
      "run {} state {} paused {} cancel {} interrupted {} priority {} round {} uuid {} submitted "
      "{} "
      "started {} ended {} reason {} workflow {} {} origin {} {} inputs {}",
      run.id.value, static_cast<int>(run.state), run.paused, run.cancel_requested, run.interrupted,
      run.priority, run.round, format_uuid("run", run.uuid), part_text(run.submitted_at),
      part_text(run.started_at), part_text(run.ended_at), part_text(run.reason),
      format_digest(run.workflow->digest), run.workflow->groups.size(), run.origin->directory,
      run.origin->submitter, run.inputs.view());
  if (run.texts != nullptr) {
    out += fmt::format(" name {} labels {} key {} outputs {} cancelled {}", run.texts->name,
                       run.texts->labels, run.texts->idempotency_key, run.texts->outputs,
                       run.texts->cancel_reason);
  }
  for (std::size_t i = 0; run.after != nullptr && i < run.after->size(); ++i) {
    const core::RunAfter& after = (*run.after)[i];
    out += fmt::format(" after {} {} {} open {} ended {}", after.run.value,
                       format_uuid("run", after.uuid), name(after.condition), after.is_open,
                       static_cast<int>(after.ended));
  }
  return out;
}

std::string text_of(const StoredTask& row) {
  const core::Task& task = row.task;
  std::string out = fmt::format(
      "task {} {} state {} outcome {} flags {} percent {} attempt {} charged {} group {} code {} "
      "token {} since {} wake {} queued {} started {} reason {}",
      row.id.run.value, row.id.index, static_cast<int>(task.state), static_cast<int>(task.outcome),
      task.flags, task.percent, task.attempt, task.charged, task.group.value, task.code,
      task.token.value, part_text(task.since), part_text(task.wake_at), part_text(task.queued_at),
      part_text(task.started_at), task.batch.value, part_text(task.reason));
  if (row.extra != nullptr) {
    for (const std::uint16_t ends : row.extra->ends_by_class) out += fmt::format(" {}", ends);
    out += fmt::format(" message {} outputs {} artifacts {}", row.extra->message,
                       part_text(row.extra->outputs), part_text(row.extra->artifacts));
    out += fmt::format(" hold {}", row.extra->hold.count());
    const core::Hedging& hedging = row.extra->hedging;
    out += fmt::format(" hedging {} {} {} {} {} {} {}", hedging.companion.token.value,
                       hedging.companion.attempt, hedging.companion.won,
                       part_text(hedging.companion.handed_at),
                       part_text(hedging.companion.started_at), hedging.attempts, hedging.hedges);
    for (const core::Entry& entry : row.extra->entries)
      out += fmt::format(" entry {} {} {} {} {}", part_text(entry.at), entry.attempt, entry.user_id,
                         entry.by, entry.command);
  }
  return out;
}

std::string text_of(const AttemptRecord& attempt) {
  const Usage& usage = attempt.usage;
  return fmt::format(
      "attempt {} {} {} token {} pool {} tier {} queued {} started {} ended {} outcome {} {} {} "
      "usage {} "
      "{} "
      "{} {} {} {} {} placed {} next {} message {} decided by {} {} {}",
      attempt.task.run.value, attempt.task.index, attempt.number, attempt.token.value,
      attempt.pool.value, name(attempt.tier), part_text(attempt.queued_at),
      part_text(attempt.started_at), part_text(attempt.ended_at),
      static_cast<int>(attempt.outcome.kind), attempt.outcome.code,
      part_text(attempt.outcome.reason), usage.user_cpu.count(), usage.system_cpu.count(),
      usage.memory_peak_bytes, usage.read_bytes, usage.written_bytes, usage.context_switches,
      usage.output_bytes, part_text(attempt.placed), part_text(attempt.next), attempt.message,
      describe(attempt.score), attempt.score.candidates, attempt.score.terms.back());
}

std::string text_of(const Expansion& expansion) {
  return fmt::format("expansion {} {} {} {} {}", expansion.run.value, expansion.group.value,
                     expansion.first, expansion.count, expansion.items);
}

/// Numbers by their bits: they are the same or they are not.
std::string text_of(const EstimateRecord& record) {
  std::string out = fmt::format("estimate {} {} {} {} {}", record.id.value, record.key, record.used,
                                record.workflow, record.task);
  const schedule::Estimate& estimate = record.estimate;
  for (const schedule::LogMoments& moments : {estimate.seconds, estimate.memory_bytes}) {
    out += fmt::format(
        " {} {:x} {:x} {:x}", moments.count, std::bit_cast<std::uint64_t>(moments.weight),
        std::bit_cast<std::uint64_t>(moments.mean), std::bit_cast<std::uint64_t>(moments.variance));
  }
  out += fmt::format(" {:x}", std::bit_cast<std::uint64_t>(estimate.ends));
  for (const double share : estimate.failures)
    out += fmt::format(" {:x}", std::bit_cast<std::uint64_t>(share));
  return out;
}

template <>
std::string text_of(const std::vector<StoredRun>& runs) {
  std::string out;
  for (const StoredRun& run : runs)
    out += text_of(run.record) + "\n" + text_of(run.expansions) + text_of(run.tasks);
  return out;
}

Status Committer::commit(engine::Store& store, const Batch& batch, std::string events) {
  engine::JournalRecord record;
  record.step = step_ + 1;
  record.now = Time{Duration{kBase + static_cast<std::int64_t>(record.step)}};
  record.events = std::move(events);
  record.effects = digest_of(fmt::format("effects of {}", record.step));
  record.chain = engine::chain_digest(chain_, record);

  std::vector<const RunRecord*> runs;
  for (const RunRecord& run : batch.runs) runs.push_back(&run);
  std::vector<engine::TaskRow> tasks;
  for (const StoredTask& row : batch.tasks) tasks.push_back({row.id, &row.task, row.extra.get()});
  std::vector<std::shared_ptr<const spec::Workflow>> workflows;  // shared: as in RunRecord
  for (const RunRecord& run : batch.runs) workflows.push_back(run.workflow);
  std::vector<const core::EstimateRecord*> estimates;
  for (const core::EstimateRecord& estimate : batch.estimates) estimates.push_back(&estimate);
  TRY(store.commit({&record, workflows, runs, tasks, batch.attempts, batch.expansions, estimates,
                    batch.usage, batch.drains, batch.last_token}));
  step_ = record.step;
  chain_ = record.chain;
  return {};
}

void Model::apply(const Batch& batch) {
  for (const RunRecord& run : batch.runs) runs_[run.id.value].record = copy_of(run);
  for (const StoredTask& row : batch.tasks) {
    StoredTask& held = runs_.at(row.id.run.value).tasks[row.id.index];
    held = copy_of(row);
    held.task.flags =
        static_cast<std::uint8_t>((row.task.flags & core::kTaskFlagsStored) | core::kTaskStored);
  }
  for (const AttemptRecord& attempt : batch.attempts)
    runs_.at(attempt.task.run.value).attempts.push_back(attempt);
  for (const Expansion& expansion : batch.expansions)
    runs_.at(expansion.run.value).expansions.push_back(expansion);
  for (const EstimateRecord& estimate : batch.estimates)
    estimates_.insert_or_assign(estimate.id.value, estimate);
  for (const core::DrainRecord& drain : batch.drains) drains_.insert_or_assign(drain.node, drain);
  for (const schedule::UsageRecord& usage : batch.usage)
    usage_.insert_or_assign(fmt::format("{}|{}|{}", usage.queue, usage.is_user, usage.user), usage);
}

std::vector<core::DrainRecord> Model::drains() const {
  std::vector<core::DrainRecord> out;
  for (const auto& [node, drain] : drains_) out.push_back(drain);
  return out;
}

std::vector<schedule::UsageRecord> Model::usage() const {
  std::vector<schedule::UsageRecord> out;
  for (const auto& [key, usage] : usage_) out.push_back(usage);
  return out;
}

std::vector<EstimateRecord> Model::estimates() const {
  std::vector<EstimateRecord> out;
  for (const auto& [id, estimate] : estimates_) out.push_back(estimate);
  return out;
}

StoredRun Model::run(std::uint32_t id) const {
  const Run& run = runs_.at(id);
  StoredRun out;
  out.record = copy_of(run.record);
  out.expansions = run.expansions;
  for (const auto& [index, task] : run.tasks) out.tasks.push_back(copy_of(task));
  return out;
}

std::vector<StoredRun> Model::open_runs() const {
  std::vector<StoredRun> out;
  for (const auto& [id, run] : runs_) {
    if (!core::is_final(run.record.state)) out.push_back(this->run(id));
  }
  return out;
}

std::vector<AttemptRecord> Model::attempts_of(TaskId task) const {
  std::vector<AttemptRecord> out;
  for (const AttemptRecord& attempt : runs_.at(task.run.value).attempts) {
    if (attempt.task == task) out.push_back(attempt);
  }
  std::ranges::sort(out, {}, &AttemptRecord::number);
  return out;
}

}  // namespace reeve::tests
