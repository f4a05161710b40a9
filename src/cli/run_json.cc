#include "cli/run_json.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/run_tracker.h"
#include "cli/view_picture.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

using core::TaskState;

/// JSON that is stored as text; an object by contract.
Json parsed(std::string_view text) {
  if (text.empty()) return JsonObject{};
  boost::system::error_code error;
  Json value = boost::json::parse(text, error);
  return error ? Json(JsonObject{}) : value;
}

/// Text from anywhere as JSON: what is not UTF-8 is escaped.
Json text_json(const std::string& text) {
  return is_valid_utf8(text) ? Json(text) : Json(sanitize_for_terminal(text, LineBreaks::keep));
}

Json optional_text(const std::string& text) {
  return text.empty() ? Json(nullptr) : text_json(text);
}

Json duration_json(Time begin, Time end) {
  if (begin == kUnset || end == kUnset) return nullptr;
  return seconds_json(end - begin);
}

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

JsonObject counts_object(const std::array<std::uint64_t, core::kTaskStateCount>& counts,
                         std::uint64_t total) {
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
          {"priority", record.priority},
          {"round", record.round},
          {"labels", parsed(texts.labels)},
          {"inputs", parsed(record.inputs.view())},
          {"outputs", parsed(texts.outputs)},
          {"directory", text_json(record.origin ? record.origin->directory : "")},
          {"submitter", text_json(record.origin ? record.origin->submitter : "")},
          {"submitted_at", time_json(record.submitted_at)},
          {"started_at", time_json(record.started_at)},
          {"ended_at", time_json(record.ended_at)},
          {"duration_seconds", duration_json(record.submitted_at, record.ended_at)},
          {"tasks", task_counts}};
}

JsonObject count_json(const core::Run& run) {
  std::array<std::uint64_t, core::kTaskStateCount> counts{};
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

JsonObject group_json(const core::Run& run, GroupIndex index) {
  const spec::TaskGroup& spec = run.group_spec(index);
  RunTracker tracker;
  const core::Group& group = run.groups[index.value];
  std::array<std::uint64_t, core::kTaskStateCount> counts{};
  Time started_at = kUnset;
  Time ended_at = kUnset;
  GroupModel model{.is_expanded = group.expanded, .total = group.expanded ? group.count : 0};
  for (std::uint32_t i = group.first; i < group.first + model.total; ++i) {
    const core::Task& task = run.tasks[i];
    ++counts[static_cast<std::size_t>(task.state)];
    ++model.counts[static_cast<std::size_t>(task.state)];
    if (task.started_at != kUnset && (started_at == kUnset || task.started_at < started_at))
      started_at = task.started_at;
    if (core::is_final(task.state)) ended_at = std::max(ended_at, task.since);
  }
  if (!model.is_finished()) ended_at = kUnset;
  boost::json::array needs;
  for (const spec::Need& need : spec.needs) needs.emplace_back(run.group_spec(need.group).id);
  return {{"name", spec.id},
          {"state", name(state_of(model))},
          {"needs", std::move(needs)},
          {"started_at", time_json(started_at)},
          {"ended_at", time_json(ended_at)},
          {"duration_seconds", duration_json(started_at, ended_at)},
          {"tasks", counts_object(counts, model.total)}};
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

Cell text_cell(const JsonObject& item, std::string_view field) { return {text_of(item, field)}; }

Cell state_cell(const JsonObject& item) {
  const std::string state = text_of(item, "state");
  for (std::size_t i = 0; i < core::kTaskStateCount; ++i) {
    const auto candidate = static_cast<TaskState>(i);
    if (name(candidate) == state) {
      const Mark mark = mark_of(candidate);
      return {fmt::format("{} {}", mark.shape, state), mark.tone};
    }
  }
  return {fmt::format("{} {}", interrupted_mark().shape, state), interrupted_mark().tone};
}

Cell time_cell(const JsonObject& item, std::string_view field, Time now) {
  const auto time = parse_time(text_of(item, field));
  if (!time) return {};
  return {short_duration(now - *time) + " ago"};
}

Cell duration_cell(const JsonObject& item, std::string_view field) {
  const Json* const value = item.if_contains(field);
  if (value == nullptr || !value->is_number()) return {};
  return {short_duration(Duration{static_cast<std::int64_t>(value->to_number<double>() * 1e6)})};
}

Cell counts_cell(const JsonObject& item, std::string_view field) {
  const Json* const value = item.if_contains(field);
  if (value == nullptr || !value->is_object()) return {};
  StateCounts counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const Json* const count = value->get_object().if_contains(name(static_cast<TaskState>(i)));
    if (count != nullptr && count->is_number()) counts[i] = count->to_number<std::uint64_t>();
  }
  return {to_text(counters(counts, false, false), Colour::none)};
}

}  // namespace reeve::cli
