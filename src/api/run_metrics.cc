#include "api/run_metrics.h"

#include <algorithm>

namespace reeve::api {
namespace {

/// One writer: no need for an addition that others could come between.
void add_one(std::atomic<std::uint64_t>& count) {
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

constexpr auto kResults = std::to_array<std::string_view>({"success", "failure", "cancellation"});

std::size_t result_of(core::RunState state) {
  if (state == core::RunState::succeeded) return 0;
  return state == core::RunState::cancelled ? 2 : 1;
}

}  // namespace

void DurationHistogram::add(Duration duration) {
  const Duration taken = std::max(duration, Duration{0});
  const double seconds = std::chrono::duration<double>(taken).count();
  const auto bound = std::ranges::lower_bound(bounds_, seconds);
  add_one(counts_[static_cast<std::size_t>(bound - bounds_.begin())]);
  sum_microseconds_.store(sum_microseconds_.load(std::memory_order_relaxed) + taken.count(),
                          std::memory_order_relaxed);
}

void DurationHistogram::write(MetricsText& text, MetricLabels labels) const {
  std::array<std::uint64_t, kDurationBounds.size() + 1> counts{};
  std::ranges::transform(counts_, counts.begin(),
                         [](const auto& count) { return count.load(std::memory_order_relaxed); });
  const double sum = static_cast<double>(sum_microseconds_.load(std::memory_order_relaxed)) / 1e6;
  text.histogram(labels, {bounds_, counts, sum});
}

void RunMetrics::on_committed(const engine::Committed& committed) {
  for (const core::TaskChange& change : committed.tasks) count_task(committed, change);
  for (const core::RunChange& change : committed.runs) count_run(committed, change);
  for (const core::AttemptRecord& attempt : committed.attempts) count_attempt(attempt);
}

void RunMetrics::count_task(const engine::Committed& committed, const core::TaskChange& change) {
  using enum core::TaskState;
  const bool is_of_start = change.to == starting || change.from == starting;
  if (!is_of_start) return;
  const core::Run* const run = committed.state.find_run(change.task.run);
  for (std::uint32_t i = 0; i < change.count; ++i) {
    const TaskId task{change.task.run, change.task.index + i};
    if (change.to == starting) {
      starting_[task] = committed.now;
      const bool is_known = run != nullptr && task.index < run->tasks.size();
      const Time queued = is_known ? run->tasks[task.index].queued_at : kUnset;
      if (queued != kUnset) task_queue_.add(committed.now - queued);
      continue;
    }
    const auto begun = starting_.find(task);
    if (begun == starting_.end()) continue;
    if (change.to == running) task_start_.add(committed.now - begun->second);
    starting_.erase(begun);
  }
}

void RunMetrics::count_run(const engine::Committed& committed, const core::RunChange& change) {
  const core::Run* const run = committed.state.find_run(change.run);
  if (run == nullptr) return;
  const core::RunRecord& record = run->record;
  // A submission is a change too, from queued to queued.
  const bool has_begun =
      change.from == core::RunState::queued && change.to != core::RunState::queued;
  if (has_begun && record.started_at != kUnset)
    run_pending_.add(record.started_at - record.submitted_at);
  if (!core::is_final(change.to) || record.ended_at == kUnset) return;
  const Time since = record.started_at == kUnset ? record.submitted_at : record.started_at;
  run_executing_[result_of(change.to)].add(record.ended_at - since);
}

void RunMetrics::count_attempt(const core::AttemptRecord& attempt) {
  add_one(attempts_[static_cast<std::size_t>(attempt.outcome.kind)]);
  if (attempt.number > 1) add_one(retries_);
  if (attempt.outcome.kind == OutcomeClass::out_of_memory) add_one(oom_kills_);
  if (attempt.started_at != kUnset && attempt.ended_at != kUnset)
    task_run_.add(attempt.ended_at - attempt.started_at);
}

void RunMetrics::write(MetricsText& text) const {
  using enum MetricType;
  text.family("cicd_pipeline_run_duration_seconds", histogram,
              "Of runs: until they began, and from there to their end.", "seconds");
  run_pending_.write(text, {{"state", "pending"}, {"result", ""}});
  for (std::size_t i = 0; i < kResults.size(); ++i)
    run_executing_[i].write(text, {{"state", "executing"}, {"result", kResults[i]}});
  text.family("reeve_task_queue_duration_seconds", histogram,
              "From when a task could start to when it was placed.", "seconds");
  task_queue_.write(text, {});
  text.family("reeve_task_start_duration_seconds", histogram,
              "From when a task was placed to when its program ran.", "seconds");
  task_start_.write(text, {});
  text.family("reeve_task_run_duration_seconds", histogram, "Of attempts whose program ran.",
              "seconds");
  task_run_.write(text, {});
  text.family("reeve_task_attempts", counter, "Attempts that ended.");
  for (std::size_t i = 0; i < attempts_.size(); ++i)
    text.counter({{"outcome", name(static_cast<OutcomeClass>(i))}},
                 attempts_[i].load(std::memory_order_relaxed));
  text.family("reeve_task_retries", counter, "Attempts beyond the first that ended.");
  text.counter({}, retries_.load(std::memory_order_relaxed));
  text.family("reeve_task_oom_kills", counter, "Attempts that ended for want of memory.");
  text.counter({}, oom_kills_.load(std::memory_order_relaxed));
}

}  // namespace reeve::api
