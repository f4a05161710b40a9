// Whether an ID or access token (JWT, RFC 7519, compact JWS of RFC 7515) is genuine and meant for
// us, by the keys that its issuer publishes (JWKS, RFC 7517). Follows RFC 8725: only the algorithms
// named here and each only with a key of its own type; every token of doubt is refused. RS256,
// PS256, ES256 and EdDSA (Ed25519) through OpenSSL. Pure but for that; nothing is fetched.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reeve::security {

inline constexpr std::size_t kJwtBytesMax = 16 * 1024;
inline constexpr std::size_t kJwksBytesMax = 256 * 1024;
inline constexpr std::size_t kJwksKeysMax = 64;

struct OidcExpectation {
  std::string issuer;    ///< exactly
  std::string audience;  ///< must be in `aud`; if that has several, `azp` must be this
  std::string nonce;     ///< "": none was sent
  Duration clock_skew = std::chrono::seconds{60};
  Duration age_max = std::chrono::hours{24};  ///< since `iat`
  std::string groups_claim = "groups";
  /// Access tokens (RFC 9068, and those of Keycloak), and logout tokens are refused.
  bool only_id_tokens = false;
};

struct OidcClaims {
  std::string subject;
  std::string email;  ///< "" unless email_verified
  std::string name;
  std::vector<std::string> groups;
  bool has_nonce = false;
  Time issued_at = kUnset;
  Time expires_at = kUnset;
};

/// Whether it is a key set at all, within the limits; invalid_argument.
Status check_jwks(std::string_view jwks);

/// unauthenticated: which check failed, without the token in it. invalid_argument: the key set is
/// no JWKS. not_found: the token names a key that is not in the set (fetch it again, once).
Result<OidcClaims> check_oidc_token(std::string_view token, std::string_view jwks,
                                    const OidcExpectation& expected, Time now);

}  // namespace reeve::security
