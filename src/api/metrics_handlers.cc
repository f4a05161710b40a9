// /metrics: what was counted, and what the engine has at the moment, without a name of any run,
// task or person.
#include <algorithm>
#include <map>

#include "api/handlers.h"
#include "api/metrics_text.h"
#include "api/service_parts.h"
#include "core/explain.h"

namespace reeve::api {
namespace {

/// Labels are bounded, whatever a policy names and whatever waits.
constexpr std::size_t kQueuesShownMax = 200;
constexpr std::size_t kClassesExplainedMax = 100;
constexpr std::string_view kOthers = "(others)";

struct Depth {
  std::string queue;
  std::string_view reason;
  friend auto operator<=>(const Depth&, const Depth&) = default;
};

/// Of one moment, gathered on the engine's thread.
struct Gauges {
  std::size_t pending = 0;
  std::size_t executing = 0;
  std::map<Depth, std::uint64_t> depths;
  std::map<std::string, Duration> oldest;  ///< by queue
  std::int64_t capacity_cpu = 0;           ///< millicores
  std::int64_t capacity_memory = 0;        ///< bytes; so are the rest, in pairs
  std::int64_t reserved_cpu = 0;
  std::int64_t reserved_memory = 0;
  std::int64_t requested_cpu = 0;
  std::int64_t requested_memory = 0;
};

std::string shown_queue(const Gauges& gauges, const std::string& queue) {
  if (gauges.oldest.contains(queue) || gauges.oldest.size() < kQueuesShownMax) return queue;
  return std::string(kOthers);
}

/// Classes are few, and tasks of a class wait for the same: its oldest speaks for all of them.
void gather_waiting(const core::State& state, Time now, Gauges& gauges) {
  const schedule::Waiting& waiting = state.planner.waiting;
  std::size_t explained = 0;
  for (const schedule::LeafId leaf : waiting.active()) {
    const std::string queue = shown_queue(gauges, state.planner.shares.queue_of(leaf));
    Duration& oldest = gauges.oldest[queue];
    for (const auto& position : waiting.order(leaf)) {
      const TaskId head = waiting.head(position.id);
      const core::Task* const task = state.find_task(head);
      const std::uint64_t count = waiting.waiting(position.id);
      if (task == nullptr || task->state != core::TaskState::queued) continue;  // stale
      if (task->queued_at != kUnset) oldest = std::max(oldest, now - task->queued_at);
      const std::string_view reason = explained++ < kClassesExplainedMax
                                          ? name(core::explain_task(state, head, now).reason.code)
                                          : kOthers;
      gauges.depths[{queue, reason}] += count;
      const core::Run& run = *state.find_run(head.run);
      const Resources& asked = run.workflow().policy_of(run.group_spec(task->group)).resources;
      gauges.requested_cpu += asked.cpu_millicores * static_cast<std::int64_t>(count);
      gauges.requested_memory += asked.memory_bytes * static_cast<std::int64_t>(count);
    }
  }
}

Gauges gather(const core::State& state, Time now) {
  Gauges gauges;
  for (const auto& run : state.runs) {
    if (!run || core::is_final(run->record.state)) continue;
    ++(run->record.state == core::RunState::queued ? gauges.pending : gauges.executing);
  }
  gather_waiting(state, now, gauges);
  const schedule::Nodes& nodes = state.planner.nodes;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const schedule::NodeId node{i};
    const Resources used = nodes.used(node);
    gauges.capacity_cpu += nodes.setup(node).capacity.cpu_millicores;
    gauges.capacity_memory += nodes.setup(node).capacity.memory_bytes;
    gauges.reserved_cpu += used.cpu_millicores;
    gauges.reserved_memory += used.memory_bytes;
  }
  gauges.requested_cpu += gauges.reserved_cpu;
  gauges.requested_memory += gauges.reserved_memory;
  return gauges;
}

void write_resource(MetricsText& text, std::string_view name, std::string_view help,
                    std::int64_t millicores, std::int64_t bytes) {
  text.family(name, MetricType::gauge, help);
  text.gauge({{"resource", "cpu"}, {"unit", "cores"}}, static_cast<double>(millicores) / 1e3);
  text.gauge({{"resource", "memory"}, {"unit", "bytes"}}, static_cast<double>(bytes));
}

void write_gauges(MetricsText& text, const Gauges& gauges) {
  using enum MetricType;
  text.family("cicd_pipeline_run_active", gauge, "Runs that have not ended.");
  text.gauge({{"state", "pending"}}, static_cast<double>(gauges.pending));
  text.gauge({{"state", "executing"}}, static_cast<double>(gauges.executing));
  text.family("reeve_queue_depth", gauge, "Tasks that could start, by what they wait for.");
  for (const auto& [depth, count] : gauges.depths)
    text.gauge({{"queue", depth.queue}, {"reason", depth.reason}}, static_cast<double>(count));
  text.family("reeve_queue_oldest_age_seconds", gauge, "How long the oldest of them waits.",
              "seconds");
  for (const auto& [queue, age] : gauges.oldest)
    text.gauge({{"queue", queue}}, std::chrono::duration<double>(age).count());
  write_resource(text, "reeve_resource_capacity", "What there is.", gauges.capacity_cpu,
                 gauges.capacity_memory);
  write_resource(text, "reeve_resource_requested", "What runs holds and what waits asks for.",
                 gauges.requested_cpu, gauges.requested_memory);
  write_resource(text, "reeve_resource_reserved", "What attempts that were placed hold.",
                 gauges.reserved_cpu, gauges.reserved_memory);
}

/// Of the last second or so.
void write_use(MetricsText& text, const std::vector<AttemptSample>& samples) {
  std::int64_t millicores = 0;
  std::int64_t bytes = 0;
  for (const AttemptSample& sample : samples) {
    millicores += std::max<std::int64_t>(sample.cpu_millicores, 0);
    bytes += std::max<std::int64_t>(sample.memory_bytes, 0);
  }
  write_resource(text, "reeve_resource_used", "What attempts really use.", millicores, bytes);
}

void write_http(MetricsText& text, const http::Server::Counters& counters, std::size_t streams) {
  using enum MetricType;
  text.family("reeve_http_refused", counter, "Requests that were no good HTTP.");
  text.counter({}, counters.refused);
  text.family("reeve_http_connections", gauge, "Connections that are open.");
  text.gauge({}, static_cast<double>(counters.connections));
  text.family("reeve_http_streams", gauge, "Live streams and downloads.");
  text.gauge({}, static_cast<double>(streams));
}

}  // namespace

void get_metrics(ServiceParts& parts, CallPtr call) {
  parts.look(call, [&parts, call](const core::State& state) {
    parts.post([&parts, call, gauges = gather(state, parts.options.now())] {
      MetricsText text;
      text.family("reeve_build", MetricType::gauge, "What this is.");
      text.gauge({{"version", parts.options.version}}, 1);
      write_gauges(text, gauges);
      write_use(text, parts.options.engine->samples());
      parts.metrics.write(text);
      if (parts.options.syncs != nullptr) {
        text.family("reeve_wal_fsync_duration_seconds", MetricType::histogram,
                    "How long commits of the engine took to be on the disk.", "seconds");
        parts.options.syncs->write(text, {});
      }
      parts.answers.write(text);
      write_http(text, parts.server->counters(), parts.events.followers() + parts.log_streams);
      call->reply(
          {.status = 200,
           .headers = {{"Content-Type", std::string(kMetricsType)}, {"Cache-Control", "no-store"}},
           .body = std::move(text).finish()});
    });
  });
}

}  // namespace reeve::api
