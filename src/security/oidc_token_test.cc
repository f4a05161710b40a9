#include "security/oidc_token.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "security/json_duplicates.h"
#include "security/test_issuer.h"

namespace reeve::security {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kIssuedSeconds = 1'800'000'000;
constexpr Time kIssued{std::chrono::seconds{kIssuedSeconds}};

/// Making RSA keys takes a while: one issuer for all tests.
const TestIssuer& issuer() {
  static const TestIssuer kIssuer;
  return kIssuer;
}
const OidcExpectation& expectation() {
  static const OidcExpectation kExpected{
      .issuer = "https://id.example", .audience = "reeve", .nonce = "n1"};
  return kExpected;
}

/// The members of good claims; `changes` replaces some of them, "" leaves one out.
std::string claims(const std::map<std::string, std::string>& changes = {}) {
  std::map<std::string, std::string> members = {{"iss", "\"https://id.example\""},
                                                {"aud", "\"reeve\""},
                                                {"sub", "\"user-1\""},
                                                {"nonce", "\"n1\""},
                                                {"iat", fmt::format("{}", kIssuedSeconds)},
                                                {"exp", fmt::format("{}", kIssuedSeconds + 600)}};
  for (const auto& [name, value] : changes) members[name] = value;
  std::string out;
  for (const auto& [name, value] : members) {
    if (!value.empty()) out += fmt::format("{}\"{}\":{}", out.empty() ? "" : ",", name, value);
  }
  return "{" + out + "}";
}

Result<OidcClaims> check_token(const std::string& token, Time now = kIssued) {
  return check_oidc_token(token, issuer().jwks(), expectation(), now);
}
Result<OidcClaims> check_with(const std::map<std::string, std::string>& changes,
                              Time now = kIssued) {
  return check_token(
      issuer().token("ec", "ES256", R"({"alg":"ES256","kid":"ec"})", claims(changes)), now);
}
void expect_refused(const Result<OidcClaims>& checked, std::string_view why) {
  ASSERT_FALSE(checked) << why;
  EXPECT_EQ(checked.error().code, ErrorCode::unauthenticated);
  EXPECT_THAT(checked.error().message, HasSubstr(std::string(why)));
}

TEST(OidcToken, of_all_four_algorithms_are_accepted) {
  for (const auto& [kind, algorithm] : std::map<std::string, std::vector<std::string>>{
           {"rsa", {"RS256", "PS256"}}, {"ec", {"ES256"}}, {"ed", {"EdDSA"}}}) {
    for (const std::string& each : algorithm) {
      const std::string header =
          fmt::format(R"({{"typ":"JWT","alg":"{}","kid":"{}"}})", each, kind);
      for (int i = 0; i < 20; ++i) {  // r and s of ES256 are sometimes short
        const auto checked = check_token(issuer().token(kind, each, header, claims()));
        ASSERT_TRUE(checked) << each << checked.error().text();
        EXPECT_EQ(checked->subject, "user-1");
      }
    }
  }
}

TEST(OidcToken, what_is_no_id_token_is_refused_where_one_is_wanted) {
  OidcExpectation wanted = expectation();
  wanted.only_id_tokens = true;
  const auto check = [&](std::string_view header, const std::string& body) {
    return check_oidc_token(issuer().token("ec", "ES256", header, body), issuer().jwks(), wanted,
                            kIssued);
  };
  constexpr std::string_view kHeader = R"({"alg":"ES256","kid":"ec"})";
  EXPECT_TRUE(check(kHeader, claims()));
  EXPECT_TRUE(check(kHeader, claims({{"typ", "\"ID\""}})));
  for (const std::string_view type : {"at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt"})
    expect_refused(check(fmt::format(R"({{"alg":"ES256","kid":"ec","typ":"{}"}})", type), claims()),
                   "no ID token");
  expect_refused(check(kHeader, claims({{"typ", "\"Bearer\""}})), "no ID token");
  expect_refused(check(kHeader, claims({{"events", "{}"}})), "no ID token");
  expect_refused(check(kHeader, claims({{"cnf", "{}"}})), "no ID token");
}

TEST(OidcToken, the_example_of_rfc_8037_is_genuine) {
  // Appendix A.4: not JSON inside, so that only the signature is looked at before it is refused.
  const std::string token =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  expect_refused(check_token(token), "no JSON object");
}

TEST(OidcToken, says_who_it_is_about) {
  const auto checked = check_with({{"email", "\"a@b\""},
                                   {"email_verified", "true"},
                                   {"name", "\"Alice\""},
                                   {"groups", R"(["dev","ops"])"}});
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->email, "a@b");
  EXPECT_EQ(checked->name, "Alice");
  EXPECT_THAT(checked->groups, ElementsAre("dev", "ops"));
  EXPECT_EQ(checked->expires_at, kIssued + std::chrono::seconds{600});
  EXPECT_EQ(check_with({{"email", "\"a@b\""}})->email, "");
  EXPECT_EQ(check_with({{"email", "\"a@b\""}, {"email_verified", "\"true\""}})->email, "");
}

TEST(OidcToken, without_a_signature_is_refused) {
  for (const std::string alg : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string text =
        to_base64url(fmt::format(R"({{"alg":"{}"}})", alg)) + "." + to_base64url(claims());
    EXPECT_FALSE(check_token(text + "."));
    EXPECT_FALSE(check_token(text));
    expect_refused(check_token(text + "." + to_base64url("x")), "not signed with RS256");
  }
  const std::string no_alg = to_base64url("{}") + "." + to_base64url(claims()) + ".eA";
  expect_refused(check_token(no_alg), "not signed with RS256");
}

TEST(OidcToken, signed_with_our_public_key_as_a_shared_secret_is_refused) {
  for (const std::string& key : {issuer().jwk("rsa"), issuer().modulus(), issuer().jwks()}) {
    for (const std::string alg : {"HS256", "RS256", "ES256", "EdDSA"}) {
      for (const std::string kid : {"rsa", "ec", "ed"}) {
        const std::string header = fmt::format(R"({{"alg":"{}","kid":"{}"}})", alg, kid);
        EXPECT_FALSE(check_token(hmac_token(key, header, claims()))) << alg << kid;
      }
    }
  }
}

TEST(OidcToken, an_algorithm_takes_keys_of_its_own_type_only) {
  for (const std::string kind : {"rsa", "ec", "ed"}) {
    for (const std::string alg : {"RS256", "PS256", "ES256", "EdDSA"}) {
      const bool right = (kind == "rsa") == (alg == "RS256" || alg == "PS256") &&
                         (kind == "ec") == (alg == "ES256");
      for (const std::string kid : {"rsa", "ec", "ed"}) {
        const std::string header = fmt::format(R"({{"alg":"{}","kid":"{}"}})", alg, kid);
        EXPECT_EQ(check_token(issuer().token(kind, alg, header, claims())).has_value(),
                  right && kid == kind)
            << kind << alg << kid;
      }
    }
  }
}

TEST(OidcToken, keys_that_the_token_brings_along_or_points_to_are_refused) {
  for (const std::string& more :
       {fmt::format(R"("jwk":{})", issuer().jwk("ec")),
        std::string(R"("jku":"https://evil.example/keys")"), std::string(R"("x5u":"https://e")"),
        std::string(R"("x5c":["x"])"), std::string(R"("crit":["b64"],"b64":false)"),
        std::string(R"("zip":"DEF")")}) {
    const std::string header = R"({"alg":"ES256","kid":"ec",)" + more + "}";
    expect_refused(check_token(issuer().token("ec", "ES256", header, claims())), "its header has");
  }
  const std::string type = R"({"alg":"ES256","kid":"ec","typ":"secevent+jwt"})";
  expect_refused(check_token(issuer().token("ec", "ES256", type, claims())), "another type");
}

TEST(OidcToken, tricks_with_the_name_of_the_key_are_refused) {
  for (const std::string kid :
       {"../../../dev/null", "' OR 1=1 --", "EC", "", "rsa\\u0000", "/proc/self/environ"}) {
    const std::string header = fmt::format(R"({{"alg":"ES256","kid":"{}"}})", kid);
    EXPECT_FALSE(check_token(issuer().token("ec", "ES256", header, claims()))) << kid;
  }
  const std::string number = R"({"alg":"ES256","kid":1})";
  EXPECT_FALSE(check_token(issuer().token("ec", "ES256", number, claims())));
  const std::string unknown = R"({"alg":"ES256","kid":"new"})";
  EXPECT_EQ(check_token(issuer().token("ec", "ES256", unknown, claims())).error().code,
            ErrorCode::not_found);
  const std::string unnamed = R"({"alg":"ES256"})";
  EXPECT_TRUE(check_token(issuer().token("ec", "ES256", unnamed, claims())));
  const std::string twice = fmt::format(R"({{"keys":[{0},{0}]}})", issuer().jwk("ec"));
  EXPECT_FALSE(check_oidc_token(issuer().token("ec", "ES256", unnamed, claims()), twice,
                                expectation(), kIssued));
}

TEST(OidcToken, claims_that_are_not_as_expected_are_refused) {
  expect_refused(check_with({{"iss", "\"https://id.example/\""}}), "'iss'");
  expect_refused(check_with({{"iss", ""}}), "'iss'");
  expect_refused(check_with({{"iss", "[\"https://id.example\"]"}}), "'iss'");
  expect_refused(check_with({{"aud", "\"other\""}}), "'aud'");
  expect_refused(check_with({{"aud", ""}}), "'aud'");
  expect_refused(check_with({{"aud", "[]"}}), "'aud'");
  expect_refused(check_with({{"aud", "{\"reeve\":1}"}}), "'aud'");
  expect_refused(check_with({{"aud", "[\"reeve\",1]"}}), "'aud'");
  expect_refused(check_with({{"aud", "[\"other\",\"reeve\"]"}}), "'azp'");
  expect_refused(check_with({{"azp", "\"other\""}}), "'azp'");
  EXPECT_TRUE(check_with({{"aud", "[\"other\",\"reeve\"]"}, {"azp", "\"reeve\""}}));
  EXPECT_TRUE(check_with({{"aud", "[\"reeve\"]"}}));
  expect_refused(check_with({{"nonce", "\"n2\""}}), "'nonce'");
  expect_refused(check_with({{"nonce", ""}}), "'nonce'");
  expect_refused(check_with({{"sub", ""}}), "'sub'");
  expect_refused(check_with({{"sub", "\"\""}}), "'sub'");
  expect_refused(check_with({{"groups", "\"admin\""}}), "groups");
  expect_refused(check_with({{"groups", "[1]"}}), "groups");
}

TEST(OidcToken, its_times_are_kept_with_a_little_skew) {
  using std::chrono::hours;
  using std::chrono::seconds;
  EXPECT_TRUE(check_with({}, kIssued + seconds{659}));
  expect_refused(check_with({}, kIssued + seconds{660}), "expired");
  EXPECT_TRUE(check_with({}, kIssued - seconds{60}));
  expect_refused(check_with({}, kIssued - seconds{61}), "in the future");
  expect_refused(check_with({{"exp", ""}}), "no end");
  expect_refused(check_with({{"iat", ""}}), "'iat'");
  expect_refused(check_with({{"exp", "\"1900000000\""}}), "'exp' is no time");
  expect_refused(check_with({{"exp", "-1"}}), "'exp' is no time");
  expect_refused(check_with({{"exp", "1e300"}}), "'exp' is no time");
  expect_refused(check_with({{"exp", "18446744073709551615"}}), "'exp' is no time");
  expect_refused(check_with({{"nbf", fmt::format("{}", kIssuedSeconds + 100)}}), "only later");
  expect_refused(check_with({{"exp", "9000000000"}}, kIssued + hours{25}), "too old");
}

TEST(OidcToken, any_other_byte_is_refused) {
  for (const auto& [kind, alg] :
       std::map<std::string, std::string>{{"rsa", "PS256"}, {"ec", "ES256"}, {"ed", "EdDSA"}}) {
    const std::string header = fmt::format(R"({{"alg":"{}","kid":"{}"}})", alg, kind);
    const std::string token = issuer().token(kind, alg, header, claims());
    for (std::size_t at = 0; at < token.size(); ++at) {
      std::string wrong = token;
      wrong[at] = wrong[at] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(check_token(wrong)) << alg << at;
    }
    for (const std::string_view end : {"A", "=", ".", "\n", ".A"})
      EXPECT_FALSE(check_token(token + std::string(end)));
    EXPECT_FALSE(check_token(" " + token));
  }
}

TEST(OidcToken, members_that_are_there_twice_are_refused) {
  const std::string header = R"({"alg":"ES256","kid":"ec"})";
  std::string twice = claims();
  twice.insert(1, R"("sub":"admin",)");
  expect_refused(check_token(issuer().token("ec", "ES256", header, twice)), "twice");
  std::string escaped = claims();
  escaped.insert(1, R"("s\u0075b":"admin",)");
  expect_refused(check_token(issuer().token("ec", "ES256", header, escaped)), "twice");
  const std::string two_algs = R"({"alg":"none","alg":"ES256","kid":"ec"})";
  expect_refused(check_token(issuer().token("ec", "ES256", two_algs, claims())), "twice");
}

TEST(OidcToken, what_is_too_large_or_no_token_is_refused) {
  expect_refused(check_token(std::string(kJwtBytesMax + 1, 'A')), "too large");
  for (const std::string bad :
       {"", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "e30.e30.eA"})
    EXPECT_FALSE(check_token(bad)) << bad;
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  const std::string header = R"({"alg":"ES256","kid":"ec"})";
  EXPECT_FALSE(check_token(issuer().token("ec", "ES256", header, "{\"a\":" + deep + "}")));
}

TEST(OidcToken, bad_key_sets_are_refused) {
  const std::string token =
      issuer().token("rsa", "RS256", R"({"alg":"RS256","kid":"rsa"})", claims());
  const auto with = [&](const std::string& set) {
    return check_oidc_token(token, set, expectation(), kIssued);
  };
  for (const std::string& bad : {std::string(), std::string("[]"), std::string("{}"),
                                 std::string(R"({"keys":1})"), std::string(kJwksBytesMax + 1, ' ')})
    EXPECT_EQ(with(bad).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(with(R"({"keys":[1,{"kty":"RSA"}]})").error().code, ErrorCode::not_found);
  const auto one = [&](const std::string& members) {
    return with(R"({"keys":[{"kid":"rsa","kty":"RSA",)" + members + "}]}");
  };
  EXPECT_THAT(one(R"("n":"AQAB","e":"AQAB")").error().message, HasSubstr("weak"));
  EXPECT_FALSE(one(fmt::format(R"("n":"{}","e":"AQ")", issuer().modulus())));  // e = 1
  EXPECT_FALSE(one(fmt::format(R"("n":"{}","e":"Ag")", issuer().modulus())));  // even
  EXPECT_FALSE(one(fmt::format(R"("n":"{}","e":"!")", issuer().modulus())));
  EXPECT_TRUE(with(fmt::format(R"({{"keys":[{}]}})", issuer().jwk("rsa", R"(,"use":"sig")"))));
  EXPECT_FALSE(with(fmt::format(R"({{"keys":[{}]}})", issuer().jwk("rsa", R"(,"use":"enc")"))));
  EXPECT_FALSE(with(fmt::format(R"({{"keys":[{}]}})", issuer().jwk("rsa", R"(,"alg":"PS256")"))));
  EXPECT_FALSE(
      with(fmt::format(R"({{"keys":[{}]}})", issuer().jwk("rsa", R"(,"key_ops":["sign"])"))));
  const std::string no_point = std::string(43, 'A');
  EXPECT_FALSE(check_oidc_token(
      issuer().token("ec", "ES256", R"({"alg":"ES256"})", claims()),
      fmt::format(R"({{"keys":[{{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}}]}})", no_point),
      expectation(), kIssued));
}

TEST(OidcToken, no_issuer_expected_is_none_accepted) {
  const std::string token =
      issuer().token("ec", "ES256", R"({"alg":"ES256"})", claims({{"iss", "\"\""}}));
  EXPECT_FALSE(check_oidc_token(token, issuer().jwks(), {.audience = "reeve"}, kIssued));
}

RC_GTEST_PROP(OidcTokenProperty, hostile_text_is_refused, (const std::string& text)) {
  RC_ASSERT(!check_token(text));
}

TEST(JsonDuplicates, are_found_at_any_depth_and_nowhere_else) {
  for (const std::string_view bad :
       {R"({"a":1,"a":2})", R"([{"a":1,"b":{"c":1,"c":2}}])", R"({"a":[{"x":1,"x":1}]})",
        R"({"a":1,"\u0061":2})", R"({"a\"":1,"a\"" :2})"})
    EXPECT_TRUE(has_duplicate_members(bad)) << bad;
  for (const std::string_view good :
       {R"({"a":{"a":{"a":1}}})", R"([{"a":1},{"a":2}])", R"({"a":"a","b":"a","c":"\"a\":"})", "1",
        R"("{\"a\":1,\"a\":2}")", R"({"a":["a","a"]})", "[]"})
    EXPECT_FALSE(has_duplicate_members(good)) << good;
}

}  // namespace
}  // namespace reeve::security
