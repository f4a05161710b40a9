// `reeve node`: the machines that the engine has, and taking them out for a while.
#include <fmt/format.h>

#include "cli/engine_access.h"
#include "cli/following.h"
#include "cli/run_cells.h"
#include "cli/service_link.h"

namespace reeve::cli {
namespace {

/// Where the nodes are: at a service, or with the engine of a directory.
struct NodePlace {
  std::unique_ptr<ServiceLink> service;  ///< null: a directory
  StateLayout layout;

  static Checked<NodePlace> open(const Session& session) {
    NodePlace place;
    TRY_ASSIGN(place.service, ServiceLink::choose(session));
    if (place.service == nullptr) {
      TRY_ASSIGN(place.layout, session.find_state());
    }
    return place;
  }
};

Checked<JsonObject> nodes_of(const NodePlace& place) {
  if (place.service != nullptr) {
    TRY_ASSIGN(JsonObject reply, place.service->get_json("/v1/nodes"));
    return reply;
  }
  TRY_ASSIGN(auto reply, ask_engine(place.layout, "nodes", {}));
  if (reply) return *std::move(reply);
  return tl::unexpected(
      Failure(Error{ErrorCode::unavailable,
                    "no engine works on " + place.layout.root +
                        ": its nodes are known while one does (`reeve serve`, `reeve run`)",
                    {}}));
}

Cell state_cell(const JsonObject& node) {
  const Json* const drained = node.if_contains("drained");
  if (drained != nullptr && drained->is_object()) return {"drained", Tone::waiting};
  const Json* const open = node.if_contains("open");
  if (open == nullptr || !open->is_bool() || !open->get_bool()) return {"closed", Tone::bad};
  return {"open", Tone::good};
}

std::string drained_by(const JsonObject& node) {
  const Json* const drained = node.if_contains("drained");
  if (drained == nullptr || !drained->is_object()) return {};
  const std::string why = text_of(drained->get_object(), "why");
  return text_of(drained->get_object(), "by") + (why.empty() ? "" : ": " + why);
}

std::string share_text(const JsonObject& node, std::string_view resource) {
  const auto of = [&](std::string_view part) -> double {
    const Json* const amounts = node.if_contains(part);
    const Json* const amount = amounts != nullptr && amounts->is_object()
                                   ? amounts->get_object().if_contains(resource)
                                   : nullptr;
    return amount != nullptr && amount->is_number() ? amount->to_number<double>() : 0;
  };
  return of("capacity") > 0 ? fmt::format("{:.0f} %", 100 * of("used") / of("capacity")) : "-";
}

Ended list_nodes(const Session& session, const NodePlace& place) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "nodes"));
  TRY_ASSIGN(const JsonObject reply, nodes_of(place));
  Listing listing{.kind = "nodes", .id_field = "name"};
  if (const Json* const nodes = reply.if_contains("nodes"); nodes != nullptr && nodes->is_array()) {
    for (const Json& node : nodes->get_array())
      if (node.is_object()) listing.items.push_back(node.get_object());
  }
  listing.columns = {
      {"NODE", [](const JsonObject& node) { return text_cell(node, "name"); }},
      {"STATE", state_cell},
      {"CPU", [](const JsonObject& node) { return Cell{share_text(node, "cpu_millicores")}; },
       Align::right},
      {"MEMORY", [](const JsonObject& node) { return Cell{share_text(node, "memory_bytes")}; },
       Align::right},
      {"LOAD",
       [](const JsonObject& node) {
         const Json* const load = node.if_contains("load_permille");
         const bool has = load != nullptr && load->is_int64();
         return Cell{has ? fmt::format("{} %", load->get_int64() / 10) : "-"};
       },
       Align::right},
      {"STAGED", [](const JsonObject& node) { return text_cell(node, "staged"); }, Align::right},
      {"DRAINED BY", [](const JsonObject& node) { return Cell{drained_by(node)}; }, Align::left,
       true}};
  return session.print(listing, choice);
}

struct NodeChange {
  std::string node;
  bool drained = true;
  bool stop = false;
  std::optional<Duration> grace;
  std::string why;
};

Ended change_at_service(ServiceLink& service, const NodeChange& change) {
  JsonObject body;
  if (change.drained) {
    body["stop"] = change.stop;
    if (!change.why.empty()) body["why"] = change.why;
    if (change.grace) body["grace_seconds"] = seconds_json(*change.grace);
  }
  TRY(service.post(fmt::format("/v1/nodes/{}/{}", http::percent_encode(change.node),
                               change.drained ? "drain" : "resume"),
                   body));
  return kExitDone;
}

Ended change_in_directory(const Session& session, const StateLayout& layout,
                          const NodeChange& change) {
  JsonObject params{{"node", change.node}, {"by", user_name()}};
  if (change.drained) {
    params["stop"] = change.stop;
    params["why"] = change.why;
    if (change.grace) params["grace_microseconds"] = change.grace->count();
  }
  TRY_ASSIGN(const auto answer,
             ask_engine(layout, change.drained ? "drain_node" : "resume_node", params));
  if (answer) return kExitDone;
  core::DrainNode event{.node = change.node,
                        .drained = change.drained,
                        .stop = change.stop,
                        .by = user_name(),
                        .why = change.why};
  if (change.grace) event.grace = *change.grace;
  return apply_events(session, layout, {event});
}

}  // namespace

Ended command_node(const Session& session) {
  const auto& words = session.arguments.words;
  const std::string verb = words.empty() ? "ls" : words.front();
  if (verb == "ls" && words.size() > 1) return usage("node ls: nothing follows it");
  if (verb != "ls" && words.size() < 2)
    return usage(fmt::format("node {}: name the node: reeve node {} NODE", verb, verb));
  const bool drains = verb == "drain";
  for (const std::string_view option : {"stop", "grace", "reason"}) {
    if (!drains && session.arguments.has(option))
      return usage(fmt::format("node {}: --{} is of drain", verb, option));
  }
  TRY_ASSIGN(const NodePlace place, NodePlace::open(session));
  if (verb == "ls") return list_nodes(session, place);
  NodeChange change{.drained = drains,
                    .stop = session.arguments.has("stop"),
                    .why = session.arguments.value_or("reason", "")};
  TRY_ASSIGN(change.grace, session.arguments.duration("grace"));
  for (std::size_t i = 1; i < words.size(); ++i) {
    change.node = words[i];
    if (place.service != nullptr) {
      TRY(change_at_service(*place.service, change));
    } else {
      TRY(change_in_directory(session, place.layout, change));
    }
    session.say(drains ? fmt::format("{}: drained; `reeve node resume {}` lets it work again",
                                     words[i], words[i])
                       : fmt::format("{}: works again", words[i]));
  }
  return kExitDone;
}

}  // namespace reeve::cli
