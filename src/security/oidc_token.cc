#include "security/oidc_token.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/text.h"
#include "security/json_duplicates.h"

namespace reeve::security {
namespace {

namespace json = boost::json;

constexpr std::size_t kRsaBitsLeast = 2048;
constexpr std::size_t kRsaBitsMost = 8192;  ///< more would only make us work
constexpr std::size_t kKeyIdMax = 256;
constexpr std::size_t kClaimMax = 1024;
constexpr std::size_t kGroupsMax = 1000;
constexpr std::size_t kP256Bytes = 32;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

enum class Algorithm : std::uint8_t { rs256, ps256, es256, eddsa };
struct AlgorithmInfo {
  std::string_view name;
  Algorithm algorithm;
  std::string_view key_type;  ///< `kty`; RFC 8725 §3.1: an algorithm takes keys of its own type
  std::string_view curve;     ///< `crv`, or ""
};
constexpr auto kAlgorithms = std::to_array<AlgorithmInfo>({
    {"RS256", Algorithm::rs256, "RSA", ""},
    {"PS256", Algorithm::ps256, "RSA", ""},
    {"ES256", Algorithm::es256, "EC", "P-256"},
    {"EdDSA", Algorithm::eddsa, "OKP", "Ed25519"},
});

tl::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::unauthenticated,
              fmt::format("the token of the identity provider is not accepted: {}", why));
}

/// RFC 4648 §5 without padding, canonical.
std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '-') value = 62;
    if (c == '_') value = 63;
    if (value < 0) return std::nullopt;
    pending = (pending << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(pending >> bits));
    pending &= (1U << bits) - 1;
  }
  if (pending != 0) return std::nullopt;
  return out;
}

/// An object without a member that is there twice, at any depth.
std::optional<json::object> parse_object(std::string_view text) {
  if (!is_valid_utf8(text)) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object() || has_duplicate_members(text)) return std::nullopt;
  return std::move(value.get_object());
}

std::string text_member(const json::object& object, std::string_view name) {
  const json::value* const found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Owned<BIGNUM> number_of(std::string_view bytes) {
  return Owned<BIGNUM>(BN_bin2bn(octets(bytes), static_cast<int>(bytes.size()), nullptr));
}

Owned<EVP_PKEY> key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  Owned<EVP_PKEY> owned(key);
  const Owned<EVP_PKEY_CTX> check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) return nullptr;  // on the curve
  return owned;
}

Owned<EVP_PKEY> rsa_key(const json::object& jwk) {
  const auto modulus = from_base64url(text_member(jwk, "n"));
  const auto exponent = from_base64url(text_member(jwk, "e"));
  if (!modulus || !exponent || modulus->size() > kRsaBitsMost / 8 || exponent->size() > 8)
    return nullptr;
  const Owned<BIGNUM> n = number_of(*modulus);
  const Owned<BIGNUM> e = number_of(*exponent);
  if (!n || !e || BN_num_bits(n.get()) < static_cast<int>(kRsaBitsLeast) ||
      BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) != 0)
    return nullptr;
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return nullptr;
  return key_from("RSA", builder.get());
}

Owned<EVP_PKEY> ec_key(const json::object& jwk) {
  const auto x = from_base64url(text_member(jwk, "x"));
  const auto y = from_base64url(text_member(jwk, "y"));
  if (!x || !y || x->size() != kP256Bytes || y->size() != kP256Bytes) return nullptr;
  const std::string point = "\x04" + *x + *y;
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return nullptr;
  return key_from("EC", builder.get());
}

Owned<EVP_PKEY> ed25519_key(const json::object& jwk) {
  const auto x = from_base64url(text_member(jwk, "x"));
  if (!x || x->size() != 32) return nullptr;
  return Owned<EVP_PKEY>(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(*x), x->size()));
}

/// JWS has r and s side by side (RFC 7518 §3.4), OpenSSL wants them in DER.
std::optional<std::string> der_of(std::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return std::nullopt;
  const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
  Owned<BIGNUM> r = number_of(signature.substr(0, kP256Bytes));
  Owned<BIGNUM> s = number_of(signature.substr(kP256Bytes));
  if (!pair || !r || !s || BN_is_zero(r.get()) != 0 || BN_is_zero(s.get()) != 0 ||
      ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1)
    return std::nullopt;
  static_cast<void>(r.release());  // the pair has them now
  static_cast<void>(s.release());
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &bytes);
  if (size <= 0) return std::nullopt;
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

bool is_genuine(Algorithm algorithm, EVP_PKEY* key, std::string_view text, std::string signature) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  const EVP_MD* const digest = algorithm == Algorithm::eddsa ? nullptr : EVP_sha256();
  if (!context || EVP_DigestVerifyInit(context.get(), &parameters, digest, nullptr, key) != 1)
    return false;
  if (algorithm == Algorithm::es256) {
    auto der = der_of(signature);
    if (!der) return false;
    signature = std::move(*der);
  }
  if (algorithm == Algorithm::rs256 &&
      EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PADDING) != 1)
    return false;
  if (algorithm == Algorithm::ps256 &&
      (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1 ||
       EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) != 1))
    return false;
  return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text),
                          text.size()) == 1;
}

struct Parts {
  std::string_view signed_text;
  json::object header;
  json::object claims;
  std::string signature;
};

Result<Parts> take_apart(std::string_view token) {
  if (token.size() > kJwtBytesMax) return refuse("it is too large");
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return refuse("it is no signed token of three parts");
  Parts parts;
  parts.signed_text = token.substr(0, second);
  const auto header = from_base64url(token.substr(0, first));
  const auto claims = from_base64url(token.substr(first + 1, second - first - 1));
  auto signature = from_base64url(token.substr(second + 1));
  if (!header || !claims || !signature || signature->empty())
    return refuse("a part of it is not base64url");
  auto header_object = parse_object(*header);
  auto claims_object = parse_object(*claims);
  if (!header_object || !claims_object)
    return refuse("a part of it is no JSON object, or has a member twice");
  parts.header = std::move(*header_object);
  parts.claims = std::move(*claims_object);
  parts.signature = std::move(*signature);
  return parts;
}

Result<AlgorithmInfo> algorithm_of(const json::object& header) {
  const std::string name = text_member(header, "alg");
  const auto found = std::ranges::find(kAlgorithms, name, &AlgorithmInfo::name);
  if (found == kAlgorithms.end())
    return refuse("it is not signed with RS256, PS256, ES256 or EdDSA");
  // Keys come from the issuer's published set, never from the token (RFC 8725 §3.5, §3.10).
  for (const std::string_view member : {"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"}) {
    if (header.contains(member)) return refuse(fmt::format("its header has '{}'", member));
  }
  if (const json::value* const type = header.if_contains("typ")) {
    std::string text = type->is_string() ? std::string(type->get_string()) : "?";
    std::ranges::transform(text, text.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (text.starts_with("application/")) text.erase(0, std::string_view("application/").size());
    if (text != "jwt" && text != "at+jwt") return refuse("it is of another type");
  }
  return *found;
}

bool fits(const json::object& jwk, const AlgorithmInfo& algorithm) {
  if (text_member(jwk, "kty") != algorithm.key_type) return false;
  if (!algorithm.curve.empty() && text_member(jwk, "crv") != algorithm.curve) return false;
  if (jwk.contains("alg") && text_member(jwk, "alg") != algorithm.name) return false;
  if (jwk.contains("use") && text_member(jwk, "use") != "sig") return false;
  const json::value* const operations = jwk.if_contains("key_ops");
  if (operations == nullptr) return true;
  if (!operations->is_array()) return false;
  return std::ranges::any_of(operations->get_array(), [](const json::value& each) {
    return each.is_string() && each.get_string() == "verify";
  });
}

tl::unexpected<Error> bad_set(std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("the key set of the identity provider {}", why));
}

/// An object whose `keys` is an array.
Result<json::object> parse_jwks(std::string_view jwks) {
  if (jwks.size() > kJwksBytesMax) return bad_set("is too large");
  auto set = parse_object(jwks);
  const json::value* const keys = set ? set->if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array()) return bad_set("is no JWKS");
  if (keys->get_array().size() > kJwksKeysMax) return bad_set("has too many keys");
  return *std::move(set);
}

/// The one key that the token names; without a name, the one that fits if there is only one.
Result<Owned<EVP_PKEY>> find_key(std::string_view jwks, const json::object& header,
                                 const AlgorithmInfo& algorithm) {
  TRY_ASSIGN(const json::object set, parse_jwks(jwks));
  const json::array& keys = set.at("keys").get_array();
  const bool is_named = header.contains("kid");
  const std::string name = text_member(header, "kid");
  if (is_named && (name.empty() || name.size() > kKeyIdMax))
    return refuse("its header names no key that there could be");
  const json::object* found = nullptr;
  for (const json::value& each : keys) {
    if (!each.is_object()) continue;
    const json::object& jwk = each.get_object();
    if (is_named && text_member(jwk, "kid") != name) continue;
    if (!fits(jwk, algorithm)) continue;
    if (found != nullptr) return refuse("more than one key of the issuer could be meant");
    found = &jwk;
  }
  if (found == nullptr)
    return fail(ErrorCode::not_found,
                "the identity provider has no key that the token could be "
                "signed with");
  Owned<EVP_PKEY> key = algorithm.key_type == "RSA"  ? rsa_key(*found)
                        : algorithm.key_type == "EC" ? ec_key(*found)
                                                     : ed25519_key(*found);
  if (!key) return bad_set("holds a key that is weak or damaged");
  return key;
}

/// NumericDate: seconds since 1970, perhaps with a fraction.
Result<std::optional<Time>> time_claim(const json::object& claims, std::string_view name) {
  const json::value* const found = claims.if_contains(name);
  if (found == nullptr) return std::optional<Time>();
  const double seconds = found->is_int64()    ? static_cast<double>(found->get_int64())
                         : found->is_uint64() ? static_cast<double>(found->get_uint64())
                         : found->is_double() ? found->get_double()
                                              : -1;
  if (!(seconds >= 0 && seconds < 2e11)) return refuse(fmt::format("its '{}' is no time", name));
  return std::optional(Time(std::chrono::seconds(static_cast<std::int64_t>(seconds))));
}

Status check_times(const json::object& claims, const OidcExpectation& expected, Time now,
                   OidcClaims& out) {
  TRY_ASSIGN(const std::optional<Time> expires, time_claim(claims, "exp"));
  TRY_ASSIGN(const std::optional<Time> issued, time_claim(claims, "iat"));
  TRY_ASSIGN(const std::optional<Time> not_before, time_claim(claims, "nbf"));
  if (!expires) return refuse("it has no end ('exp')");
  if (!issued) return refuse("it does not say when it was issued ('iat')");
  if (now >= *expires + expected.clock_skew) return refuse("it has expired");
  if (now + expected.clock_skew < *issued) return refuse("it was issued in the future");
  if (not_before && now + expected.clock_skew < *not_before) return refuse("it holds only later");
  if (now - *issued > expected.age_max + expected.clock_skew) return refuse("it is too old");
  out.issued_at = *issued;
  out.expires_at = *expires;
  return {};
}

Status check_audience(const json::object& claims, const OidcExpectation& expected) {
  const json::value* const found = claims.if_contains("aud");
  if (found == nullptr) return refuse("it does not say whom it is for ('aud')");
  std::size_t audiences = 0;
  bool is_for_us = false;
  const auto look_at = [&](const json::value& each) {
    ++audiences;
    if (!each.is_string()) return false;
    if (each.get_string() == expected.audience) is_for_us = true;
    return true;
  };
  const bool is_list = found->is_array();
  const bool sound = is_list ? std::ranges::all_of(found->get_array(), look_at) : look_at(*found);
  if (!sound || !is_for_us) return refuse("it is for somebody else ('aud')");
  const bool has_party = claims.contains("azp");
  if ((audiences > 1 || has_party) && text_member(claims, "azp") != expected.audience)
    return refuse("it was asked for by somebody else ('azp')");
  return {};
}

Status read_groups(const json::object& claims, const std::string& name, OidcClaims& out) {
  const json::value* const found = claims.if_contains(name);
  if (found == nullptr) return {};
  if (!found->is_array() || found->get_array().size() > kGroupsMax)
    return refuse("its groups are no list, or too many");
  for (const json::value& each : found->get_array()) {
    if (!each.is_string() || each.get_string().size() > kClaimMax)
      return refuse("its groups are no list of names");
    out.groups.emplace_back(each.get_string());
  }
  return {};
}

/// Tokens of the same issuer that prove something else than that somebody has just logged in.
Status check_purpose(const Parts& parts) {
  std::string kind = text_member(parts.header, "typ");
  std::ranges::transform(kind, kind.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const std::string purpose = text_member(parts.claims, "typ");
  const bool is_other = kind.ends_with("at+jwt") || parts.claims.contains("events") ||
                        parts.claims.contains("cnf") ||
                        (!purpose.empty() && purpose != "ID" && purpose != "JWT");
  if (is_other) return refuse("it is no ID token");
  return {};
}

Result<OidcClaims> check_claims(const json::object& claims, const OidcExpectation& expected,
                                Time now) {
  OidcClaims out;
  if (expected.issuer.empty() || text_member(claims, "iss") != expected.issuer)
    return refuse("it is of another issuer ('iss')");
  TRY(check_audience(claims, expected));
  TRY(check_times(claims, expected, now, out));
  if (!expected.nonce.empty() && text_member(claims, "nonce") != expected.nonce)
    return refuse("it answers another login ('nonce')");
  out.subject = text_member(claims, "sub");
  if (out.subject.empty() || out.subject.size() > kClaimMax)
    return refuse("it does not say who it is about ('sub')");
  const json::value* const verified = claims.if_contains("email_verified");
  if (verified != nullptr && verified->is_bool() && verified->get_bool())
    out.email = text_member(claims, "email").substr(0, kClaimMax);
  out.name = text_member(claims, "name").substr(0, kClaimMax);
  out.has_nonce = claims.contains("nonce");
  TRY(read_groups(claims, expected.groups_claim, out));
  return out;
}

}  // namespace

Status check_jwks(std::string_view jwks) {
  TRY(parse_jwks(jwks));
  return {};
}

Result<OidcClaims> check_oidc_token(std::string_view token, std::string_view jwks,
                                    const OidcExpectation& expected, Time now) {
  TRY_ASSIGN(const Parts parts, take_apart(token));
  TRY_ASSIGN(const AlgorithmInfo algorithm, algorithm_of(parts.header));
  TRY_ASSIGN(const Owned<EVP_PKEY> key, find_key(jwks, parts.header, algorithm));
  const bool genuine =
      is_genuine(algorithm.algorithm, key.get(), parts.signed_text, parts.signature);
  ERR_clear_error();  // of this thread: nobody after us shall find our errors
  if (!genuine) return refuse("its signature is wrong");
  if (expected.only_id_tokens) TRY(check_purpose(parts));
  return check_claims(parts.claims, expected, now);
}

}  // namespace reeve::security
