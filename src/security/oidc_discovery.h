// What an identity provider says of itself (OpenID Connect Discovery 1.0, RFC 8414): its addresses,
// and whether it can do what sign-on here takes. Refuses a document of another issuer, addresses
// that anybody could read along, and providers without PKCE. Pure; nothing is fetched here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve::security {

inline constexpr std::size_t kDiscoveryBytesMax = 256 * 1024;

/// An http or https URL without user, password and fragment.
struct IssuerUrl {
  bool is_encrypted = true;
  std::string host;  ///< lower case; without brackets
  std::uint16_t port = 443;
  std::string target;  ///< path and query, as they were given; at least "/"

  /// invalid_argument: no such URL, or plain HTTP to anything but this machine itself.
  static Result<IssuerUrl> parse(std::string_view text);
  /// The machine itself by number or as "localhost".
  bool is_loopback() const;
};

/// An issuer: an IssuerUrl without a query. invalid_argument.
Status check_issuer(std::string_view issuer);
/// Where its document is: the issuer, then /.well-known/openid-configuration.
std::string discovery_url(std::string_view issuer);

struct OidcEndpoints {
  std::string authorization;  ///< URLs
  std::string token;
  std::string keys;
  std::string device;                     ///< "": it has no device flow
  bool takes_secret_in_header = true;     ///< client_secret_basic, else client_secret_post
  bool names_itself_in_callback = false;  ///< `iss` must be there (RFC 9207)
  friend bool operator==(const OidcEndpoints&, const OidcEndpoints&) = default;
};

/// unavailable: it is no such document, or one that we cannot work with; says which member is
/// wrong.
Result<OidcEndpoints> read_discovery(std::string_view document, std::string_view issuer);

}  // namespace reeve::security
