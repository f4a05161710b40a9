// `reeve token`: the tokens of a service.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/run_cells.h"
#include "cli/service_link.h"
#include "cli/session.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

std::string scope_of(const JsonObject& token) {
  const std::string namespaces = joined(token, "namespaces");
  return namespaces.empty() ? "default" : namespaces;
}

Ended list_tokens(const Session& session, ServiceLink& service) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "tokens"));
  TRY_ASSIGN(const JsonObject reply, service.get_json("/v1/tokens"));
  const Time now = wall_now();
  Listing listing{
      .kind = "tokens",
      .items = {},
      .columns = {
          {"TOKEN", [](const JsonObject& token) { return text_cell(token, "id"); }},
          {"LABEL", [](const JsonObject& token) { return text_cell(token, "label"); }, Align::left,
           true},
          {"ROLE", [](const JsonObject& token) { return text_cell(token, "role"); }},
          {"NAMESPACES", [](const JsonObject& token) { return Cell{scope_of(token)}; }, Align::left,
           true},
          {"USED",
           [now](const JsonObject& token) { return time_cell(token, "last_used_at", now); }},
          {"REVOKED",
           [now](const JsonObject& token) { return time_cell(token, "revoked_at", now); }}}};
  const Json* const tokens = reply.if_contains("tokens");
  if (tokens != nullptr && tokens->is_array()) {
    for (const Json& token : tokens->get_array())
      if (token.is_object()) listing.items.push_back(token.get_object());
  }
  return session.print(listing, choice);
}

/// Its text goes to stdout alone, so that it can be kept without being seen.
Ended create_token(const Session& session, ServiceLink& service, const std::string& label) {
  JsonObject body{{"label", label}, {"role", session.arguments.value_or("role", "viewer")}};
  boost::json::array namespaces;
  for (const std::string& each : session.arguments.all("namespace")) namespaces.emplace_back(each);
  if (!namespaces.empty()) body["namespaces"] = std::move(namespaces);
  TRY_ASSIGN(const auto life, session.arguments.duration("expires"));
  if (life) body["expires_in_seconds"] = seconds_json(*life);
  TRY_ASSIGN(const JsonObject reply, service.post("/v1/tokens", body));
  session.say("this text is shown once: keep it where only its user can read it");
  return session.print(text_of(reply, "text") + "\n");
}

}  // namespace

Ended command_token(const Session& session) {
  const auto& words = session.arguments.words;
  const std::string verb = words.empty() ? "ls" : words.front();
  const std::size_t wanted = verb == "ls" ? 1 : 2;
  if (words.size() > wanted || (wanted == 2 && words.size() != 2))
    return usage(fmt::format("token {}: {}", verb,
                             verb == "create"
                                 ? "say what the token is for: reeve token create LABEL"
                             : verb == "rm" ? "name one token: reeve token rm ID"
                                            : "nothing follows it"));
  TRY_ASSIGN(const auto service, ServiceLink::open(session));
  if (verb == "ls") return list_tokens(session, *service);
  if (verb == "create") return create_token(session, *service, words[1]);
  TRY(service->remove("/v1/tokens/" + http::percent_encode(words[1])));
  session.say(fmt::format("token {} holds no more", words[1]));
  return kExitDone;
}

}  // namespace reeve::cli
