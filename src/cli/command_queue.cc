// `reeve queue`.
#include <fmt/format.h>

#include "api/capacity_reply.h"
#include "base/text.h"
#include "cli/archive.h"
#include "cli/cluster_settings.h"
#include "cli/engine_access.h"
#include "cli/queue_forecast.h"
#include "cli/resource_list.h"
#include "cli/run_cells.h"
#include "cli/service_link.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

Result<Resources> service_capacity(ServiceLink& service) {
  TRY_ASSIGN(const JsonObject reply, service.get_json("/v1/pools"));
  const Json* const pools = reply.if_contains("pools");
  if (pools != nullptr && pools->is_array()) {
    for (const Json& pool : pools->get_array()) {
      const Json* const has =
          pool.is_object() ? pool.get_object().if_contains("capacity") : nullptr;
      if (has != nullptr && has->is_object()) return api::capacity_of(has->get_object());
    }
  }
  return fail(ErrorCode::corrupt, service.name() + " does not say what it has");
}

/// What the engine has, if one is at work; else what -j says; else this machine.
Checked<Resources> capacity_for(const Session& session, const Archive& archive) {
  if (const std::string* jobs = session.arguments.find("jobs"); jobs != nullptr)
    return parse_capacity("jobs", *jobs);
  if (archive.service != nullptr) return service_capacity(*archive.service);
  TRY_ASSIGN(auto client, reach_engine(archive.layout));
  if (!client) return machine_capacity();
  TRY_ASSIGN(const JsonObject answer, client->call("capacity", {}));
  TRY_ASSIGN(Resources capacity, api::capacity_of(answer));
  return capacity;
}

/// Nodes that are drained. Without an engine, or the right to see nodes: none that is known.
std::vector<core::DrainRecord> drains_of(const Archive& archive) {
  std::vector<core::DrainRecord> drains;
  JsonObject reply;
  if (archive.service != nullptr) {
    if (auto found = archive.service->get_json("/v1/nodes")) reply = *std::move(found);
  } else if (auto found = ask_engine(archive.layout, "nodes", {}); found && *found) {
    reply = **std::move(found);
  }
  const Json* const nodes = reply.if_contains("nodes");
  if (nodes == nullptr || !nodes->is_array()) return drains;
  for (const Json& node : nodes->get_array()) {
    if (!node.is_object()) continue;
    const Json* const drained = node.get_object().if_contains("drained");
    if (drained == nullptr || !drained->is_object()) continue;
    drains.push_back({.node = text_of(node.get_object(), "name"), .drained = true});
  }
  return drains;
}

void put(JsonObject& item, const std::string& what, const std::optional<Forecast>& forecast) {
  const auto seconds = [&](Duration Forecast::*part) {
    return forecast ? seconds_json((*forecast).*part) : Json(nullptr);
  };
  item[what + "_seconds"] = seconds(&Forecast::middle);
  item[what + "_low_seconds"] = seconds(&Forecast::low);
  item[what + "_high_seconds"] = seconds(&Forecast::high);
}

JsonObject item_of(const QueuedGroup& row) {
  JsonObject item{{"id", fmt::format("{}/{}", format_uuid("run", row.run_uuid), row.group)},
                  {"run", row.run.value},
                  {"group", row.group},
                  {"workflow", row.workflow},
                  {"priority", row.priority},
                  {"waiting", row.waiting},
                  {"running", row.running},
                  {"queued_at", time_json(row.since)},
                  {"reason", name(row.reason.code)},
                  {"sentence", row.sentence}};
  put(item, "start", row.start);
  put(item, "end", row.end);
  return item;
}

std::string time_of(const JsonObject& item, std::string_view field) {
  return duration_cell(item, field).text;
}

/// "in 2m05s", and how sure that is where it is not.
Cell start_cell(const JsonObject& item) {
  if (item.at("start_seconds").is_null()) return {"-", Tone::faint};
  const std::string low = time_of(item, "start_low_seconds");
  const std::string high = time_of(item, "start_high_seconds");
  std::string text = "in " + time_of(item, "start_seconds");
  if (low != high) text += fmt::format(" ({} to {})", low, high);
  return {text};
}

std::vector<Column> columns(bool with_times) {
  std::vector<Column> all{
      {"TASK",
       [](const JsonObject& item) {
         return Cell{sanitize_for_terminal(fmt::format(
             "{}/{}", item.at("run").to_number<std::int64_t>(), text_of(item, "group")))};
       },
       Align::left, true},
      {"WAIT", [](const JsonObject& item) { return Cell{text_of(item, "waiting")}; }, Align::right},
      {"RUN", [](const JsonObject& item) { return Cell{text_of(item, "running")}; }, Align::right}};
  if (with_times) {
    all.push_back({"STARTS", start_cell});
    all.push_back({"ENDS", [](const JsonObject& item) {
                     return item.at("end_seconds").is_null()
                                ? Cell{"-", Tone::faint}
                                : Cell{"in " + time_of(item, "end_seconds")};
                   }});
  }
  all.push_back({"WHY",
                 [](const JsonObject& item) {
                   return Cell{sanitize_for_terminal(text_of(item, "sentence"))};
                 },
                 Align::left, true});
  return all;
}

}  // namespace

Ended command_queue(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "queue"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  QueueSetting setting;
  TRY_ASSIGN(setting.capacity, capacity_for(session, archive));
  if (archive.service == nullptr) {
    TRY_ASSIGN(setting.policy, engine_policy(session.arguments.find("cluster"), archive.layout));
  }
  const bool with_times = session.arguments.has("eta");
  setting.drains = drains_of(archive);
  TRY_ASSIGN(const auto rows, queued_groups(archive, setting, wall_now(), with_times));
  Listing listing{.kind = "queue", .items = {}, .columns = columns(with_times)};
  for (const QueuedGroup& row : rows) listing.items.push_back(item_of(row));
  if (rows.empty()) session.say("nothing waits here");
  return session.print(listing, choice);
}

}  // namespace reeve::cli
