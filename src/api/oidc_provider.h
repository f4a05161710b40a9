// The identity provider as the service sees it: signs people on by its answers. Owns the one thread
// that asks it, so that nobody else waits for it, and what is kept of it (security/oidc_keys.h).
// What is asked for while too many wait, or while the provider is away, is refused soon.
//
// Thread rule: start() and the destructor from one thread; the rest from any. `then` comes on the
// provider's thread, or on the caller's if it is refused at once; it must not wait long.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/sign_on_settings.h"
#include "base/result.h"
#include "security/oidc_discovery.h"
#include "security/oidc_logins.h"
#include "security/oidc_token.h"

namespace reeve::api {

class OidcProvider {
 public:
  using WithEndpoints = std::function<void(const Result<security::OidcEndpoints>&)>;
  using WithClaims = std::function<void(const Result<security::OidcClaims>&)>;

  static std::unique_ptr<OidcProvider> start(std::function<Time()> now);
  /// After what is under way; the rest is dropped.
  ~OidcProvider();
  OidcProvider(const OidcProvider&) = delete;
  OidcProvider& operator=(const OidcProvider&) = delete;

  // unavailable: the provider is away or out of order; exhausted: too many ask; unauthenticated:
  // what it, or the check of its token, refuses.
  void find_endpoints(SignOnSettings settings, WithEndpoints then);

  struct Redeeming {
    SignOnSettings settings;
    security::PendingLogin login;
    std::string code;
    std::string named_issuer;  ///< `iss` of the callback, or ""
  };
  /// The code of a browser for an ID token, which is checked.
  void redeem(Redeeming redeeming, WithClaims then);
  /// An ID token that was handed in, made out to the device client and without a nonce.
  void check_token(SignOnSettings settings, std::string token, WithClaims then);

 private:
  struct Parts;
  explicit OidcProvider(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::api
