#include "api/setting_json.h"

#include <variant>

namespace reeve::api {
namespace {

Json setting_value_json(const config::Value& value) {
  if (const auto* found = std::get_if<bool>(&value)) return *found;
  if (const auto* found = std::get_if<std::int64_t>(&value)) return *found;
  if (const auto* found = std::get_if<Duration>(&value)) return seconds_json(*found);
  if (const auto* found = std::get_if<std::string>(&value)) return text_json(*found);
  const auto& items = std::get<std::vector<std::string>>(value);
  return boost::json::array(items.begin(), items.end());
}

}  // namespace

JsonObject setting_json(const config::SettingInfo& setting, const config::Effective& effective) {
  return {{"name", setting.name},
          {"value", setting_value_json(effective.value)},
          {"text", config::format_value(setting, effective.value)},
          {"type", config::name(setting.type)},
          {"origin", config::name(effective.origin)},
          {"place", effective.place.empty() ? Json(nullptr) : text_json(effective.place)},
          {"live", setting.reloadable},
          {"meaning", setting.meaning}};
}

JsonObject setting_version_json(const config::TextVersion& version) {
  return {{"version", version.version},
          {"value", version.removed ? Json(nullptr) : text_json(version.text)},
          {"set_at", time_json(version.at)},
          {"set_by", text_json(version.by)}};
}

}  // namespace reeve::api
