#include "cli/service_history.h"

#include <algorithm>

#include <fmt/format.h>

namespace reeve::cli {
namespace {

constexpr std::uint32_t kRunsPerPage = 500;

std::string list_target(const engine::RunFilter& filter) {
  std::string target = "/v1/stored/runs";
  for (const core::RunState state : filter.states) add_parameter(target, "state", name(state));
  if (!filter.name.empty()) add_parameter(target, "name", filter.name);
  if (!filter.label_key.empty())
    add_parameter(target, "label", filter.label_key + "=" + filter.label_value);
  if (filter.submitted_after != kUnset)
    add_parameter(target, "since", format_time(filter.submitted_after));
  add_parameter(target, "limit", std::to_string(std::min(filter.limit, kRunsPerPage)));
  return target;
}

}  // namespace

std::string run_target(RunId run) { return fmt::format("/v1/runs/{}", run.value); }

Result<std::vector<engine::RunView>> ServiceHistory::list_runs(const engine::RunFilter& filter) {
  std::string cursor;
  if (filter.before.value != 0) cursor = fmt::format("r{:08x}", filter.before.value);
  listed_.clear();
  std::vector<engine::RunView> views;
  engine::RunFilter missing = filter;
  // A page may hold fewer and yet not be the last.
  while (views.size() < filter.limit) {
    missing.limit = filter.limit - static_cast<std::uint32_t>(views.size());
    std::string target = list_target(missing);
    if (!cursor.empty()) add_parameter(target, "cursor", cursor);
    TRY_ASSIGN(const http::Response response, link_.get(target));
    TRY_ASSIGN(auto runs, api::decode_runs(response.body));
    for (api::WiredRun& run : runs) {
      listed_[run.view.record.id] = std::move(run.expansions);
      views.push_back(std::move(run.view));
    }
    const auto next = std::ranges::find(response.headers, "reeve-next-cursor", &http::Header::name);
    if (next == response.headers.end()) break;
    cursor = next->value;
  }
  return views;
}

Status ServiceHistory::look(RunId run) {
  const bool is_same = run == run_;
  TRY_ASSIGN(http::Response response, link_.get(fmt::format("/v1/stored/runs/{}", run.value),
                                                is_same ? etag_ : std::string()));
  if (response.status == 304) return {};
  const auto etag = std::ranges::find(response.headers, "etag", &http::Header::name);
  run_ = run;
  etag_ = etag == response.headers.end() ? "" : etag->value;
  body_ = std::move(response.body);
  ++version_;
  return {};
}

Result<engine::RunView> ServiceHistory::get_run(RunId run) {
  TRY(look(run));
  TRY_ASSIGN(api::WiredWhole whole, api::decode_whole(body_));
  return std::move(whole.run.view);
}

Result<RunId> ServiceHistory::find_run(std::string_view reference) {
  TRY_ASSIGN(const http::Response response,
             link_.get("/v1/stored/runs/" + http::percent_encode(reference)));
  TRY_ASSIGN(const api::WiredWhole whole, api::decode_whole(response.body));
  return whole.run.view.record.id;
}

Result<std::vector<core::StoredTask>> ServiceHistory::list_tasks(RunId run,
                                                                 const engine::TaskFilter& filter) {
  if (run != run_) TRY(look(run));
  TRY_ASSIGN(api::WiredWhole whole, api::decode_whole(body_));
  std::vector<core::StoredTask> tasks;
  for (core::StoredTask& each : whole.tasks) {
    if (tasks.size() == filter.limit) break;
    if (each.id.index < filter.from || (filter.group && each.task.group != *filter.group)) continue;
    const bool is_wanted = filter.states.empty() ||
                           std::ranges::find(filter.states, each.task.state) != filter.states.end();
    if (is_wanted) tasks.push_back(std::move(each));
  }
  return tasks;
}

Result<std::vector<core::Expansion>> ServiceHistory::list_expansions(RunId run) {
  if (const auto found = listed_.find(run); found != listed_.end()) {
    auto expansions = std::move(found->second);
    listed_.erase(found);
    return expansions;
  }
  if (run != run_) TRY(look(run));
  TRY_ASSIGN(api::WiredWhole whole, api::decode_whole(body_));
  return std::move(whole.run.expansions);
}

Result<std::vector<core::AttemptRecord>> ServiceHistory::read_attempts(const std::string& target) {
  TRY_ASSIGN(const http::Response response, link_.get(target));
  TRY_ASSIGN(auto wired, api::decode_attempts(response.body));
  std::vector<core::AttemptRecord> attempts;
  for (api::WiredAttempt& each : wired) {
    logs_[{each.record.task, each.record.number}] = std::move(each.log);
    attempts.push_back(std::move(each.record));
  }
  return attempts;
}

Result<std::vector<core::AttemptRecord>> ServiceHistory::list_attempts(TaskId task) {
  return read_attempts(
      fmt::format("/v1/stored/runs/{}/attempts?task={}", task.run.value, task.index));
}

Result<std::vector<core::AttemptRecord>> ServiceHistory::list_run_attempts(RunId run,
                                                                           std::uint64_t offset,
                                                                           std::uint32_t limit) {
  constexpr std::uint32_t kPage = 10'000;
  std::vector<core::AttemptRecord> all;
  while (all.size() < limit) {
    const std::uint32_t wanted = std::min(kPage, limit - static_cast<std::uint32_t>(all.size()));
    TRY_ASSIGN(auto page,
               read_attempts(fmt::format("/v1/stored/runs/{}/attempts?cursor={}&limit={}",
                                         run.value, offset + all.size(), wanted)));
    const bool is_last = page.size() < wanted;
    std::ranges::move(page, std::back_inserter(all));
    if (is_last) break;
  }
  return all;
}

Result<std::uint64_t> ServiceHistory::version() {
  if (run_.value != 0) TRY(look(run_));
  return version_;
}

std::string ServiceHistory::log_path(TaskId task, std::uint32_t attempt) const {
  const auto found = logs_.find({task, attempt});
  return found == logs_.end() ? std::string() : found->second;
}

Result<engine::WorkflowUses> ServiceHistory::list_workflow_uses(RunId /*after*/,
                                                                std::uint32_t /*runs_max*/) {
  return fail(ErrorCode::unsupported, "a service is asked for its workflows at /v1/workflows");
}

Result<engine::WorkflowText> ServiceHistory::get_workflow(const Digest& /*digest*/) {
  return fail(ErrorCode::unsupported, "a service is asked for its workflows at /v1/workflows");
}

}  // namespace reeve::cli
