#include "api/issuer_link.h"

#include <fmt/format.h>

#include "http/client.h"
#include "security/oidc_token.h"

namespace reeve::api {
namespace {

constexpr std::size_t kIssuerBodyMax = 256 * 1024;  ///< the largest: discovery, and a set of keys

struct Target {
  http::Client client;
  std::string path;
};

Result<Target> target_of(const std::string& url, const std::string& ca_file,
                         std::chrono::milliseconds time) {
  TRY_ASSIGN(security::IssuerUrl parsed, security::IssuerUrl::parse(url));
  http::ServerAddress address{.text = fmt::format("{}:{}", parsed.host, parsed.port),
                              .host = parsed.host,
                              .port = parsed.port,
                              .unix_path = {},
                              .is_encrypted = parsed.is_encrypted};
  http::ClientOptions options{.ca_file = ca_file,
                              .certificate = {},
                              .key = {},
                              .timeout = time,
                              .exchange_time = time,
                              .is_for_reeve = false,
                              .body_bytes_max = kIssuerBodyMax};
  return Target{http::Client(std::move(address), std::move(options)), std::move(parsed.target)};
}

/// Whatever goes wrong on the way there: the provider cannot be asked.
tl::unexpected<Error> not_reached(const Error& why) {
  return fail(ErrorCode::unavailable,
              fmt::format("the identity provider cannot be asked: {}", why.message));
}

}  // namespace

Result<std::string> IssuerLink::get(const std::string& url) const {
  auto target = target_of(url, ca_file_, time_);
  if (!target) return not_reached(target.error());
  auto reply =
      target->client.send({.target = target->path,
                           .headers = {{"Accept", "application/json"}, {"Connection", "close"}},
                           .body = {}});
  if (!reply) return not_reached(reply.error());
  if (reply->status == 200) return std::move(reply->body);
  return fail(ErrorCode::unavailable,
              fmt::format("the identity provider answers {} with status {}", url, reply->status));
}

Result<http::Response> IssuerLink::post(const std::string& url, const security::FormFields& form,
                                        const std::string& authorization) const {
  auto target = target_of(url, ca_file_, time_);
  if (!target) return not_reached(target.error());
  http::Client::Sent request{.method = "POST",
                             .target = target->path,
                             .headers = {{"Accept", "application/json"},
                                         {"Connection", "close"},
                                         {"Content-Type", "application/x-www-form-urlencoded"}},
                             .body = security::form_text(form),
                             .is_repeatable = false};
  if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
  auto reply = target->client.send(request);
  if (!reply) return not_reached(reply.error());
  return reply;
}

Result<security::OidcEndpoints> IssuerLink::endpoints(const std::string& issuer) const {
  TRY_ASSIGN(const std::string document, get(security::discovery_url(issuer)));
  return security::read_discovery(document, issuer);
}

}  // namespace reeve::api
