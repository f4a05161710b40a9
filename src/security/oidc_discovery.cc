#include "security/oidc_discovery.h"

#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "security/json_duplicates.h"

namespace reeve::security {
namespace {

namespace json = boost::json;

constexpr std::size_t kUrlBytesMax = 2048;
constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";

auto no_url(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is no address of an identity provider: {}",
                          sanitize_for_terminal(text.substr(0, 200)), why));
}

auto bad_document(std::string why) {
  return fail(ErrorCode::unavailable,
              "the identity provider cannot be used, as what it says of itself " + std::move(why));
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/// "127.x.y.z", four numbers: a name such as 127.example.org is none.
bool is_loopback_number(std::string_view host) {
  return host.starts_with("127.") && std::ranges::count(host, '.') == 3 &&
         std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

/// An optional member that must be a list of texts if it is there. `found`: whether `wanted` is in.
Status look_for(const json::object& document, std::string_view member, std::string_view wanted,
                bool& is_there, bool& found) {
  const json::value* const value = document.if_contains(member);
  is_there = value != nullptr;
  found = false;
  if (!is_there) return {};
  if (!value->is_array()) return bad_document(fmt::format("has '{}', which is no list", member));
  found = std::ranges::any_of(value->get_array(), [&](const json::value& each) {
    return each.is_string() && each.get_string() == wanted;
  });
  return {};
}

/// An address of the document. Plain HTTP only if the issuer itself is of this machine.
Result<std::string> address_of(const json::object& document, std::string_view member,
                               bool may_be_plain, bool must_be_there) {
  const json::value* const value = document.if_contains(member);
  if (value == nullptr && !must_be_there) return std::string();
  if (value == nullptr || !value->is_string())
    return bad_document(fmt::format("has no '{}'", member));
  std::string text(value->get_string());
  const auto url = IssuerUrl::parse(text);
  if (!url) return bad_document(fmt::format("has a wrong '{}': {}", member, url.error().message));
  if (!url->is_encrypted && !may_be_plain)
    return bad_document(fmt::format("has a '{}' without https", member));
  return text;
}

Status check_abilities(const json::object& document) {
  bool is_there = false;
  bool found = false;
  TRY(look_for(document, "response_types_supported", "code", is_there, found));
  if (is_there && !found) return bad_document("does not have the authorization code flow");
  TRY(look_for(document, "code_challenge_methods_supported", "S256", is_there, found));
  if (is_there && !found) return bad_document("does not have PKCE with S256");
  if (!document.contains("id_token_signing_alg_values_supported")) return {};
  for (const std::string_view algorithm : {"RS256", "PS256", "ES256", "EdDSA"}) {
    TRY(look_for(document, "id_token_signing_alg_values_supported", algorithm, is_there, found));
    if (found) return {};
  }
  return bad_document("signs with none of RS256, PS256, ES256 and EdDSA");
}

}  // namespace

Result<IssuerUrl> IssuerUrl::parse(std::string_view text) {
  if (text.size() > kUrlBytesMax) return no_url(text, "it is too long");
  const bool is_clean = std::ranges::all_of(text, [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' &&
           c != '`' && c != '{' && c != '|' && c != '}' && c != '\'';
  });
  if (!is_clean) return no_url(text, "it has characters that no URL has");
  if (text.find('#') != std::string_view::npos) return no_url(text, "it has a fragment (#)");
  IssuerUrl url;
  std::string_view rest = text;
  url.is_encrypted = rest.starts_with("https://");
  if (!url.is_encrypted && !rest.starts_with("http://")) return no_url(text, "https:// is meant");
  rest.remove_prefix(url.is_encrypted ? 8 : 7);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  url.port = url.is_encrypted ? 443 : 80;
  const bool is_bracketed = authority.starts_with('[');
  const std::size_t end = is_bracketed ? authority.find(']') : authority.find(':');
  if (is_bracketed && end == std::string_view::npos) return no_url(text, "its host is malformed");
  url.host = is_bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  authority.remove_prefix(std::min(is_bracketed ? end + 1 : end, authority.size()));
  std::ranges::transform(url.host, url.host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool is_host = !url.host.empty() && std::ranges::all_of(url.host, [&](char c) {
    return is_host_character(c) || (is_bracketed && c == ':');
  });
  if (!is_host) return no_url(text, "its host is malformed");
  if (!authority.empty()) {
    const char* const last = authority.data() + authority.size();
    const auto [stop, error] = std::from_chars(authority.data() + 1, last, url.port);
    if (authority.front() != ':' || error != std::errc{} || stop != last || url.port == 0)
      return no_url(text, "its port is malformed");
  }
  if (!url.is_encrypted && !url.is_loopback())
    return no_url(text, "without https everybody on the way can read and change what is sent");
  return url;
}

bool IssuerUrl::is_loopback() const {
  return host == "localhost" || host == "::1" || is_loopback_number(host);
}

Status check_issuer(std::string_view issuer) {
  TRY(IssuerUrl::parse(issuer));
  if (issuer.find('?') != std::string_view::npos) return no_url(issuer, "it has a query (?)");
  return {};
}

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + std::string(kWellKnown);
}

Result<OidcEndpoints> read_discovery(std::string_view document, std::string_view issuer) {
  if (document.size() > kDiscoveryBytesMax) return bad_document("is too large");
  TRY_ASSIGN(const IssuerUrl own, IssuerUrl::parse(issuer));
  boost::system::error_code error;
  const json::value value = is_valid_utf8(document) ? json::parse(document, error) : json::value();
  if (error || !value.is_object() || has_duplicate_members(document))
    return bad_document("is no JSON object, or has a member twice");
  const json::object& object = value.get_object();
  const json::value* const named = object.if_contains("issuer");
  if (named == nullptr || !named->is_string() || named->get_string() != issuer)
    return bad_document(fmt::format("is of another issuer than {}", issuer));
  const bool may_be_plain = !own.is_encrypted;
  OidcEndpoints out;
  TRY_ASSIGN(out.authorization, address_of(object, "authorization_endpoint", may_be_plain, true));
  TRY_ASSIGN(out.token, address_of(object, "token_endpoint", may_be_plain, true));
  TRY_ASSIGN(out.keys, address_of(object, "jwks_uri", may_be_plain, true));
  TRY_ASSIGN(out.device, address_of(object, "device_authorization_endpoint", may_be_plain, false));
  TRY(check_abilities(object));
  bool is_there = false;
  bool found = false;
  TRY(look_for(object, "token_endpoint_auth_methods_supported", "client_secret_basic", is_there,
               found));
  out.takes_secret_in_header = !is_there || found;
  const json::value* const names =
      object.if_contains("authorization_response_iss_parameter_supported");
  out.names_itself_in_callback = names != nullptr && names->is_bool() && names->get_bool();
  return out;
}

}  // namespace reeve::security
