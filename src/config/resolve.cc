// From file, environment and flags to one table.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/settings.h"
#include "config/toml_file.h"

namespace reeve::config {
namespace {

std::string did_you_mean(std::string_view word, bool as_variable) {
  std::vector<std::string> candidates;
  for (const SettingInfo& row : setting_table())
    candidates.push_back(as_variable ? environment_name(row) : std::string(row.name));
  std::string close = closest_match(word, candidates);
  if (close.empty() && !as_variable) {
    // Perhaps the section was left out or is another: the last part says what was meant.
    const std::string_view last = word.substr(word.rfind('.') + 1);
    const auto found = std::ranges::find_if(setting_table(), [&](const SettingInfo& row) {
      return row.name.substr(row.name.rfind('.') + 1) == last;
    });
    if (found != setting_table().end()) close = found->name;
  }
  return close.empty() ? std::string() : fmt::format("did you mean '{}'?", close);
}

/// A value of the file as parse_value would read it, or why it cannot be one.
Result<Value> value_of(const SettingInfo& setting, const TomlValue& value) {
  const auto wrong_type = [&](std::string_view found) {
    const std::string_view wanted = setting.type == Type::duration  ? "a text such as \"10s\""
                                    : setting.type == Type::size    ? "a size such as \"10Mi\""
                                    : setting.type == Type::list    ? "a list of texts"
                                    : setting.type == Type::boolean ? "true or false"
                                    : setting.type == Type::integer ? "a number"
                                                                    : "a text";
    return fail(ErrorCode::invalid_argument, fmt::format("{} is expected, not {}", wanted, found));
  };
  if (const auto* found = std::get_if<TomlUnfit>(&value)) return wrong_type(found->kind);
  if (const auto* found = std::get_if<bool>(&value)) {
    if (setting.type != Type::boolean) return wrong_type("true or false");
    return Value(*found);
  }
  if (const auto* found = std::get_if<std::int64_t>(&value)) {
    if (setting.type != Type::integer && setting.type != Type::size) return wrong_type("a number");
    return parse_value(setting, fmt::format("{}", *found));
  }
  if (const auto* found = std::get_if<std::string>(&value)) {
    if (setting.type == Type::boolean || setting.type == Type::integer ||
        setting.type == Type::list)
      return wrong_type("a text");
    return parse_value(setting, *found);
  }
  if (setting.type != Type::list) return wrong_type("a list");
  const auto& items = std::get<std::vector<std::string>>(value);
  for (const std::string& item : items) {
    if (item.empty() || item.contains(','))
      return fail(ErrorCode::invalid_argument, "an item of a list is empty or holds a comma");
    TRY(parse_value(setting, item));
  }
  return Value(items);
}

void read_file(const Sources& sources, Resolved& out) {
  const TomlFile file = read_toml(sources.file);
  const auto place = [&](std::uint32_t line, std::uint32_t column) {
    return fmt::format("{}:{}:{}", sources.file_name, line, column);
  };
  if (!file.error.empty()) {
    out.complaints.push_back({place(file.line, file.column),
                              sanitize_for_terminal("this is not TOML: " + file.error),
                              {}});
    return;
  }
  for (const TomlEntry& table : file.tables) {
    const std::string prefix = table.name + ".";
    const bool is_known = std::ranges::any_of(
        setting_table(), [&](const SettingInfo& row) { return row.name.starts_with(prefix); });
    const bool has_entries = std::ranges::any_of(
        file.entries, [&](const TomlEntry& entry) { return entry.name.starts_with(prefix); });
    if (!is_known && !has_entries)
      out.complaints.push_back(
          {place(table.key_line, table.key_column),
           fmt::format("there is no section '{}'", sanitize_for_terminal(table.name)),
           {}});
  }
  for (const TomlEntry& entry : file.entries) {
    const SettingInfo* const setting = find_setting(entry.name);
    if (setting == nullptr) {
      out.complaints.push_back(
          {place(entry.key_line, entry.key_column),
           fmt::format("there is no setting '{}'", sanitize_for_terminal(entry.name)),
           did_you_mean(entry.name, false)});
      continue;
    }
    auto value = value_of(*setting, entry.value);
    if (value) {
      out.settings.set(setting->setting,
                       {std::move(*value), Origin::file, place(entry.line, entry.column)});
    } else {
      out.complaints.push_back({place(entry.line, entry.column),
                                fmt::format("{}: {}", entry.name, value.error().message),
                                {}});
    }
  }
}

/// Each was right when it was set; one that this version does not take any more is passed over, or
/// nobody could get at the service that keeps it.
void read_set(const Sources& sources, Resolved& out) {
  for (const TextVersion& each : sources.set) {
    const SettingInfo* const setting = find_setting(each.name);
    if (setting == nullptr) continue;
    auto value = parse_value(*setting, each.text);
    if (value)
      out.settings.set(setting->setting, {std::move(*value), Origin::api,
                                          fmt::format("version {} by {}", each.version, each.by)});
  }
}

/// Whether a variable can only have been meant as a setting: REEVE_ and a section of ours.
bool names_a_section(std::string_view variable) {
  return std::ranges::any_of(setting_table(), [&](const SettingInfo& row) {
    const std::string full = environment_name(row);
    const std::size_t section = full.find('_', std::string_view("REEVE_").size());
    return variable.starts_with(full.substr(0, section + 1));
  });
}

void read_environment(const Sources& sources, Resolved& out) {
  for (const auto& [variable, text] : sources.environment) {
    const auto found = std::ranges::find_if(
        setting_table(), [&](const SettingInfo& row) { return environment_name(row) == variable; });
    if (found == setting_table().end()) {
      if (!names_a_section(variable) || variable == "REEVE_SECRETS_KEY") continue;
      out.complaints.push_back({sanitize_for_terminal(variable),
                                "there is no setting that this variable could be for",
                                did_you_mean(variable, true)});
      continue;
    }
    auto value = parse_value(*found, text);
    if (value) {
      out.settings.set(found->setting, {std::move(*value), Origin::environment, variable});
    } else {
      out.complaints.push_back({variable, value.error().message, {}});
    }
  }
}

void read_flags(const Sources& sources, Resolved& out) {
  for (const auto& [name, text, option] : sources.flags) {
    const SettingInfo* const setting = find_setting(name);
    if (setting == nullptr) {
      out.complaints.push_back(
          {option, fmt::format("there is no setting '{}'", sanitize_for_terminal(name)),
           did_you_mean(name, false)});
      continue;
    }
    auto value = parse_value(*setting, text);
    if (value) {
      out.settings.set(setting->setting, {std::move(*value), Origin::flag, option});
    } else {
      out.complaints.push_back({option, fmt::format("{}: {}", name, value.error().message), {}});
    }
  }
}

/// Settings that are right each for itself and wrong together.
void check_together(Resolved& out) {
  const Settings& settings = out.settings;
  const auto is_set = [&](Setting setting) { return !settings.text(setting).empty(); };
  const auto complain = [&](Setting setting, std::string message) {
    const Effective& effective = settings.at(setting);
    out.complaints.push_back(
        {effective.place.empty() ? std::string(info(setting).name) : effective.place,
         std::move(message),
         {}});
  };
  using enum Setting;
  if (is_set(server_tls_certificate) != is_set(server_tls_key)) {
    complain(is_set(server_tls_key) ? server_tls_key : server_tls_certificate,
             "server.tls.certificate and server.tls.key need each other");
  }
  if (is_set(server_tls_client_ca) && !is_set(server_tls_certificate))
    complain(server_tls_client_ca, "server.tls.client_ca needs server.tls.certificate");
  if (is_set(auth_oidc_issuer) != is_set(auth_oidc_client)) {
    complain(is_set(auth_oidc_client) ? auth_oidc_client : auth_oidc_issuer,
             "auth.oidc.issuer and auth.oidc.client need each other");
  }
  if (settings.duration(auth_session_idle) > settings.duration(auth_session_life))
    complain(auth_session_idle, "auth.session_idle is longer than auth.session_life");
}

}  // namespace

std::string suggest_setting(std::string_view name) { return did_you_mean(name, false); }

Resolved resolve(const Sources& sources) {
  Resolved out;
  read_file(sources, out);
  read_set(sources, out);
  read_environment(sources, out);
  read_flags(sources, out);
  check_together(out);
  return out;
}

}  // namespace reeve::config
