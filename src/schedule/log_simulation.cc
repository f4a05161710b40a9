#include "schedule/log_simulation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>

#include "base/ensure.h"
#include "schedule/planner_simulation.h"
#include "schedule/run_time_history.h"

namespace reeve::schedule {
namespace {

/// What happens at one moment happens in this order.
enum class EventKind : std::uint8_t { expectation_over, submission, termination };

struct Event {
  Time at;
  EventKind kind;
  std::uint64_t sequence;
  std::uint32_t job;
  friend bool operator>(const Event& left, const Event& right) {
    if (left.at != right.at) return left.at > right.at;
    if (left.kind != right.kind) return left.kind > right.kind;
    return left.sequence > right.sequence;
  }
};

Duration whole_seconds(Duration duration) {
  return std::chrono::floor<std::chrono::seconds>(duration);
}

/// The last two run times of each user.
class LastTwo {
 public:
  void add(const LogJob& job) {
    History& history = users_[job.user];
    history.before = history.last;
    history.last = job.run;
    ++history.count;
  }
  Duration expect(const LogJob& job) const {
    const auto at = users_.find(job.user);
    if (at == users_.end() || at->second.count < 2) return job.requested;
    const Duration mean = whole_seconds((at->second.last + at->second.before) / 2);
    return std::min(std::max<Duration>(mean, std::chrono::seconds(1)), job.requested);
  }

 private:
  struct History {
    Duration last{0};
    Duration before{0};
    std::uint64_t count = 0;
  };
  std::unordered_map<std::int64_t, History> users_;  // lookup only
};

JobLikeness likeness_of(const LogJob& job) {
  return {job.user, job.executable, job.processors, job.requested};
}

/// The correction of Tsafrir et al., table 2: added to the first expectation, in turn.
Duration step_of(std::uint32_t correction) {
  using std::chrono::hours;
  using std::chrono::minutes;
  constexpr std::array<Duration, 11> kSteps{minutes(1), minutes(5), minutes(15), minutes(30),
                                            hours(1),   hours(2),   hours(5),    hours(10),
                                            hours(20),  hours(50),  hours(100)};
  return correction < kSteps.size() ? kSteps.at(correction) : kDurationMax;
}

class LogSimulation {
 public:
  LogSimulation(const WorkloadLog& log, std::int64_t processors, const SimulationPolicy& policy)
      : log_(log),
        policy_(policy),
        backfill_(processors, policy.backfill),
        expected_(log.jobs.size()) {
    result_.processors = processors;
    result_.jobs.resize(log.jobs.size());
  }

  SimulationResult run() {
    std::size_t next = 0;
    while (next < log_.jobs.size() || !events_.empty()) {
      if (comes_next(next))
        submit(static_cast<std::uint32_t>(next++));
      else
        handle_next();
    }
    ENSURE(backfill_.waiting() == 0);
    return std::move(result_);
  }

 private:
  /// Whether the next submission is before the next event.
  bool comes_next(std::size_t next) const {
    if (next == log_.jobs.size()) return false;
    if (events_.empty()) return true;
    const Time at{log_.jobs[next].submitted};
    const Event& first = events_.top();
    return at != first.at ? at < first.at : first.kind > EventKind::submission;
  }

  void submit(std::uint32_t index) {
    const LogJob& job = log_.jobs[index];
    const Duration expected = expect(job);
    expected_[index] = promise(job, expected);
    result_.jobs[index].expected = expected;
    const Time now{job.submitted};
    backfill_.submit({index, job.processors, now, expected, expected_[index]});
    if (policy_.estimate == EstimateSource::learned) waiting_of_[job.user].insert(index);
    plan(now);
  }

  void handle_next() {
    const Event event = events_.top();
    events_.pop();
    if (event.kind == EventKind::expectation_over) return extend(event);
    const LogJob& job = log_.jobs[event.job];
    backfill_.end(event.job, event.at);
    if (policy_.estimate == EstimateSource::last_two) last_two_.add(job);
    if (policy_.estimate == EstimateSource::learned) {
      history_.add(likeness_of(job), job.run);
      revise(job.user);
    }
    plan(event.at);
  }

  Duration expect(const LogJob& job) const {
    switch (policy_.estimate) {
      case EstimateSource::request: return job.requested;
      case EstimateSource::actual: return job.run;
      case EstimateSource::last_two: return last_two_.expect(job);
      case EstimateSource::learned:
        return std::min(history_.expect(likeness_of(job)).value_or(job.requested), job.requested);
    }
    return job.requested;
  }

  Duration promise(const LogJob& job, Duration expected) const {
    return std::min<Duration>(expected * policy_.margin, std::max(job.requested, expected));
  }

  /// One of the user's has ended: what waits of them is seen with other eyes.
  void revise(std::int64_t user) {
    for (const std::uint32_t index : waiting_of_[user]) {
      const LogJob& job = log_.jobs[index];
      const Duration expected = expect(job);
      if (expected == result_.jobs[index].expected) continue;
      result_.jobs[index].expected = expected;
      expected_[index] = promise(job, expected);
      backfill_.revise(index, expected, expected_[index]);
    }
  }

  /// Nobody starts because another takes longer.
  void extend(const Event& event) {
    const LogJob& job = log_.jobs[event.job];
    SimulatedJob& simulated = result_.jobs[event.job];
    Duration expected = job.requested;
    if (policy_.exceeded == Exceeded::steps)
      expected = std::clamp(simulated.expected + step_of(simulated.extended), expected_[event.job],
                            job.requested);
    ++simulated.extended;
    const Time began = event.at - expected_[event.job];
    expected_[event.job] = expected;
    backfill_.extend(event.job, began + expected);
    watch(event.job, began);
  }

  void watch(std::uint32_t index, Time began) {
    if (expected_[index] < log_.jobs[index].run)
      add(began + expected_[index], EventKind::expectation_over, index);
  }

  void plan(Time now) {
    for (const BackfillJob& started : backfill_.plan(now)) {
      const LogJob& job = log_.jobs[started.id];
      result_.jobs[started.id].wait = now - Time(job.submitted);
      if (policy_.estimate == EstimateSource::learned) waiting_of_[job.user].erase(started.id);
      add(now + job.run, EventKind::termination, started.id);
      watch(started.id, now);
    }
  }

  void add(Time at, EventKind kind, std::uint32_t job) {
    events_.push({at, kind, ++sequence_, job});
  }

  const WorkloadLog& log_;
  SimulationPolicy policy_;
  Backfill backfill_;
  LastTwo last_two_;
  RunTimeHistory history_;
  std::map<std::int64_t, std::set<std::uint32_t>> waiting_of_;  // by user
  std::vector<Duration> expected_;  // by reservations, of what runs or waits; by index
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t sequence_ = 0;
  SimulationResult result_;
};

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// The smallest value that at least this part of all is not above. REQUIRES some.
double quantile(std::vector<double>& values, double part) {
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
  const std::size_t index = rank == 0 ? 0 : rank - 1;
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(index));
  return values[index];
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double fairness_over_users(const WorkloadLog& log, const std::vector<double>& slowdowns) {
  std::map<std::int64_t, std::pair<double, double>> of_user;  // sum, count
  for (std::size_t i = 0; i < slowdowns.size(); ++i) {
    auto& [sum, count] = of_user[log.jobs[i].user];
    sum += slowdowns[i];
    ++count;
  }
  double sum = 0;
  double squares = 0;
  for (const auto& [user, own] : of_user) {
    const double average = own.first / own.second;
    sum += average;
    squares += average * average;
  }
  return sum * sum / (squares * static_cast<double>(of_user.size()));
}

}  // namespace

const std::vector<NamedPolicy>& named_policies() {
  using enum Order;
  const auto easy = [](Order queue, Order filling, EstimateSource estimate, Exceeded exceeded) {
    return SimulationPolicy{{.queue = queue, .filling = filling}, estimate, exceeded};
  };
  static const std::vector<NamedPolicy> kPolicies{
      {"fcfs", {{.guarantee = Guarantee::none}}},
      {"easy", {}},
      {"easy-sjf", easy(first_come, shortest, EstimateSource::request, Exceeded::request)},
      {"easy-clairvoyant", easy(first_come, first_come, EstimateSource::actual, Exceeded::request)},
      {"easy-sjf-clairvoyant",
       easy(first_come, shortest, EstimateSource::actual, Exceeded::request)},
      {"easy++", easy(first_come, shortest, EstimateSource::last_two, Exceeded::steps)},
      {"last-two", easy(first_come, shortest, EstimateSource::last_two, Exceeded::request)},
      {"conservative", {{.guarantee = Guarantee::all}}},
      {"learned",
       {{.queue = aged, .filling = aged}, EstimateSource::learned, Exceeded::request, 4}},
      {"planner", {.planner = PlannerSetup{}}},
      {"planner-conservative",
       {.planner = PlannerSetup{.nodes = {},
                                .policy = {.margin = 1,
                                           .queues = {},
                                           .quotas = {},
                                           .rate_limits = {},
                                           .windows = {},
                                           .backfilling = Backfilling::conservative}}}},
  };
  return kPolicies;
}

std::optional<SimulationPolicy> find_policy(std::string_view name) {
  for (const NamedPolicy& one : named_policies())
    if (one.name == name) return one.policy;
  return std::nullopt;
}

Result<SimulationResult> simulate_log(const WorkloadLog& log, std::int64_t processors,
                                      const SimulationPolicy& policy) {
  if (policy.planner) return simulate_planner(log, processors, *policy.planner);
  for (const LogJob& job : log.jobs) {
    if (job.processors > processors)
      return fail(ErrorCode::invalid_argument,
                  "job " + std::to_string(job.number) + " needs " + std::to_string(job.processors) +
                      " processors, the machine has " + std::to_string(processors) +
                      ": give it more with --processors");
  }
  return LogSimulation(log, processors, policy).run();
}

std::string format_schedule(const WorkloadLog& log, const SimulationResult& result) {
  const auto whole = [](Duration duration) {
    return std::chrono::floor<std::chrono::seconds>(duration).count();
  };
  std::string text = "; Version: 2.2\n; MaxProcs: " + std::to_string(result.processors) + "\n";
  if (log.units != 1)
    text += "; Note: processors are counted in parts of 1/" + std::to_string(log.units) + "\n";
  for (std::size_t i = 0; i < log.jobs.size(); ++i) {
    const LogJob& job = log.jobs[i];
    const std::array<std::int64_t, 18> columns{job.number,
                                               whole(job.submitted),
                                               whole(result.jobs[i].wait),
                                               whole(job.run),
                                               job.processors,
                                               -1,
                                               -1,
                                               job.processors,
                                               whole(job.requested),
                                               -1,
                                               1,
                                               job.user,
                                               -1,
                                               job.executable,
                                               -1,
                                               -1,
                                               -1,
                                               -1};
    for (const std::int64_t column : columns) text.append(std::to_string(column)).append(" ");
    text.back() = '\n';
  }
  return text;
}

SimulationSummary summarise(const WorkloadLog& log, const SimulationResult& result) {
  SimulationSummary summary;
  summary.jobs = static_cast<std::int64_t>(log.jobs.size());
  if (log.jobs.empty()) return summary;
  std::vector<double> waits;
  std::vector<double> slowdowns;
  double work = 0;
  Duration last_end{0};
  for (std::size_t i = 0; i < log.jobs.size(); ++i) {
    const LogJob& job = log.jobs[i];
    const Duration wait = result.jobs[i].wait;
    const double run = seconds_of(job.run);
    waits.push_back(seconds_of(wait));
    slowdowns.push_back(std::max(1.0, (waits.back() + run) / std::max(run, 10.0)));
    work += run * static_cast<double>(job.processors);
    last_end = std::max(last_end, job.submitted + wait + job.run);
    if (result.jobs[i].extended > 0) ++summary.extended;
    if (job.deadline == Duration::max()) continue;
    ++summary.with_deadline;
    if (wait + job.run > job.deadline) ++summary.deadline_misses;
  }
  summary.makespan_seconds = seconds_of(last_end - log.jobs.front().submitted);
  summary.utilisation = work / (summary.makespan_seconds * static_cast<double>(result.processors));
  summary.user_fairness = fairness_over_users(log, slowdowns);
  summary.mean_wait_seconds = mean(waits);
  summary.mean_bounded_slowdown = mean(slowdowns);
  summary.max_wait_seconds = *std::ranges::max_element(waits);
  summary.median_wait_seconds = quantile(waits, 0.5);
  summary.p99_wait_seconds = quantile(waits, 0.99);
  summary.median_bounded_slowdown = quantile(slowdowns, 0.5);
  summary.p99_bounded_slowdown = quantile(slowdowns, 0.99);
  return summary;
}

}  // namespace reeve::schedule
