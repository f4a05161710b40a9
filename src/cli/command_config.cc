// `reeve config`.
#include <variant>

#include "cli/service_settings.h"

namespace reeve::cli {
namespace {

Json value_json(const config::Value& value) {
  if (const auto* found = std::get_if<bool>(&value)) return *found;
  if (const auto* found = std::get_if<std::int64_t>(&value)) return *found;
  if (const auto* found = std::get_if<Duration>(&value)) return seconds_json(*found);
  if (const auto* found = std::get_if<std::string>(&value)) return Json(*found);
  const auto& items = std::get<std::vector<std::string>>(value);
  return boost::json::array(items.begin(), items.end());
}

JsonObject setting_item(const config::SettingInfo& setting, const config::Effective& effective) {
  return {{"name", setting.name},
          {"value", value_json(effective.value)},
          {"text", config::format_value(setting, effective.value)},
          {"type", config::name(setting.type)},
          {"origin", config::name(effective.origin)},
          {"place", effective.place.empty() ? Json(nullptr) : Json(effective.place)},
          {"live", setting.reloadable},
          {"meaning", setting.meaning}};
}

}  // namespace

Ended command_config(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "settings"));
  // Without a state directory there is still the environment, and what --config names.
  const Result<StateLayout> found = session.find_state();
  const StateLayout layout = found ? *found
                                   : StateLayout{session.surroundings.working_directory + "/" +
                                                 std::string(kStateDirectoryName)};
  TRY_ASSIGN(const config::Resolved resolved, service_settings(session, layout));
  TRY(refuse_complaints(resolved));
  Listing listing{.kind = "settings", .id_field = "name"};
  for (const config::SettingInfo& setting : config::setting_table())
    listing.items.push_back(setting_item(setting, resolved.settings.at(setting.setting)));
  const auto column = [](std::string_view title, std::string_view field) {
    return Column{title, [field](const JsonObject& item) { return Cell{text_of(item, field)}; }};
  };
  listing.columns = {column("SETTING", "name"), column("VALUE", "text"), column("FROM", "origin"),
                     column("PLACE", "place")};
  return session.print(listing, choice);
}

}  // namespace reeve::cli
