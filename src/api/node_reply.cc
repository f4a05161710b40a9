#include "api/node_reply.h"

#include "api/capacity_reply.h"
#include "api/json_values.h"

namespace reeve::api {
namespace {

JsonObject drain_json(const core::DrainRecord& drain) {
  return {{"by", text_json(drain.by)},
          {"why", text_json(drain.why)},
          {"since", time_json(drain.since)}};
}

}  // namespace

boost::json::array node_rows(const core::State& state) {
  boost::json::array out;
  const schedule::Nodes& nodes = state.planner.nodes;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const schedule::NodeId node{i};
    const NodeSetup& setup = nodes.setup(node);
    const core::Pool& pool = state.pools[state.pool_on(node).value];
    out.push_back(
        JsonObject{{"name", text_json(setup.name)},
                   {"pool", text_json(setup.pool)},
                   {"open", nodes.is_open(node)},
                   {"drained", pool.drain.drained ? Json(drain_json(pool.drain)) : Json(nullptr)},
                   {"capacity", capacity_object(setup.capacity)},
                   {"used", capacity_object(nodes.used(node))},
                   {"staged", state.planner.staged(node)},
                   {"load_permille", nodes.load(node)},
                   {"speed", nodes.speed(node)}});
  }
  return out;
}

}  // namespace reeve::api
