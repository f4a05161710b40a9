#include "api/body_reader.h"
#include "api/capacity_reply.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/node_reply.h"
#include "api/service_parts.h"
#include "api/use_reply.h"
#include "base/text.h"

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

constexpr Duration kDrainGraceMax = std::chrono::hours{24};

void reply_node(ServiceParts& parts, const CallPtr& call, const std::string& node) {
  parts.look(call, [&parts, call, node](const core::State& state) {
    for (const Json& row : node_rows(state)) {
      if (row.as_object().at("name").as_string() != node) continue;
      parts.post([call, row] { call->reply(200, {{"version", kOutputVersion}, {"node", row}}); });
      return;
    }
  });
}

void change_node(ServiceParts& parts, const CallPtr& call, core::DrainNode event) {
  const std::string node = event.node;
  parts.audited(call, "node:" + node, {}, [&parts, call, node, event = std::move(event)] {
    parts.obey(call, event, nullptr,
               [&parts, call, node](const engine::Receipt&) { reply_node(parts, call, node); });
  });
}

Checked<core::DrainNode> drain_of(const Call& call, bool drained) {
  TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(call));
  BodyReader reader(body);
  core::DrainNode event{
      .node = call.path_value("node"), .drained = drained, .by = call.identity.subject};
  if (drained) {
    event.stop = reader.flag("stop", false);
    event.why = reader.text("why").value_or("");
    event.grace = reader.seconds("grace_seconds", kDrainGraceMax).value_or(event.grace);
  }
  if (auto errors = reader.finish(); !errors.empty())
    return tl::unexpected(invalid(std::move(errors)));
  return event;
}

void drain_or_resume(ServiceParts& parts, const CallPtr& call, bool drained) {
  auto event = drain_of(*call, drained);
  if (!event) return call->refuse(event.error());
  change_node(parts, call, *std::move(event));
}

void reply_use(ServiceParts& parts, const CallPtr& call, std::optional<RunId> run) {
  parts.look(call, [&parts, call, run](const core::State& state) {
    const UseQuery query{run, [&](const core::Run& seen) {
                           return parts
                               .authorise(*call, call->route->action, namespace_of(seen.record),
                                          seen.record.uuid, {})
                               .has_value();
                         }};
    auto use = use_of(state, parts.options.engine->samples(), query, parts.options.now());
    parts.post([call, use = std::move(use)]() mutable {
      if (!use) return call->refuse(Problem(use.error()));
      (*use)["version"] = kOutputVersion;
      call->reply(200, *use);
    });
  });
}

}  // namespace

void list_queues(ServiceParts& parts, CallPtr call) {
  reply_rows(parts, call, "queues", queue_rows);
}
void list_pools(ServiceParts& parts, CallPtr call) { reply_rows(parts, call, "pools", pool_rows); }
void list_nodes(ServiceParts& parts, CallPtr call) { reply_rows(parts, call, "nodes", node_rows); }
void list_locks(ServiceParts& parts, CallPtr call) { reply_rows(parts, call, "locks", lock_rows); }
void drain_node(ServiceParts& parts, CallPtr call) { drain_or_resume(parts, call, true); }
void resume_node(ServiceParts& parts, CallPtr call) { drain_or_resume(parts, call, false); }

void list_use(ServiceParts& parts, CallPtr call) {
  const std::string* const name = call->parameter("run");
  if (name == nullptr) return reply_use(parts, call, std::nullopt);
  parts.read(call, [&parts, call, name = *name](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const RunId run, history.find_run(name));
    TRY_ASSIGN(const engine::RunView view, history.get_run(run));
    TRY(parts.authorise(*call, call->route->action, namespace_of(view.record), view.record.uuid,
                        "there is no run " + sanitize_for_terminal(name)));
    reply_use(parts, call, run);
    return {};
  });
}

}  // namespace reeve::api
