// `reeve config`.
#include <fmt/format.h>

#include "cli/session.h"
#include "cli/setting_place.h"

namespace reeve::cli {
namespace {

Column field_column(std::string_view title, std::string_view field) {
  return {title, [field](const JsonObject& item) { return Cell{text_of(item, field)}; }};
}

Ended show_settings(const Session& session, SettingPlace& place) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "settings"));
  Listing listing{.kind = "settings", .id_field = "name"};
  TRY_ASSIGN(listing.items, place.list());
  listing.columns = {field_column("SETTING", "name"), field_column("VALUE", "text"),
                     field_column("FROM", "origin"), field_column("PLACE", "place")};
  return session.print(listing, choice);
}

Ended show_history(const Session& session, SettingPlace& place, const std::string& name) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "setting_versions"));
  Listing listing{.kind = "setting_versions", .id_field = "version"};
  TRY_ASSIGN(listing.items, place.history(name));
  listing.columns = {field_column("VERSION", "version"),
                     {"VALUE",
                      [](const JsonObject& item) {
                        const Json* const value = item.if_contains("value");
                        if (value == nullptr || value->is_null()) return Cell{"unset"};
                        return Cell{text_of(item, "value")};
                      }},
                     field_column("SET AT", "set_at"),
                     field_column("BY", "set_by")};
  return session.print(listing, choice);
}

/// What is said behind a change of a directory that a service may be at work on later.
std::string_view when_it_holds(const SettingPlace& place) {
  return place.is_live() ? "" : "; it holds from the next start of the service";
}

Ended set_setting(const Session& session, SettingPlace& place, const std::string& name,
                  const std::string& text) {
  TRY_ASSIGN(const std::uint64_t version, place.set(name, text));
  session.say(fmt::format("{} is {} (version {}){}", name, text, version, when_it_holds(place)));
  return kExitDone;
}

Ended unset_setting(const Session& session, SettingPlace& place, const std::string& name) {
  TRY(place.unset(name));
  session.say(
      fmt::format("{} is what the file says, or the default{}", name, when_it_holds(place)));
  return kExitDone;
}

}  // namespace

Ended command_config(const Session& session) {
  const std::vector<std::string>& words = session.arguments.words;
  const std::string verb = words.empty() ? "show" : words.front();
  const std::size_t wanted = verb == "show" ? 1 : verb == "set" ? 3 : 2;
  if (std::max<std::size_t>(words.size(), 1) != wanted)
    return usage(verb == "show" ? "config show: takes no name"
                 : verb == "set"
                     ? "config set: the name of a setting and its value are expected"
                     : fmt::format("config {}: the name of a setting is missing", verb));
  TRY_ASSIGN(const auto place, SettingPlace::open(session));
  if (verb == "set") return set_setting(session, *place, words[1], words[2]);
  if (verb == "unset") return unset_setting(session, *place, words[1]);
  if (verb == "history") return show_history(session, *place, words[1]);
  return show_settings(session, *place);
}

}  // namespace reeve::cli
