// An identity provider for tests: keys of all kinds, its key set, and tokens signed with them. No
// thread rule.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace reeve::security {

class TestIssuer {
 public:
  TestIssuer();
  ~TestIssuer();
  TestIssuer(const TestIssuer&) = delete;
  TestIssuer& operator=(const TestIssuer&) = delete;

  /// `kind`: "rsa", "ec" or "ed", which are also the ids of the keys.
  std::string jwk(std::string_view kind, std::string_view more = "") const;
  std::string jwks() const;
  /// Signed as `algorithm` says; header and claims as they are given.
  std::string token(std::string_view kind, std::string_view algorithm, std::string_view header,
                    std::string_view claims) const;
  std::string sign(std::string_view kind, std::string_view algorithm, std::string_view text) const;
  std::string modulus() const;  ///< of the RSA key, as in its JWK

 private:
  std::map<std::string, evp_pkey_st*, std::less<>> keys_;
};

std::string to_base64url(std::string_view bytes);
/// HS256 with any bytes as the key: the confusion of RFC 8725 §2.1.
std::string hmac_token(std::string_view key, std::string_view header, std::string_view claims);

}  // namespace reeve::security
