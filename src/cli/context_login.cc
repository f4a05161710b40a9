#include "cli/context_login.h"

#include <fmt/format.h>

#include "api/issuer_link.h"
#include "base/text.h"
#include "cli/poll_clock.h"
#include "cli/run_cells.h"
#include "cli/service_link.h"
#include "cli/system_clock.h"
#include "http/client.h"

namespace reeve::cli {
namespace {

constexpr std::string_view kDeviceGrantType = "urn:ietf:params:oauth:grant-type:device_code";

Checked<ServiceContext> context_named(const ServiceContexts& contexts, const std::string& name) {
  if (name.empty()) return usage("no context is in use", "name one: `reeve context login NAME`");
  const auto found = contexts.by_name.find(name);
  if (found != contexts.by_name.end()) return found->second;
  return fail(ErrorCode::not_found,
              fmt::format("there is no context '{}'", sanitize_for_terminal(name)));
}

/// What the service says of its identity provider.
struct Provider {
  std::string issuer;
  std::string client;
  std::string scope;
};

Checked<Provider> provider_of(ServiceLink& service) {
  TRY_ASSIGN(const JsonObject reply, service.get_json("/v1/auth/oidc"));
  const Json* const found = reply.if_contains("sign_on");
  Provider provider;
  if (found != nullptr && found->is_object()) {
    const JsonObject& item = found->get_object();
    provider = {api::text_of(item, "issuer"), api::text_of(item, "device_client"),
                api::text_of(item, "scope")};
  }
  if (!provider.client.empty() && security::check_issuer(provider.issuer)) return provider;
  return fail(ErrorCode::corrupt,
              service.name() + " does not say how to sign on in a way that can be used");
}

Checked<security::DeviceGrant> ask_for_grant(const api::IssuerLink& link, const Provider& provider,
                                             const security::OidcEndpoints& endpoints) {
  if (endpoints.device.empty())
    return tl::unexpected(Failure(kExitFailed,
                                  fmt::format("{} has no device flow (RFC 8628)", provider.issuer),
                                  "sign on in a browser and make a token there, or have an "
                                  "administrator make one"));
  TRY_ASSIGN(
      const http::Response reply,
      link.post(endpoints.device, {{"client_id", provider.client}, {"scope", provider.scope}}));
  TRY_ASSIGN(security::DeviceGrant grant, security::read_device_reply(reply.status, reply.body));
  return grant;
}

/// False: somebody interrupted.
bool wait_until(PollClock& clock, Time due) {
  while (wall_now() < due) {
    const SignalsTaken taken = clock.wait(due);
    if (taken.interrupts > 0 || taken.terminations > 0 || taken.hung_up) return false;
  }
  return true;
}

/// The ID token, once a person has confirmed the code.
Checked<std::string> wait_for_person(const api::IssuerLink& link, const Provider& provider,
                                     const security::OidcEndpoints& endpoints,
                                     const security::DeviceGrant& grant, PollClock& clock) {
  security::DevicePolling polling(grant, wall_now());
  while (true) {
    if (!wait_until(clock, wall_now() + polling.pause()))
      return tl::unexpected(Failure(kExitInterrupted, "interrupted: nobody was logged in"));
    const auto reply = link.post(endpoints.token, {{"grant_type", std::string(kDeviceGrantType)},
                                                   {"device_code", grant.device_code},
                                                   {"client_id", provider.client}});
    if (!reply) {
      TRY(polling.on_silence(wall_now()));
      continue;
    }
    TRY_ASSIGN(std::string token, polling.on_reply(reply->status, reply->body, wall_now()));
    if (!token.empty()) return token;
  }
}

/// Into the file as it is now: others may have changed it meanwhile.
Checked<void> keep(const Session& session, const std::string& name, const ServiceContext& context) {
  const std::string& path = session.surroundings.contexts_file;
  TRY_ASSIGN(ServiceContexts contexts, ServiceContexts::read(path));
  const auto found = contexts.by_name.find(name);
  if (found == contexts.by_name.end() || found->second.url != context.url)
    return tl::unexpected(
        Failure(kExitConflict, fmt::format("the context '{}' has changed meanwhile", name)));
  found->second.token = context.token;
  found->second.until = context.until;
  TRY(contexts.write(path));
  return {};
}

}  // namespace

Ended context_login(const Session& session, const ServiceContexts& contexts,
                    const std::string& name) {
  TRY_ASSIGN(ServiceContext context, context_named(contexts, name));
  const auto address = http::ServerAddress::parse(context.url);
  if (!address) return usage(address.error().message);
  if (!address->is_private())
    return usage(fmt::format("the login would be sent to {} for everybody to read", context.url),
                 "use https://");
  context.token.clear();
  TRY_ASSIGN(const auto service, ServiceLink::of(context, session));
  TRY_ASSIGN(const Provider provider, provider_of(*service));
  const api::IssuerLink link(session.arguments.value_or("issuer-ca", ""));
  TRY_ASSIGN(const security::OidcEndpoints endpoints, link.endpoints(provider.issuer));
  TRY_ASSIGN(const security::DeviceGrant grant, ask_for_grant(link, provider, endpoints));
  // Before anybody can know that it waits, and interrupt it.
  TRY_ASSIGN(Signals signals, Signals::open());
  PollClock clock(signals);
  session.err.write_line(fmt::format("open    {}", grant.place));
  session.err.write_line(fmt::format("enter   {}", grant.user_code));
  if (!grant.whole_place.empty())
    session.err.write_line(fmt::format("or open {}", grant.whole_place));
  TRY_ASSIGN(const std::string token, wait_for_person(link, provider, endpoints, grant, clock));
  JsonObject body{{"id_token", token}};
  if (const std::string* const role = session.arguments.find("role")) body["role"] = *role;
  TRY_ASSIGN(const JsonObject reply, service->post("/v1/auth/oidc/token", body));
  context.token = api::text_of(reply, "text");
  const Json* const made = reply.if_contains("token");
  if (context.token.empty() || made == nullptr || !made->is_object())
    return fail(ErrorCode::corrupt, service->name() + " answers with something that is no token");
  const JsonObject& item = made->get_object();
  context.until = api::text_of(item, "expires_at");
  TRY(keep(session, name, context));
  session.say(fmt::format("logged in at {} as {}, {} in {}, until {}", context.url,
                          sanitize_for_terminal(api::text_of(item, "subject")),
                          sanitize_for_terminal(api::text_of(item, "role")),
                          sanitize_for_terminal(joined(item, "namespaces")),
                          sanitize_for_terminal(context.until)));
  return kExitDone;
}

Ended context_logout(const Session& session, const ServiceContexts& contexts,
                     const std::string& name) {
  TRY_ASSIGN(ServiceContext context, context_named(contexts, name));
  if (context.until.empty())
    return tl::unexpected(Failure(kExitConflict, fmt::format("nobody is logged in at '{}'", name),
                                  "a token that was given by --token-stdin is revoked by "
                                  "`reeve token rm`"));
  TRY_ASSIGN(const auto service, ServiceLink::of(context, session));
  const Status ended = service->remove("/v1/sessions/current");
  context.token.clear();
  context.until.clear();
  TRY(keep(session, name, context));
  // What has ended by itself need not be ended.
  if (!ended && ended.error().code != ErrorCode::unauthenticated)
    return fail(
        ended.error().code,
        "the token is forgotten here, but the service could not be told: " + ended.error().message);
  return kExitDone;
}

}  // namespace reeve::cli
