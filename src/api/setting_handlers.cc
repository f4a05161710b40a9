// The settings that hold, and those of them that may be set while the service runs.
#include <algorithm>

#include <fmt/format.h>

#include "api/body_reader.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "api/setting_json.h"
#include "api/version_match.h"
#include "config/setting_store.h"

namespace reeve::api {
namespace {

Problem no_setting(const Call& call) {
  const auto missing = config::settable(call.path_value("setting"));
  return {404, "not-found", "Not found",
          missing ? std::string("there is no such setting") : missing.error().text()};
}

Checked<const config::SettingInfo*> settable_of(const Call& call) {
  const auto setting = config::settable(call.path_value("setting"));
  if (setting) return *setting;
  if (setting.error().code == ErrorCode::not_found) return tl::unexpected(no_setting(call));
  return tl::unexpected(invalid({{"", setting.error().text()}}));
}

/// The newest version that was set here; none: it is not set here.
Checked<std::optional<config::TextVersion>> set_version(const ServiceParts& parts,
                                                        const config::SettingInfo& setting) {
  TRY_ASSIGN(const auto all, parts.options.setting_store->list());
  const auto found = std::ranges::find(all, setting.name, &config::TextVersion::name);
  return found == all.end() ? std::optional<config::TextVersion>() : std::optional(*found);
}

void reply_setting(ServiceParts& parts, const CallPtr& call, const config::SettingInfo& setting) {
  parts.read(call, [&parts, call, &setting](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const auto set, set_version(parts, setting));
    const auto settings = parts.options.settings();
    call->reply(200,
                {{"version", kOutputVersion},
                 {"setting", setting_json(setting, settings->at(setting.setting))}},
                {{"ETag", version_tag(set ? set->version : 0)}});
    return {};
  });
}

/// A value as JSON has it, as the environment would have it.
Result<std::string> setting_text(const config::SettingInfo& setting, const Json& value) {
  std::string text;
  if (value.is_string()) {
    text = value.get_string();
  } else if (value.is_bool() && setting.type == config::Type::boolean) {
    text = value.get_bool() ? "true" : "false";
  } else if (value.is_int64() &&
             (setting.type == config::Type::integer || setting.type == config::Type::size)) {
    text = std::to_string(value.get_int64());
  } else {
    return fail(ErrorCode::invalid_argument,
                fmt::format("a value of the type {} is expected", config::name(setting.type)));
  }
  TRY(config::parse_value(setting, text));
  return text;
}

/// A value that would not hold is not taken: whoever sets it would believe that it does.
Checked<void> is_not_overruled(const ServiceParts& parts, const config::SettingInfo& setting) {
  const config::Effective present = parts.options.settings()->at(setting.setting);
  if (present.origin <= config::Origin::api) return {};
  return tl::unexpected(Problem(
      409, "overruled", "Overruled",
      fmt::format("{} is set by the {} {} of the service, which goes before what is set here",
                  setting.name, config::name(present.origin), present.place)));
}

/// Sets it, or without a text lets the file's hold again, and takes it on. What cannot be taken on
/// is taken back.
Checked<void> change_setting(ServiceParts& parts, const CallPtr& call,
                             const config::SettingInfo& setting,
                             const std::optional<std::string>& text,
                             std::optional<std::uint64_t> wanted) {
  config::SettingStore& store = *parts.options.setting_store;
  TRY_ASSIGN(const auto before, set_version(parts, setting));
  const auto write = [&](const std::optional<std::string>& value, std::uint64_t expected) {
    const std::string& by = call->identity.subject;
    const Time now = parts.options.now();
    return value ? store.set(setting.name, *value, expected, by, now)
                 : store.unset(setting.name, expected, by, now);
  };
  const auto made = write(text, wanted.value_or(config::kAnyVersion));
  if (!made)
    return tl::unexpected(made.error().code == ErrorCode::conflict ? is_stale("setting")
                                                                   : Problem(made.error()));
  if (const auto taken = parts.options.reload(); !taken) {
    TRY(write(before ? std::optional(before->text) : std::nullopt, config::kAnyVersion));
    return tl::unexpected(invalid({{"/value", taken.error().text()}}));
  }
  if (!text) {
    call->reply_nothing();
    return {};
  }
  const auto settings = parts.options.settings();
  call->reply(200,
              {{"version", kOutputVersion},
               {"setting", setting_json(setting, settings->at(setting.setting))}},
              {{"ETag", version_tag(made->version)}});
  return {};
}

}  // namespace

void get_config(ServiceParts& parts, CallPtr call) {
  const auto settings = parts.options.settings();
  boost::json::array out;
  for (const config::SettingInfo& setting : config::setting_table())
    out.emplace_back(setting_json(setting, settings->at(setting.setting)));
  call->reply(200, {{"version", kOutputVersion}, {"settings", std::move(out)}});
}

void get_setting(ServiceParts& parts, CallPtr call) {
  const config::SettingInfo* const setting = config::find_setting(call->path_value("setting"));
  if (setting == nullptr) return call->refuse(no_setting(*call));
  reply_setting(parts, call, *setting);
}

void get_setting_history(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    const std::string name = call->path_value("setting");
    if (config::find_setting(name) == nullptr) return tl::unexpected(no_setting(*call));
    boost::json::array out;
    TRY_ASSIGN(const auto versions, parts.options.setting_store->history(name));
    for (const config::TextVersion& each : versions) out.emplace_back(setting_version_json(each));
    call->reply(200, {{"version", kOutputVersion}, {"versions", std::move(out)}});
    return {};
  });
}

void set_setting(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const config::SettingInfo* const setting, settable_of(*call));
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    BodyReader reader(body);
    const Json* const value = reader.any("value");
    std::string text;
    if (value == nullptr) {
      reader.error("value", "value, what the setting is to be, is missing");
    } else if (auto found = setting_text(*setting, *value); found) {
      text = *std::move(found);
    } else {
      reader.error("value", found.error().text());
    }
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    TRY(is_not_overruled(parts, *setting));
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    parts.change(call, "setting/" + std::string(setting->name), {},
                 [&parts, call, setting, text, wanted]() -> Checked<void> {
                   return change_setting(parts, call, *setting, text, wanted);
                 });
    return {};
  });
}

void unset_setting(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const config::SettingInfo* const setting, settable_of(*call));
    TRY_ASSIGN(const auto wanted, wanted_version(*call));
    parts.change(call, "setting/" + std::string(setting->name), {},
                 [&parts, call, setting, wanted]() -> Checked<void> {
                   return change_setting(parts, call, *setting, std::nullopt, wanted);
                 });
    return {};
  });
}

void reload_config(ServiceParts& parts, CallPtr call) {
  parts.change(call, "settings", {}, [&parts, call]() -> Checked<void> {
    TRY_ASSIGN(const auto changes, parts.options.reload());
    boost::json::array out;
    for (const config::Change& each : changes) {
      const config::SettingInfo& setting = config::info(each.setting);
      out.push_back(JsonObject{{"name", setting.name},
                               {"before", config::format_value(setting, each.before)},
                               {"after", config::format_value(setting, each.after)},
                               {"live", each.live}});
    }
    call->reply(200, {{"version", kOutputVersion}, {"changes", std::move(out)}});
    return {};
  });
}

}  // namespace reeve::api
