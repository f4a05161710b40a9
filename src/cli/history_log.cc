#include "cli/history_log.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

namespace reeve::cli {
namespace {

constexpr std::uint32_t kAttemptsAtOnce = 10'000;

/// Numbers for names, from 1, in the order in which they are asked for.
class Numbers {
 public:
  std::int64_t of(const std::string& name) {
    return numbers_.try_emplace(name, static_cast<std::int64_t>(numbers_.size()) + 1).first->second;
  }

 private:
  std::map<std::string, std::int64_t> numbers_;
};

class Reader {
 public:
  explicit Reader(engine::History& history) : history_(history) {}

  Result<schedule::WorkloadLog> read() {
    engine::RunFilter filter;
    filter.limit = 1000;
    while (true) {
      TRY_ASSIGN(const auto runs, history_.list_runs(filter));
      for (const engine::RunView& run : runs) TRY(add(run.record));
      if (runs.size() < filter.limit) break;
      filter.before = runs.back().record.id;
    }
    std::ranges::sort(log_.jobs, {}, &schedule::LogJob::submitted);
    for (std::size_t i = 0; i < log_.jobs.size(); ++i) {
      log_.jobs[i].number = static_cast<std::int64_t>(i) + 1;
      log_.jobs[i].submitted -= first_;
    }
    return std::move(log_);
  }

 private:
  Status add(const core::RunRecord& run) {
    if (run.workflow == nullptr) return {};
    engine::TaskFilter all;
    all.limit = std::numeric_limits<std::uint32_t>::max();
    TRY_ASSIGN(const auto tasks, history_.list_tasks(run.id, all));
    std::map<std::uint32_t, GroupIndex> groups;
    for (const core::StoredTask& task : tasks) groups[task.id.index] = task.task.group;
    for (std::uint64_t offset = 0;; offset += kAttemptsAtOnce) {
      TRY_ASSIGN(const auto attempts, history_.list_run_attempts(run.id, offset, kAttemptsAtOnce));
      for (const core::AttemptRecord& attempt : attempts) {
        const auto group = groups.find(attempt.task.index);
        if (group != groups.end()) add(run, group->second, attempt);
      }
      if (attempts.size() < kAttemptsAtOnce) return {};
    }
  }

  void add(const core::RunRecord& run, GroupIndex index, const core::AttemptRecord& attempt) {
    const bool has_run = attempt.started_at != kUnset && attempt.ended_at > attempt.started_at &&
                         attempt.queued_at != kUnset;
    const spec::Workflow& workflow = *run.workflow;
    if (!has_run || index.value >= workflow.groups.size()) {
      ++log_.left_out;
      return;
    }
    const spec::TaskGroup& group = workflow.groups[index.value];
    const spec::Policy& policy = workflow.policy_of(group);
    const Duration limit =
        policy.timeouts.run > Duration{0} ? policy.timeouts.run : kRequestUnlimited;
    schedule::LogJob job;
    job.submitted = attempt.queued_at.time_since_epoch();
    job.run = attempt.ended_at - attempt.started_at;
    job.processors = std::max<std::int64_t>(policy.resources.cpu_millicores, 1);
    job.requested = std::max(limit, job.run);
    std::optional<Duration> deadline = workflow.deadline;
    if (group.detail && group.detail->deadline)
      deadline = std::min(deadline.value_or(Duration::max()), *group.detail->deadline);
    if (deadline) job.deadline = run.submitted_at + *deadline - attempt.queued_at;
    job.user = users_.of(run.origin == nullptr ? "" : run.origin->submitter);
    job.executable = groups_.of(workflow.name + "\n" + group.id);
    first_ = std::min(first_, job.submitted);
    log_.jobs.push_back(job);
  }

  engine::History& history_;
  schedule::WorkloadLog log_;
  Duration first_ = Duration::max();
  Numbers users_;
  Numbers groups_;
};

}  // namespace

Result<schedule::WorkloadLog> log_of_history(engine::History& history) {
  return Reader(history).read();
}

}  // namespace reeve::cli
