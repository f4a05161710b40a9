// `reeve context`: services by name.
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>
#include <stdio.h>

#include "base/text.h"
#include "cli/context_login.h"
#include "cli/run_cells.h"
#include "cli/service_contexts.h"
#include "cli/session.h"
#include "http/client.h"
#include "security/private_file.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kTokenBytesMax = 16'384;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

/// From standard input: what is on a command line, others on the machine can see.
Checked<std::string> read_token(const Session& session) {
  if (session.surroundings.stdin_is_terminal && session.arguments.has("no-input"))
    return usage("context add: the token is read from standard input, which is a terminal");
  if (session.surroundings.stdin_is_terminal) session.say("the token, then Enter:");
  std::string token;
  char c = 0;
  while (token.size() < kTokenBytesMax && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') token += c;
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty() || token.find_first_of(" \t\r") != std::string::npos)
    return usage("context add: standard input has no token in its first line");
  return token;
}

/// A context is used wherever its user is: what was named in one directory is found in all.
std::string absolute_path(const Session& session, std::string_view option) {
  const std::string* const path = session.arguments.find(option);
  if (path == nullptr || path->empty() || path->starts_with('/'))
    return path == nullptr ? "" : *path;
  return session.surroundings.working_directory + "/" + *path;
}

/// What the service is to be shown, seen to be usable before anybody depends on it.
Checked<void> read_certificate(const Session& session, const http::ServerAddress& address,
                               ServiceContext& context) {
  context.certificate = absolute_path(session, "certificate");
  context.key = absolute_path(session, "key");
  if (context.certificate.empty() != context.key.empty())
    return usage("context add: --certificate and --key go together");
  if (context.key.empty()) return {};
  if (!address.is_encrypted) return usage("context add: a certificate is shown over https:// only");
  if (::access(context.certificate.c_str(), R_OK) != 0)
    return fail_errno(errno, "cannot read the certificate " + context.certificate);
  TRY(security::check_private_file(context.key));
  return {};
}

Ended add(const Session& session, ServiceContexts contexts, const std::string& name,
          const std::string& url) {
  if (!is_name(name))
    return usage("context add: a name has up to 63 lower-case letters, digits and ._-");
  const auto address = http::ServerAddress::parse(url);
  if (!address) return usage("context add: " + address.error().message);
  ServiceContext context{.url = url, .ca_file = absolute_path(session, "ca")};
  TRY(read_certificate(session, *address, context));
  if (session.arguments.has("token-stdin")) {
    TRY_ASSIGN(context.token, read_token(session));
  }
  if (!context.token.empty() && !address->is_private())
    return usage(fmt::format("the token would be sent to {} for everybody to read", url),
                 "use https://");
  const bool is_first = contexts.by_name.empty();
  contexts.by_name[name] = std::move(context);
  if (is_first || session.arguments.has("use")) contexts.current = name;
  TRY(contexts.write(session.surroundings.contexts_file));
  session.say(contexts.current == name
                  ? fmt::format("commands look at {} now; `reeve context use -` goes back", url)
                  : fmt::format("`reeve context use {}` has commands look there", name));
  return kExitDone;
}

Ended use(const Session& session, ServiceContexts contexts, const std::string& name) {
  const bool is_none = name == "-";
  if (!is_none && !contexts.by_name.contains(name))
    return fail(ErrorCode::not_found, fmt::format("there is no context '{}'", name));
  contexts.current = is_none ? "" : name;
  TRY(contexts.write(session.surroundings.contexts_file));
  session.say(is_none ? "commands look at the directory where they are"
                      : fmt::format("commands look at {}", contexts.by_name[name].url));
  return kExitDone;
}

Ended remove(const Session& session, ServiceContexts contexts, const std::string& name) {
  if (contexts.by_name.erase(name) == 0)
    return fail(ErrorCode::not_found, fmt::format("there is no context '{}'", name));
  if (contexts.current == name) contexts.current.clear();
  TRY(contexts.write(session.surroundings.contexts_file));
  return kExitDone;
}

Ended list(const Session& session, const ServiceContexts& contexts) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "contexts"));
  Listing listing{
      .kind = "contexts",
      .id_field = "name",
      .items = {},
      .columns = {
          {"",
           [](const JsonObject& item) { return Cell{item.at("current").as_bool() ? "*" : ""}; }},
          {"CONTEXT", [](const JsonObject& item) { return text_cell(item, "name"); }},
          {"SERVICE", [](const JsonObject& item) { return text_cell(item, "url"); }, Align::left,
           true},
          {"LOGIN UNTIL", [](const JsonObject& item) { return text_cell(item, "login_until"); }}}};
  for (const auto& [name, context] : contexts.by_name)
    listing.items.push_back({{"name", name},
                             {"url", context.url},
                             {"current", name == contexts.current},
                             {"has_token", !context.token.empty()},
                             {"has_certificate", !context.certificate.empty()},
                             {"login_until", api::optional_text(context.until)}});
  return session.print(listing, choice);
}

}  // namespace

Ended command_context(const Session& session) {
  const auto& words = session.arguments.words;
  const std::string verb = words.empty() ? "ls" : words.front();
  TRY_ASSIGN(ServiceContexts contexts, ServiceContexts::read(session.surroundings.contexts_file));
  if (verb == "ls" && words.size() <= 1) return list(session, contexts);
  if (verb == "add" && words.size() == 3)
    return add(session, std::move(contexts), words[1], words[2]);
  if (verb == "use" && words.size() == 2) return use(session, std::move(contexts), words[1]);
  if (verb == "rm" && words.size() == 2) return remove(session, std::move(contexts), words[1]);
  if ((verb == "login" || verb == "logout") && words.size() <= 2) {
    const std::string name = words.size() == 2 ? words[1] : contexts.current;
    return verb == "login" ? context_login(session, contexts, name)
                           : context_logout(session, contexts, name);
  }
  return usage(
      "context: add NAME ADDRESS, use NAME, login [NAME], logout [NAME], rm NAME or ls is meant",
      "see `reeve context --help`");
}

}  // namespace reeve::cli
