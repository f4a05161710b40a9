#include "api/run_json.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/launch.h"

namespace reeve::api {
namespace {

using core::TaskState;

/// Null: it never ran, or nobody knows.
Json tier_json(const core::AttemptRecord& attempt) {
  const bool is_known = attempt.started_at != kUnset && attempt.outcome.kind != OutcomeClass::lost;
  return is_known ? Json(name(attempt.tier)) : Json(nullptr);
}

JsonObject values_json(const std::vector<OutputValue>& values) {
  JsonObject out;
  for (const OutputValue& value : values) {
    Json& slot = out[value.name];
    if (slot.is_null()) {
      slot = text_json(value.value);
    } else {
      if (!slot.is_array()) slot = boost::json::array{slot};
      slot.get_array().push_back(text_json(value.value));
    }
  }
  return out;
}

Json held_until_json(const core::Task& task) {
  const bool is_held =
      task.state == TaskState::running && task.reason.code == ReasonCode::held_open;
  return is_held ? time_json(Time{Duration{task.reason.a}}) : Json(nullptr);
}

boost::json::array entries_json(const std::vector<core::Entry>& entries) {
  boost::json::array out;
  for (const core::Entry& entry : entries)
    out.push_back(JsonObject{{"at", time_json(entry.at)},
                             {"attempt", entry.attempt},
                             {"by", text_json(entry.by)},
                             {"user_id", entry.user_id},
                             {"command", text_json(entry.command)}});
  return out;
}

/// How those ended that it follows; null: they have not, or it did not matter.
boost::json::array after_json(const core::RunAfterList& list) {
  boost::json::array out;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const core::RunAfter& each = (*list)[i];
    const bool is_known = !each.is_open && core::is_final(each.ended);
    out.push_back(JsonObject{{"run", format_uuid("run", each.uuid)},
                             {"number", each.run.value},
                             {"condition", name(each.condition)},
                             {"state", is_known ? Json(name(each.ended)) : Json(nullptr)}});
  }
  return out;
}

JsonObject counts_object(const StateCounts& counts, std::uint64_t total) {
  JsonObject out{{"total", total}};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) out[name(static_cast<TaskState>(i))] = counts[i];
  }
  return out;
}

}  // namespace

std::string run_name(const core::RunRecord& record) {
  return record.texts && !record.texts->name.empty() ? record.texts->name : record.workflow->name;
}

std::string run_sentence(const core::RunRecord& record, bool held) {
  const auto group = static_cast<std::size_t>(std::max<std::int64_t>(record.reason.a, 0));
  if (!core::is_final(record.state) && (record.interrupted || held))
    return describe({ReasonCode::interrupted, 0, 0});
  if (record.reason.code == ReasonCode::need_not_successful &&
      group < record.workflow->groups.size())
    return fmt::format("{} did not succeed", record.workflow->groups[group].id);
  return describe(record.reason);
}

std::string run_state(const core::RunRecord& record, bool held) {
  if (!core::is_final(record.state) && (record.interrupted || held)) return "interrupted";
  return std::string(name(record.state));
}

JsonObject run_json(const core::RunRecord& record, const JsonObject& task_counts, bool held) {
  const core::RunTexts none;
  const core::RunTexts& texts = record.texts ? *record.texts : none;
  return {{"id", format_uuid("run", record.uuid)},
          {"number", record.id.value},
          {"name", text_json(run_name(record))},
          {"workflow", text_json(record.workflow->name)},
          {"workflow_digest", format_digest(record.workflow->digest)},
          {"state", run_state(record, held)},
          {"paused", record.paused},
          {"reason", name(record.reason.code)},
          {"sentence", run_sentence(record, held)},
          {"cancel_reason", optional_text(texts.cancel_reason)},
          {"after", after_json(record.after)},
          {"priority", record.priority},
          {"round", record.round},
          {"labels", stored_object(texts.labels)},
          {"inputs", stored_object(record.inputs.view())},
          {"outputs", stored_object(texts.outputs)},
          {"directory", text_json(record.origin ? record.origin->directory : "")},
          {"submitter", text_json(record.origin ? record.origin->submitter : "")},
          {"submitted_at", time_json(record.submitted_at)},
          {"started_at", time_json(record.started_at)},
          {"ended_at", time_json(record.ended_at)},
          {"duration_seconds", duration_json(record.submitted_at, record.ended_at)},
          {"tasks", task_counts}};
}

JsonObject count_json(const core::Run& run) {
  StateCounts counts{};
  std::uint64_t total = 0;
  for (const core::Group& group : run.groups) {
    if (!group.expanded) continue;
    total += group.count;
    for (std::uint32_t i = group.first; i < group.first + group.count; ++i)
      ++counts[static_cast<std::size_t>(run.tasks[i].state)];
  }
  return counts_object(counts, total);
}

JsonObject count_json(const core::RunRecord& record, const engine::TaskCounts& counts,
                      std::uint64_t expanded_tasks) {
  std::uint64_t total = expanded_tasks;
  for (const spec::TaskGroup& group : record.workflow->groups)
    total += group.static_count().value_or(0);
  std::uint64_t stored = 0;
  for (const std::uint64_t count : counts.stored) stored += count;
  auto all = counts.stored;
  // Tasks without a row are where their workflow put them.
  total = std::max(total, stored);
  all[static_cast<std::size_t>(TaskState::blocked)] += total - stored;
  return counts_object(all, total);
}

TaskState group_state(bool is_expanded, const StateCounts& counts) {
  if (!is_expanded) return TaskState::blocked;
  constexpr auto kOpen = std::to_array<TaskState>(
      {TaskState::running, TaskState::validating, TaskState::starting, TaskState::retry_wait,
       TaskState::awaiting_approval, TaskState::paused, TaskState::queued, TaskState::blocked});
  constexpr auto kEnded = std::to_array<TaskState>(
      {TaskState::failed, TaskState::timed_out, TaskState::cancelled, TaskState::aborted});
  const auto count = [&](TaskState state) { return counts[static_cast<std::size_t>(state)]; };
  for (const TaskState state : kOpen)
    if (count(state) > 0) return state;
  for (const TaskState state : kEnded)
    if (count(state) > 0) return state;
  const bool all_skipped = count(TaskState::skipped) > 0 && count(TaskState::succeeded) == 0;
  return all_skipped ? TaskState::skipped : TaskState::succeeded;
}

JsonObject run_document(const core::Run& run) {
  JsonObject out = run_json(run.record, count_json(run), run.record.interrupted);
  boost::json::array groups;
  for (std::uint32_t g = 0; g < run.groups.size(); ++g)
    groups.emplace_back(group_json(run, GroupIndex{g}));
  out["groups"] = std::move(groups);
  return out;
}

JsonObject group_json(const core::Run& run, GroupIndex index) {
  const spec::TaskGroup& spec = run.group_spec(index);
  const core::Group& group = run.groups[index.value];
  StateCounts counts{};
  Time started_at = kUnset;
  Time ended_at = kUnset;
  std::uint64_t finished = 0;
  const std::uint32_t total = group.expanded ? group.count : 0;
  for (std::uint32_t i = group.first; i < group.first + total; ++i) {
    const core::Task& task = run.tasks[i];
    ++counts[static_cast<std::size_t>(task.state)];
    if (task.started_at != kUnset && (started_at == kUnset || task.started_at < started_at))
      started_at = task.started_at;
    if (!core::is_final(task.state)) continue;
    ended_at = std::max(ended_at, task.since);
    ++finished;
  }
  if (!group.expanded || finished < total) ended_at = kUnset;
  boost::json::array needs;
  for (const spec::Need& need : spec.needs) needs.emplace_back(run.group_spec(need.group).id);
  return {{"name", spec.id},
          {"state", name(group_state(group.expanded, counts))},
          {"needs", std::move(needs)},
          {"started_at", time_json(started_at)},
          {"ended_at", time_json(ended_at)},
          {"duration_seconds", duration_json(started_at, ended_at)},
          {"tasks", counts_object(counts, total)}};
}

JsonObject diagnostic_json(const spec::Diagnostic& diagnostic) {
  return {{"file", text_json(diagnostic.file)},
          {"line", diagnostic.line},
          {"column", diagnostic.column},
          {"severity", diagnostic.severity == spec::Severity::error ? "error" : "warning"},
          {"message", text_json(diagnostic.message)},
          {"suggestion", optional_text(diagnostic.suggestion)}};
}

Json egress_json(const SandboxRequest& sandbox) {
  boost::json::array list;
  for (const std::string& entry : sandbox.egress) list.emplace_back(entry);
  return list;
}

std::string joined(const JsonObject& item, std::string_view field) {
  std::string text;
  for (const Json& each : item.at(field).as_array())
    text.append(text.empty() ? "" : ", ").append(each.as_string());
  return text;
}

JsonObject task_json(const core::Run& run, std::uint32_t index) {
  const core::Task& task = run.tasks[index];
  const core::TaskExtra* const extra = run.extra(index);
  const core::TaskExtra none;
  const core::TaskExtra& more = extra == nullptr ? none : *extra;
  const std::string label = core::task_label(run, index);
  const bool is_over = core::is_final(task.state);
  const spec::Policy& policy = run.workflow().policy_of(run.group_spec(task.group));
  const std::int32_t retries = policy.retry.max;
  return {
      {"id", fmt::format("{}/{}", format_uuid("run", run.record.uuid), label)},
      {"run", run.record.id.value},
      {"index", index},
      {"name", text_json(label)},
      {"group", run.group_spec(task.group).id},
      {"state", name(task.state)},
      {"outcome", name(task.outcome)},
      {"code", task.code},
      {"attempt", task.attempt},
      {"attempts_max", std::max(retries, 0) + 1},
      {"reason", name(task.reason.code)},
      {"sentence", describe(task.reason)},
      {"message", optional_text(more.message)},
      {"percent", task.percent < 0 ? Json(nullptr) : Json(task.percent)},
      {"queued_at", time_json(task.queued_at)},
      {"started_at", time_json(task.started_at)},
      {"ended_at", is_over ? time_json(task.since) : Json(nullptr)},
      {"wake_at", is_over ? Json(nullptr) : time_json(task.wake_at)},
      {"duration_seconds", is_over ? duration_json(task.started_at, task.since) : Json(nullptr)},
      {"outputs", values_json(more.outputs)},
      {"artifacts", values_json(more.artifacts)},
      {"network", name(policy.sandbox.network)},
      {"egress", egress_json(policy.sandbox)},
      {"held_until", held_until_json(task)},
      {"entries", entries_json(more.entries)}};
}

JsonObject attempt_json(const core::AttemptRecord& attempt, const std::string& log_path) {
  const Usage& usage = attempt.usage;
  return {{"number", attempt.number},
          {"outcome", name(attempt.outcome.kind)},
          {"code", attempt.outcome.code},
          {"reason", name(attempt.outcome.reason.code)},
          {"sentence", describe(attempt.outcome.reason)},
          {"placed", describe(attempt.placed)},
          {"decided", optional_text(describe(attempt.score))},
          {"tier", tier_json(attempt)},
          {"next",
           attempt.next.code == ReasonCode::none ? Json(nullptr) : Json(describe(attempt.next))},
          {"message", optional_text(attempt.message)},
          {"queued_at", time_json(attempt.queued_at)},
          {"started_at", time_json(attempt.started_at)},
          {"ended_at", time_json(attempt.ended_at)},
          {"duration_seconds", duration_json(attempt.started_at, attempt.ended_at)},
          {"user_cpu_seconds", seconds_json(usage.user_cpu)},
          {"system_cpu_seconds", seconds_json(usage.system_cpu)},
          {"memory_peak_bytes", usage.memory_peak_bytes},
          {"read_bytes", usage.read_bytes},
          {"written_bytes", usage.written_bytes},
          {"context_switches", usage.context_switches},
          {"output_bytes", usage.output_bytes},
          {"log", log_path}};
}

}  // namespace reeve::api
