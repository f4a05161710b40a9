#include "api/sign_on_settings.h"

#include <fmt/format.h>

#include "security/oidc_discovery.h"

namespace reeve::api {
namespace {

using config::Setting;

constexpr std::string_view kCallbackPath = "/v1/auth/oidc/callback";
constexpr std::size_t kClientBytesMax = 256;

auto wrong_setting(Setting setting, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", config::info(setting).name, why));
}

/// Where the issuer sends browsers back to: only what others can reach and nobody can change.
void set_redirect(const std::string& public_url, SignOnSettings& out) {
  const auto url = security::IssuerUrl::parse(public_url);
  if (!url || public_url.find('?') != std::string::npos) return;
  std::string base = public_url;
  if (base.ends_with('/')) base.pop_back();
  out.redirect = base + std::string(kCallbackPath);
  out.is_redirect_encrypted = url->is_encrypted;
}

}  // namespace

Result<std::optional<SignOnSettings>> SignOnSettings::from(const config::Settings& settings) {
  SignOnSettings out;
  out.issuer = settings.text(Setting::auth_oidc_issuer);
  out.client = settings.text(Setting::auth_oidc_client);
  auto roles = security::parse_group_roles(settings.list(Setting::auth_oidc_roles));
  if (!roles) return wrong_setting(Setting::auth_oidc_roles, roles.error().message);
  out.roles = *std::move(roles);
  if (out.issuer.empty()) {
    if (!out.client.empty())
      return wrong_setting(Setting::auth_oidc_client, "it is of no use without auth.oidc.issuer");
    return std::optional<SignOnSettings>();
  }
  if (const Status good = security::check_issuer(out.issuer); !good)
    return wrong_setting(Setting::auth_oidc_issuer, good.error().message);
  if (out.client.empty() || out.client.size() > kClientBytesMax)
    return wrong_setting(Setting::auth_oidc_client, "our client id at the issuer is missing");
  out.client_secret_file = settings.text(Setting::auth_oidc_client_secret_file);
  out.device_client = settings.text(Setting::auth_oidc_device_client);
  if (out.device_client.empty()) out.device_client = out.client;
  out.scopes = settings.list(Setting::auth_oidc_scopes);
  out.groups_claim = settings.text(Setting::auth_oidc_groups_claim);
  out.token_life = settings.duration(Setting::auth_oidc_token_life);
  out.ca_file = settings.text(Setting::auth_oidc_ca_file);
  set_redirect(settings.text(Setting::server_public_url), out);
  out.fingerprint = trusted(settings);
  return std::optional(std::move(out));
}

std::string SignOnSettings::trusted(const config::Settings& settings) {
  std::string out;
  for (const Setting setting :
       {Setting::auth_oidc_issuer, Setting::auth_oidc_client, Setting::auth_oidc_device_client,
        Setting::auth_oidc_groups_claim, Setting::auth_oidc_roles})
    out += config::format_value(config::info(setting), settings.at(setting).value) + "\n";
  return out;
}

}  // namespace reeve::api
