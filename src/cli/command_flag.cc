// `reeve flag`.
#include <cstdlib>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/flag_place.h"
#include "cli/session.h"
#include "cli/workflow_file.h"

namespace reeve::cli {
namespace {

using config::Flag;

bool is_true(const JsonObject& item, std::string_view field) {
  const Json* const found = item.if_contains(field);
  return found != nullptr && found->is_bool() && found->get_bool();
}

Ended print_flags(const Session& session, std::vector<JsonObject> flags) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "flags"));
  Listing listing{.kind = "flags", .id_field = "name", .items = std::move(flags)};
  const auto column = [](std::string_view title, std::string_view field) {
    return Column{title, [field](const JsonObject& item) { return Cell{text_of(item, field)}; }};
  };
  listing.columns = {
      column("NAME", "name"),
      {"STATE",
       [](const JsonObject& item) {
         if (is_true(item, "removed")) return Cell{"removed"};
         return is_true(item, "on") ? Cell{"● on", Tone::good} : Cell{"○ off"};
       }},
      {"ROLLOUT",
       [](const JsonObject& item) { return Cell{text_of(item, "rollout_percent") + " %"}; }},
      {"RULES",
       [](const JsonObject& item) {
         const Json* const rules = item.if_contains("rules");
         const bool has = rules != nullptr && rules->is_array();
         return Cell{std::to_string(has ? rules->get_array().size() : 0)};
       }},
      column("VERSION", "version"),
      column("SET AT", "set_at"),
      column("BY", "set_by")};
  return session.print(listing, choice);
}

/// "12.5" of --rollout, in hundredths of a percent.
Checked<std::optional<std::uint32_t>> rollout_option(const Arguments& arguments) {
  const std::string* const text = arguments.find("rollout");
  if (text == nullptr) return std::optional<std::uint32_t>();
  char* end = nullptr;
  const double percent = std::strtod(text->c_str(), &end);
  if (text->empty() || *end != '\0' || !(percent >= 0 && percent <= 100))
    return usage(fmt::format("--rollout: 0 to 100 is expected, not '{}'", *text));
  return std::optional(static_cast<std::uint32_t>(percent * 100 + 0.5));
}

/// The flag as it was, with what the options say; or all of it from --file.
Checked<Flag> wanted_flag(const Session& session, const std::string& name,
                          const std::optional<FlagPlace::Found>& before) {
  const Arguments& arguments = session.arguments;
  if (const std::string* const file = arguments.find("file")) {
    TRY_ASSIGN(const std::string text, read_source(*file));
    boost::system::error_code broken;
    const Json json = boost::json::parse(text, broken);
    const bool is_object = !broken && json.is_object();
    TRY_ASSIGN(Flag flag, config::parse_flag(is_object ? bare_flag_json(json.get_object()) : text));
    if (flag.name != name)
      return usage(fmt::format("{} is of the flag '{}', not '{}'", *file, flag.name, name));
    return flag;
  }
  if (arguments.has("on") && arguments.has("off"))
    return usage("flag set: --on and --off exclude each other");
  Flag flag = before ? before->flag : Flag{.name = name};
  if (arguments.has("on")) flag.on = true;
  if (arguments.has("off")) flag.on = false;
  if (const std::string* const text = arguments.find("description")) flag.description = *text;
  TRY_ASSIGN(const std::optional<std::uint32_t> rollout, rollout_option(arguments));
  if (!arguments.has("namespace") && !arguments.has("label")) {
    if (rollout) flag.rollout = *rollout;
    return flag;
  }
  // One rule: on for these, and for nobody else but by the rules that are there.
  config::FlagRule rule{.rollout = rollout.value_or(10'000)};
  for (const std::string& each : arguments.all("namespace")) rule.namespaces.push_back(each);
  for (const std::string& each : arguments.all("label")) {
    TRY_ASSIGN(Assignment label, parse_assignment("label", each));
    rule.labels.insert_or_assign(std::move(label.name), std::move(label.value));
  }
  if (flag.rules.empty()) flag.rollout = 0;
  flag.rules.push_back(std::move(rule));
  return flag;
}

Ended set_flag(const Session& session, FlagPlace& place, const std::string& name) {
  TRY_ASSIGN(const auto before, place.find(name));
  TRY_ASSIGN(const Flag flag, wanted_flag(session, name, before));
  TRY(config::validate(flag));
  TRY_ASSIGN(const std::uint64_t version, place.set(flag, before ? before->version : 0));
  session.say(fmt::format("flag {} is {} (version {})", name, flag.on ? "on" : "off", version));
  return kExitDone;
}

Ended remove_flag(const Session& session, FlagPlace& place, const std::string& name) {
  TRY(place.remove(name));
  session.say(fmt::format("flag {} is removed", name));
  return kExitDone;
}

/// What the flag would say to a subject.
Ended ask_flag(const Session& session, FlagPlace& place, const std::string& name) {
  const Arguments& arguments = session.arguments;
  config::FlagSubject subject{.key = arguments.value_or("subject", ""),
                              .name_space = arguments.value_or("namespace", "default")};
  for (const std::string& each : arguments.all("label")) {
    TRY_ASSIGN(Assignment label, parse_assignment("label", each));
    subject.labels.insert_or_assign(std::move(label.name), std::move(label.value));
  }
  TRY_ASSIGN(const config::FlagAnswer answer, place.ask(name, subject));
  session.say(sanitize_for_terminal(answer.why));
  return session.print(answer.on ? "on\n" : "off\n");
}

}  // namespace

Ended command_flag(const Session& session) {
  const std::vector<std::string>& words = session.arguments.words;
  const std::string verb = words.empty() ? "ls" : words.front();
  const bool takes_name = verb != "ls";
  if (takes_name != (words.size() > 1))
    return usage(takes_name ? fmt::format("flag {}: the name of the flag is missing", verb)
                            : "flag ls: takes no name");
  TRY_ASSIGN(const auto place, FlagPlace::open(session));
  if (verb == "set") return set_flag(session, *place, words[1]);
  if (verb == "rm") return remove_flag(session, *place, words[1]);
  if (verb == "ask") return ask_flag(session, *place, words[1]);
  TRY_ASSIGN(auto flags, verb == "history" ? place->history(words[1]) : place->list());
  return print_flags(session, std::move(flags));
}

}  // namespace reeve::cli
