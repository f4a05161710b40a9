#include "schedule/planner_simulation.h"

#include <algorithm>
#include <map>
#include <queue>
#include <string>

#include "schedule/pass.h"
#include "schedule/planner.h"
#include "schedule/run_time_history.h"

namespace reeve::schedule {
namespace {

constexpr Time kLogStart{std::chrono::hours{24 * 365 * 30}};

JobLikeness kind_of_job(const LogJob& job) {
  return {job.user, job.executable, job.processors, job.requested};
}

class PlannerRun {
 public:
  PlannerRun(const WorkloadLog& log, std::int64_t processors, const PlannerSetup& setup)
      : log_(log) {
    planner_.configure(setup.policy);
    for (const NodeSetup& node : setup.nodes) planner_.add_node(node);
    if (setup.nodes.empty())
      planner_.add_node({.name = "machine", .capacity = processors_of(processors), .labels = {}});
    for (std::uint32_t n = 0; n < planner_.nodes.size(); ++n) {
      const std::int64_t has = planner_.nodes.capacity(NodeId{n}, 0);
      largest_ = std::max(largest_, has);
      result_.processors += has / 1000 * log.units;
    }
    result_.jobs.resize(log.jobs.size());
  }

  Result<SimulationResult> run() {
    TRY(check_sizes());
    std::size_t next = 0;
    while (next < log_.jobs.size() || !ends_.empty()) {
      now_ = next_moment(next);
      end_due();
      for (; next < log_.jobs.size() && submitted(next) <= now_; ++next) push(next);
      pass();
    }
    return std::move(result_);
  }

 private:
  struct End {
    Time at;
    std::size_t job;
    HolderId holder;
    friend bool operator>(const End& a, const End& b) {
      return std::tie(a.at, a.job) > std::tie(b.at, b.job);
    }
  };
  /// The log's units as millicores of a node.
  Resources processors_of(std::int64_t amount) const {
    return {.cpu_millicores = amount * 1000 / log_.units, .countables = {}};
  }
  Time submitted(std::size_t job) const { return kLogStart + log_.jobs[job].submitted; }
  Time next_moment(std::size_t next) const {
    Time at = next < log_.jobs.size() ? submitted(next) : kNever;
    if (!ends_.empty()) at = std::min(at, ends_.top().at);
    if (planner_.wake() > now_ && !planner_.waiting.empty()) at = std::min(at, planner_.wake());
    return std::max(at, now_);
  }
  Demand demand_of(const LogJob& job) const {
    const std::int64_t whole = processors_of(job.processors).cpu_millicores;
    const std::int64_t nodes = std::max<std::int64_t>((whole + largest_ - 1) / largest_, 1);
    Resources each = processors_of(job.processors);
    each.cpu_millicores = (whole + nodes - 1) / nodes;
    return {.variants = {each},
            .nodes = static_cast<std::uint32_t>(nodes),
            .rules = {},
            .tags = {},
            .assets = {}};
  }
  Status check_sizes() {
    for (const LogJob& job : log_.jobs) {
      if (planner_.nodes.could_ever_fit(planner_.nodes.intern(demand_of(job)))) continue;
      return fail(ErrorCode::invalid_argument, "job " + std::to_string(job.number) + " asks for " +
                                                   std::to_string(job.processors) +
                                                   " processors: no node, and no group of "
                                                   "nodes, has as many");
    }
    return {};
  }
  void push(std::size_t index) {
    const LogJob& job = log_.jobs[index];
    ClassKey key{.leaf = planner_.shares.leaf("default", std::to_string(job.user)),
                 .demand = planner_.nodes.intern(demand_of(job))};
    if (job.deadline != Duration::max()) key.deadline = submitted(index) + job.deadline;
    key.preemptible = planner_.shares.preemptible(key.leaf);
    const Duration expected =
        std::min(history_.expect(kind_of_job(job)).value_or(job.requested), job.requested);
    result_.jobs[index].expected = expected;
    key.length = rounded_length(expected);
    planner_.waiting.push(planner_.waiting.intern(key),
                          {{RunId{static_cast<std::uint32_t>(index)}, 0}, 1}, now_);
  }
  void pass() {
    Pass pass(planner_, now_);
    while (const auto task = pass.next()) {
      const Placement* placement = pass.place();
      if (placement == nullptr) continue;
      const std::size_t index = task->run.value;
      const LogJob& job = log_.jobs[index];
      // The whole job is as slow as its slowest node.
      Duration length{0};
      for (const NodeChoice& choice : placement->nodes)
        length = std::max(length, planner_.nodes.length_on(choice.node, job.run));
      const HolderId holder = pass.accept(Token{index + 1});
      planner_.set_limit(holder, now_ + job.requested);
      result_.jobs[index].wait = now_ - submitted(index);
      ends_.push({now_ + std::max(length, Duration{1}), index, holder});
    }
  }
  void end_due() {
    while (!ends_.empty() && ends_.top().at <= now_) {
      const End end = ends_.top();
      ends_.pop();
      const LogJob& job = log_.jobs[end.job];
      result_.jobs[end.job].extended = job.run > result_.jobs[end.job].expected ? 1 : 0;
      history_.add(kind_of_job(job), job.run);
      planner_.end(end.holder, now_);
    }
  }

  const WorkloadLog& log_;
  Planner planner_;
  RunTimeHistory history_;
  std::int64_t largest_ = 1;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  Time now_ = kLogStart;
  SimulationResult result_;
};

}  // namespace

Result<SimulationResult> simulate_planner(const WorkloadLog& log, std::int64_t processors,
                                          const PlannerSetup& setup) {
  // Stopping work and starting it again is not played: what a job had done is not in a log.
  PlannerSetup without = setup;
  without.policy.preemption_gap = 0;
  return PlannerRun(log, processors, without).run();
}

}  // namespace reeve::schedule
