#include "security/test_issuer.h"

#include <array>
#include <vector>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/ensure.h"

namespace reeve::security {
namespace {

std::string number_member(EVP_PKEY* key, const char* name, int width) {
  BIGNUM* number = nullptr;
  ENSURE(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  std::string bytes(static_cast<std::size_t>(width == 0 ? BN_num_bytes(number) : width), '\0');
  ENSURE(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size())) > 0);
  BN_free(number);
  return to_base64url(bytes);
}

/// r and s, each of 32 bytes, of a signature in DER.
std::string side_by_side(const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
  ENSURE(pair != nullptr);
  std::string out(64, '\0');
  auto* const raw = reinterpret_cast<unsigned char*>(out.data());
  ENSURE(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) == 32);
  ENSURE(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) == 32);
  ECDSA_SIG_free(pair);
  return out;
}

}  // namespace

std::string to_base64url(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : bytes) {
    pending = (pending << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out.push_back(kDigits[(pending >> bits) & 63]);
    }
  }
  if (bits > 0) out.push_back(kDigits[(pending << (6 - bits)) & 63]);
  return out;
}

TestIssuer::TestIssuer() {
  keys_.emplace("rsa", EVP_RSA_gen(2048U));
  keys_.emplace("ec", EVP_EC_gen("P-256"));
  keys_.emplace("ed", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  for (const auto& [kind, key] : keys_) ENSURE(key != nullptr);
}

TestIssuer::~TestIssuer() {
  for (const auto& [kind, key] : keys_) EVP_PKEY_free(key);
}

std::string TestIssuer::modulus() const {
  return number_member(keys_.find("rsa")->second, OSSL_PKEY_PARAM_RSA_N, 0);
}

std::string TestIssuer::jwk(std::string_view kind, std::string_view more) const {
  EVP_PKEY* const key = keys_.find(kind)->second;
  std::string members;
  if (kind == "rsa") {
    members = fmt::format(R"("kty":"RSA","n":"{}","e":"{}")", modulus(),
                          number_member(key, OSSL_PKEY_PARAM_RSA_E, 0));
  } else if (kind == "ec") {
    members = fmt::format(R"("kty":"EC","crv":"P-256","x":"{}","y":"{}")",
                          number_member(key, OSSL_PKEY_PARAM_EC_PUB_X, 32),
                          number_member(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32));
  } else {
    std::array<unsigned char, 32> raw{};
    std::size_t size = raw.size();
    ENSURE(EVP_PKEY_get_raw_public_key(key, raw.data(), &size) == 1);
    members = fmt::format(R"("kty":"OKP","crv":"Ed25519","x":"{}")",
                          to_base64url({reinterpret_cast<const char*>(raw.data()), size}));
  }
  return fmt::format(R"({{"kid":"{}",{}{}}})", kind, members, more);
}

std::string TestIssuer::jwks() const {
  return fmt::format(R"({{"keys":[{},{},{}]}})", jwk("rsa"), jwk("ec"), jwk("ed"));
}

std::string TestIssuer::sign(std::string_view kind, std::string_view algorithm,
                             std::string_view text) const {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  const EVP_MD* const digest = kind == "ed" ? nullptr : EVP_sha256();
  ENSURE(EVP_DigestSignInit(context, &parameters, digest, nullptr, keys_.find(kind)->second) == 1);
  if (kind == "rsa" && algorithm == "PS256") {
    ENSURE(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    ENSURE(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  ENSURE(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1);
  std::string out(size, '\0');
  ENSURE(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                        text.size()) == 1);
  out.resize(size);
  EVP_MD_CTX_free(context);
  return kind == "ec" ? side_by_side(out) : out;
}

std::string TestIssuer::token(std::string_view kind, std::string_view algorithm,
                              std::string_view header, std::string_view claims) const {
  const std::string text = to_base64url(header) + "." + to_base64url(claims);
  return text + "." + to_base64url(sign(kind, algorithm, text));
}

std::string hmac_token(std::string_view key, std::string_view header, std::string_view claims) {
  const std::string text = to_base64url(header) + "." + to_base64url(claims);
  std::array<unsigned char, 32> mac{};
  unsigned int size = mac.size();
  ENSURE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
              &size) != nullptr);
  return text + "." + to_base64url({reinterpret_cast<const char*>(mac.data()), size});
}

}  // namespace reeve::security
