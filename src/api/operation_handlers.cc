#include "api/capacity_reply.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"

namespace reeve::api {
namespace {

using Rows = boost::json::array (*)(const core::State&);

void reply_rows(ServiceParts& parts, const CallPtr& call, std::string_view kind, Rows rows) {
  parts.look(call, [&parts, call, kind, rows](const core::State& state) {
    boost::json::array found = rows(state);
    // Text is made of it elsewhere: the engine has better things to do.
    parts.post([call, kind, found = std::move(found)] {
      call->reply(200, {{"version", kOutputVersion}, {kind, found}});
    });
  });
}

Json limit_json(std::int64_t limit) { return limit < 0 ? Json(nullptr) : Json(limit); }

boost::json::array queue_rows(const core::State& state) {
  boost::json::array out;
  std::vector<QueueSetup> queues = state.planner.policy().queues;
  if (queues.empty()) queues.push_back({.name = "default"});
  for (const QueueSetup& queue : queues)
    out.push_back(JsonObject{{"name", text_json(queue.name)},
                             {"weight", queue.weight},
                             {"priority", queue.priority},
                             {"waiting", state.planner.waiting_of(queue.name, {})},
                             {"running_max", limit_json(queue.running_max)},
                             {"queued_max", limit_json(queue.queued_max)},
                             {"preemptible", queue.preemptible}});
  return out;
}

boost::json::array pool_rows(const core::State& state) {
  boost::json::array out;
  for (std::uint32_t i = 0; i < state.pools.size(); ++i)
    out.push_back(JsonObject{{"name", text_json(state.pools[i].name)},
                             {"up", state.pools[i].up},
                             {"capacity", capacity_object(state.capacity_of(PoolId{i}))}});
  return out;
}

boost::json::array node_rows(const core::State& state) {
  boost::json::array out;
  const schedule::Nodes& nodes = state.planner.nodes;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const schedule::NodeId node{i};
    const NodeSetup& setup = nodes.setup(node);
    out.push_back(JsonObject{{"name", text_json(setup.name)},
                             {"pool", text_json(setup.pool)},
                             {"open", nodes.is_open(node)},
                             {"capacity", capacity_object(setup.capacity)},
                             {"used", capacity_object(nodes.used(node))},
                             {"staged", state.planner.staged(node)},
                             {"load_permille", nodes.load(node)},
                             {"speed", nodes.speed(node)}});
  }
  return out;
}

boost::json::array quota_rows(const core::State& state) {
  boost::json::array out;
  for (const QuotaSetup& quota : state.planner.policy().quotas)
    out.push_back(JsonObject{{"user", optional_text(quota.user)},
                             {"queue", optional_text(quota.queue)},
                             {"running_max", limit_json(quota.running_max)},
                             {"queued_max", limit_json(quota.queued_max)},
                             {"cpu_seconds_a_day", limit_json(quota.cpu_seconds_a_day)},
                             {"refuse", quota.refuse}});
  return out;
}

boost::json::array lock_rows(const core::State& state) {
  boost::json::array out;
  const schedule::Locks& locks = state.planner.locks;
  for (std::uint32_t i = 0; i < locks.size(); ++i) {
    const schedule::LockId lock{i};
    if (locks.in_use(lock) == 0) continue;
    out.push_back(JsonObject{{"name", text_json(locks.name(lock))},
                             {"limit", locks.limit(lock)},
                             {"in_use", locks.in_use(lock)}});
  }
  return out;
}

}  // namespace

void list_queues(ServiceParts& parts, CallPtr call) {
  reply_rows(parts, call, "queues", queue_rows);
}
void list_pools(ServiceParts& parts, CallPtr call) { reply_rows(parts, call, "pools", pool_rows); }
void list_nodes(ServiceParts& parts, CallPtr call) { reply_rows(parts, call, "nodes", node_rows); }
void list_quotas(ServiceParts& parts, CallPtr call) {
  reply_rows(parts, call, "quotas", quota_rows);
}
void list_locks(ServiceParts& parts, CallPtr call) { reply_rows(parts, call, "locks", lock_rows); }

}  // namespace reeve::api
