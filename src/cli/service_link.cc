#include "cli/service_link.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "api/submission.h"
#include "base/text.h"
#include "cli/service_contexts.h"
#include "cli/session.h"
#include "cli/system_clock.h"
#include "security/private_file.h"

namespace reeve::cli {
namespace {

using api::JsonObject;
using http::Response;

struct Choice {
  ServiceContext context;
  bool is_chosen = false;
};

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("unix:");
}

Checked<ServiceContext> named(const ServiceContexts& contexts, const std::string& name) {
  const auto found = contexts.by_name.find(name);
  if (found != contexts.by_name.end()) return found->second;
  return tl::unexpected(
      Failure(kExitUsage, fmt::format("there is no context '{}'", sanitize_for_terminal(name)),
              "`reeve context ls` lists them; an address begins with http://, https:// or unix:"));
}

Checked<Choice> choose_context(const Session& session) {
  const Surroundings& surroundings = session.surroundings;
  const std::string* const wanted = session.arguments.find("server");
  if (wanted != nullptr && is_url(*wanted)) return Choice{{.url = *wanted}, true};
  if (wanted == nullptr && session.arguments.has("state")) return Choice{};
  if (wanted == nullptr && !surroundings.service_url.empty())
    return Choice{{.url = surroundings.service_url}, true};
  TRY_ASSIGN(const ServiceContexts contexts, ServiceContexts::read(surroundings.contexts_file));
  const std::string name = wanted != nullptr ? *wanted : contexts.current;
  if (name.empty()) return Choice{};
  TRY_ASSIGN(ServiceContext context, named(contexts, name));
  return Choice{std::move(context), true};
}

/// Ours, of the context or the environment. A key that others can read proves nothing.
Checked<void> use_certificate(http::ClientOptions& options, const ServiceContext& context,
                              const http::ServerAddress& address,
                              const Surroundings& surroundings) {
  if (!address.is_encrypted) return {};
  options.certificate = context.certificate;
  options.key = context.key;
  if (options.certificate.empty()) {
    options.certificate = surroundings.service_certificate;
    options.key = surroundings.service_key;
  }
  if (options.certificate.empty() != options.key.empty())
    return usage(
        "a certificate and its key go together: set both of REEVE_CERTIFICATE and "
        "REEVE_KEY, or neither");
  if (!options.key.empty()) TRY(security::check_private_file(options.key));
  return {};
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401: return ErrorCode::unauthenticated;
    case 403: return ErrorCode::permission_denied;
    case 404: return ErrorCode::not_found;
    case 409:
    case 412: return ErrorCode::conflict;
    case 429: return ErrorCode::exhausted;
    case 502:
    case 503:
    case 504: return ErrorCode::unavailable;
    default: return status >= 500 ? ErrorCode::io_failed : ErrorCode::invalid_argument;
  }
}

/// What a reply that is no success says, from its problem+json.
tl::unexpected<Error> refusal(const Response& response, const std::string& service) {
  boost::system::error_code broken;
  const auto parsed = boost::json::parse(response.body, broken);
  std::string text;
  ErrorCode code = code_of(response.status);
  if (!broken && parsed.is_object()) {
    const JsonObject& problem = parsed.get_object();
    text = api::text_of(problem, "detail");
    if (api::text_of(problem, "type").ends_with(":unplaceable")) code = ErrorCode::unplaceable;
    const auto* const errors = problem.if_contains("errors");
    if (errors != nullptr && errors->is_array()) {
      text.clear();
      for (const auto& each : errors->get_array()) {
        if (!each.is_object()) continue;
        text += (text.empty() ? "" : "; ") + api::text_of(each.get_object(), "detail");
      }
    }
  }
  if (text.empty()) text = fmt::format("{} answers with status {}", service, response.status);
  return fail(code, sanitize_for_terminal(text));
}

}  // namespace

Checked<std::unique_ptr<ServiceLink>> ServiceLink::choose(const Session& session) {
  TRY_ASSIGN(Choice choice, choose_context(session));
  if (!choice.is_chosen) return nullptr;
  if (const std::string& given = session.surroundings.service_token; !given.empty()) {
    choice.context.token = given;
    choice.context.until.clear();
  }
  return of(choice.context, session);
}

Checked<std::unique_ptr<ServiceLink>> ServiceLink::of(const ServiceContext& context,
                                                      const Session& session) {
  auto address = http::ServerAddress::parse(context.url);
  if (!address) return usage(address.error().message);
  const std::string& token = context.token;
  if (!token.empty() && !address->is_private())
    return usage(fmt::format("the token would be sent to {} for everybody to read", address->text),
                 "use https://");
  http::ClientOptions options;
  options.ca_file = context.ca_file;
  if (options.ca_file.empty()) options.ca_file = session.surroundings.service_ca;
  TRY(use_certificate(options, context, *address, session.surroundings));
  // The constructor is private.
  return std::unique_ptr<ServiceLink>(new ServiceLink(
      http::Client(*std::move(address), std::move(options)), token, !context.until.empty()));
}

Checked<std::unique_ptr<ServiceLink>> ServiceLink::open(const Session& session) {
  TRY_ASSIGN(auto chosen, choose(session));
  if (chosen != nullptr) return chosen;
  TRY_ASSIGN(const StateLayout layout, session.find_state());
  return at_directory(layout, session.surroundings.service_token);
}

Checked<std::unique_ptr<ServiceLink>> ServiceLink::at_directory(const StateLayout& layout,
                                                                const std::string& token) {
  TRY_ASSIGN(http::ServerAddress address,
             http::ServerAddress::parse("unix:" + layout.api_socket()));
  return std::unique_ptr<ServiceLink>(
      new ServiceLink(http::Client(std::move(address), {}), token, false));
}

Result<Response> ServiceLink::send(http::Client::Sent request) {
  if (!token_.empty()) request.headers.push_back({"Authorization", "Bearer " + token_});
  request.headers.push_back({"User-Agent", "reeve/" REEVE_VERSION});
  TRY_ASSIGN(Response response, client_.send(request));
  if (response.status < 300 || response.status == 304) return response;
  auto refused = refusal(response, name());
  if (token_.empty() && response.status == 401)
    return fail(
        ErrorCode::unauthenticated,
        fmt::format("say who you are to {}: give a token with REEVE_TOKEN, or keep one "
                    "with `reeve context add NAME ADDRESS --token-stdin` and name that context",
                    name()));
  if (is_login_ && response.status == 401)
    return fail(ErrorCode::unauthenticated,
                refused.value().message + "; `reeve context login` begins another login");
  return refused;
}

Result<Response> ServiceLink::get(const std::string& target, const std::string& known_etag) {
  http::Client::Sent request{.target = target, .headers = {}, .body = {}};
  if (!known_etag.empty()) request.headers.push_back({"If-None-Match", known_etag});
  return send(std::move(request));
}

Result<Response> ServiceLink::get_part(const std::string& target, std::int64_t position,
                                       std::int64_t bytes, const std::string& etag) {
  TRY_ASSIGN(
      Response part,
      send({.target = target,
            .headers = {{"Range", fmt::format("bytes={}-{}", position, position + bytes - 1)},
                        {"If-Range", etag}},
            .body = {}}));
  if (part.status == 206) return part;
  return fail(ErrorCode::conflict, "what was being fetched has changed meanwhile: try again");
}

Result<JsonObject> ServiceLink::parsed(const Response& response) const {
  boost::system::error_code broken;
  auto value = boost::json::parse(response.body, broken);
  if (!broken && value.is_object()) return std::move(value.get_object());
  return fail(ErrorCode::corrupt, name() + " answers with something that is no JSON");
}

Result<JsonObject> ServiceLink::get_json(const std::string& target) {
  TRY_ASSIGN(const Response response, get(target));
  return parsed(response);
}

Result<Response> ServiceLink::send_post(const std::string& target, const JsonObject& body,
                                        const std::string& key) {
  http::Client::Sent request{.method = "POST",
                             .target = target,
                             .headers = {{"Content-Type", "application/json"}},
                             .body = api::to_json_text(body, false)};
  request.headers.push_back(
      {"Idempotency-Key", key.empty() ? format_uuid("key", api::new_uuid(wall_now())) : key});
  return send(std::move(request));
}

Result<JsonObject> ServiceLink::post(const std::string& target, const JsonObject& body,
                                     const std::string& key) {
  TRY_ASSIGN(const Response response, send_post(target, body, key));
  return parsed(response);
}

Status ServiceLink::post_only(const std::string& target, const JsonObject& body) {
  TRY(send_post(target, body, {}));
  return {};
}

Result<JsonObject> ServiceLink::put(const std::string& target, const JsonObject& body,
                                    const http::Header& condition) {
  http::Client::Sent request{
      .method = "PUT",
      .target = target,
      .headers = {{"Content-Type", "application/json"},
                  {"Idempotency-Key", format_uuid("key", api::new_uuid(wall_now()))}},
      .body = api::to_json_text(body, false)};
  if (!condition.name.empty()) request.headers.push_back(condition);
  TRY_ASSIGN(const Response response, send(std::move(request)));
  return parsed(response);
}

Status ServiceLink::remove(const std::string& target) {
  const std::string key = format_uuid("key", api::new_uuid(wall_now()));
  TRY(send(
      {.method = "DELETE", .target = target, .headers = {{"Idempotency-Key", key}}, .body = {}}));
  return {};
}

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  target += target.find('?') == std::string::npos ? '?' : '&';
  target.append(name).append("=").append(http::percent_encode(value));
}

std::vector<JsonObject> objects_of(const JsonObject& reply, std::string_view field) {
  std::vector<JsonObject> found;
  const auto* const items = reply.if_contains(field);
  if (items == nullptr || !items->is_array()) return found;
  for (const auto& item : items->get_array())
    if (item.is_object()) found.push_back(item.get_object());
  return found;
}

}  // namespace reeve::cli
