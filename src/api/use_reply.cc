#include "api/use_reply.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "api/control_protocol.h"
#include "api/json_values.h"
#include "core/launch.h"

namespace reeve::api {
namespace {

namespace json = boost::json;

struct Row {
  const core::Run* run = nullptr;
  std::uint32_t index = 0;
  const AttemptSample* sample = nullptr;

  std::int64_t cpu() const { return sample == nullptr ? -1 : sample->cpu_millicores; }
};

json::value time_or_null(Time time) {
  if (time == kUnset) return nullptr;
  return json::value(format_time(time));
}

void add_sample(json::object& out, const AttemptSample* sample) {
  const auto put = [&](std::string_view name, std::int64_t AttemptSample::*member) {
    out[name] = sample == nullptr ? json::value(nullptr) : json::value(sample->*member);
  };
  const auto fraction = [&](std::string_view name, double value) {
    out[name] = sample == nullptr ? json::value(nullptr) : json::value(value);
  };
  out["sampled_at"] = time_or_null(sample == nullptr ? kUnset : sample->at);
  fraction("cpu_cores", sample == nullptr ? 0 : static_cast<double>(sample->cpu_millicores) / 1e3);
  fraction("cpu_seconds", sample == nullptr ? 0 : static_cast<double>(sample->cpu.count()) / 1e6);
  put("memory_bytes", &AttemptSample::memory_bytes);
  put("memory_peak_bytes", &AttemptSample::memory_peak_bytes);
  put("processes", &AttemptSample::processes);
  put("read_bytes", &AttemptSample::read_bytes);
  put("written_bytes", &AttemptSample::written_bytes);
  put("read_bytes_per_second", &AttemptSample::read_bytes_per_second);
  put("written_bytes_per_second", &AttemptSample::written_bytes_per_second);
  const auto part = [&](std::string_view name, std::int32_t AttemptSample::*member) {
    const bool is_known = sample != nullptr && sample->*member >= 0;
    out[name] = is_known ? json::value((sample->*member) / 1e3) : json::value(nullptr);
  };
  part("cpu_stalled", &AttemptSample::cpu_stalled_per_mille);
  part("memory_stalled", &AttemptSample::memory_stalled_per_mille);
  part("io_stalled", &AttemptSample::io_stalled_per_mille);
}

json::object row_object(const Row& row, Time now) {
  const core::Run& run = *row.run;
  const core::Task& task = run.tasks[row.index];
  const std::string label = core::task_label(run, row.index);
  const core::TaskExtra* const extra = run.extra(row.index);
  const Time started = task.state == core::TaskState::running ? task.started_at : kUnset;
  const std::int64_t limit =
      run.workflow().policy_of(run.group_spec(task.group)).resources.memory_bytes;
  const bool has_message = extra != nullptr && !extra->message.empty();
  json::object out{
      {"id", fmt::format("{}/{}", format_uuid("run", run.record.uuid), label)},
      {"run", run.record.id.value},
      {"name", label},
      {"attempt", task.attempt},
      {"state", name(task.state)},
      {"started_at", time_or_null(started)},
      {"age_seconds", started == kUnset ? json::value(nullptr)
                                        : seconds_json(std::max(now - started, Duration{0}))},
      {"memory_limit_bytes", limit > 0 ? json::value(limit) : json::value(nullptr)},
      {"percent", task.percent < 0 ? json::value(nullptr) : json::value(task.percent)},
      {"message", has_message ? json::value(extra->message) : json::value(nullptr)}};
  add_sample(out, row.sample);
  return out;
}

}  // namespace

Result<UseQuery> use_query(const json::object& params) {
  UseQuery query;
  if (!params.contains("run")) return query;
  TRY_ASSIGN(const std::uint32_t number, number_param(params, "run"));
  query.run = RunId{number};
  return query;
}

Result<json::object> use_of(const core::State& state, const std::vector<AttemptSample>& samples,
                            const UseQuery& query, Time now) {
  const core::Run* only = nullptr;
  if (query.run) {
    only = state.find_run(*query.run);
    if (only == nullptr)
      return fail(ErrorCode::not_found, fmt::format("run {} is not active", query.run->value));
  }
  std::map<Token, const AttemptSample*> by_token;
  for (const AttemptSample& sample : samples) by_token[sample.token] = &sample;
  std::vector<Row> rows;
  for (const auto& [token, live] : state.live) {
    const core::Run* const run = state.find_run(live.task.run);
    if (run == nullptr || (only != nullptr && run != only)) continue;
    if (query.may_look && !query.may_look(*run)) continue;
    const core::Task& task = run->tasks[live.task.index];
    if (!core::is_live(task.state) || (task.flags & core::kTaskStaged) != 0) continue;
    const auto sample = by_token.find(token);
    rows.push_back({run, live.task.index, sample == by_token.end() ? nullptr : sample->second});
  }
  std::ranges::stable_sort(rows, std::ranges::greater{}, &Row::cpu);
  const std::size_t shown = std::min(rows.size(), kUseRowsMax);
  json::array use;
  for (std::size_t i = 0; i < shown; ++i) use.push_back(row_object(rows[i], now));
  return json::object{{"use", std::move(use)}, {"left_out", rows.size() - shown}};
}

}  // namespace reeve::api
