// The parts of single sign-on that decide: discovery, keys, logins under way, roles, the wire.
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/oidc_discovery.h"
#include "security/oidc_keys.h"
#include "security/oidc_logins.h"
#include "security/oidc_roles.h"
#include "security/oidc_wire.h"

namespace reeve::security {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Time kNoon{hours{500'000}};
constexpr std::string_view kRealm = "https://id.example/realm";

/// A good document; `changes` replaces members, "" leaves one out.
std::string document(const std::map<std::string, std::string>& changes = {}) {
  std::map<std::string, std::string> members = {
      {"issuer", "\"https://id.example/realm\""},
      {"authorization_endpoint", "\"https://id.example/auth\""},
      {"token_endpoint", "\"https://id.example/token\""},
      {"jwks_uri", "\"https://keys.example/jwks\""},
      {"response_types_supported", R"(["code", "id_token"])"},
      {"code_challenge_methods_supported", R"(["S256"])"},
      {"id_token_signing_alg_values_supported", R"(["HS256", "RS256"])"}};
  for (const auto& [name, value] : changes) members[name] = value;
  std::string out;
  for (const auto& [name, value] : members)
    if (!value.empty()) out += fmt::format("{}\"{}\":{}", out.empty() ? "" : ",", name, value);
  return "{" + out + "}";
}

TEST(OidcDiscovery, is_read) {
  const auto read = read_discovery(document(), kRealm);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->token, "https://id.example/token");
  EXPECT_EQ(read->device, "");
  EXPECT_TRUE(read->takes_secret_in_header);
  EXPECT_FALSE(read->names_itself_in_callback);
  EXPECT_EQ(discovery_url(kRealm), "https://id.example/realm/.well-known/openid-configuration");
  EXPECT_EQ(discovery_url("https://id.example/"),
            "https://id.example/.well-known/openid-configuration");
}

TEST(OidcDiscovery, what_lies_or_cannot_do_it_is_refused) {
  const auto why = [](const std::map<std::string, std::string>& changes) {
    const auto read = read_discovery(document(changes), kRealm);
    EXPECT_FALSE(read);
    if (read) return std::string();
    EXPECT_EQ(read.error().code, ErrorCode::unavailable);
    return read.error().message;
  };
  EXPECT_THAT(why({{"issuer", "\"https://id.example\""}}), HasSubstr("another issuer"));
  EXPECT_THAT(why({{"issuer", "\"https://id.example/realm/\""}}), HasSubstr("another issuer"));
  EXPECT_THAT(why({{"issuer", ""}}), HasSubstr("another issuer"));
  EXPECT_THAT(why({{"token_endpoint", "\"http://id.example/token\""}}), HasSubstr("https"));
  EXPECT_THAT(why({{"jwks_uri", "\"http://127.0.0.1/jwks\""}}), HasSubstr("without https"));
  EXPECT_THAT(why({{"jwks_uri", "\"file:///etc/passwd\""}}), HasSubstr("https"));
  EXPECT_THAT(why({{"authorization_endpoint", ""}}), HasSubstr("authorization_endpoint"));
  EXPECT_THAT(why({{"authorization_endpoint", "\"https://a.example/x\\r\\nSet-Cookie: a\""}}),
              HasSubstr("characters"));
  EXPECT_THAT(why({{"response_types_supported", "[\"token\"]"}}), HasSubstr("code flow"));
  EXPECT_THAT(why({{"code_challenge_methods_supported", "[\"plain\"]"}}), HasSubstr("S256"));
  EXPECT_THAT(why({{"id_token_signing_alg_values_supported", R"(["HS256","none"])"}}),
              HasSubstr("RS256"));
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{"), document() + "x",
        std::string("{\"issuer\":1,\"issuer\":2}"), std::string(kDiscoveryBytesMax + 1, ' ')})
    EXPECT_FALSE(read_discovery(bad, kRealm)) << bad.substr(0, 50);
}

TEST(OidcDiscovery, only_addresses_that_nobody_can_read_along) {
  for (const std::string_view good :
       {"https://id.example", "https://ID.example:8443/a?b=c", "http://127.0.0.1:80/",
        "http://localhost:3000/x", "http://[::1]:3000", "https://[2001:db8::1]/"})
    EXPECT_TRUE(IssuerUrl::parse(good)) << good;
  for (const std::string_view bad :
       {"", "id.example", "http://id.example", "http://127.evil.example/", "http://127.0.0.1.e.org",
        "https://a@b", "https://id.example/#f", "https://id.example:0", "https://id.example:99999",
        "https://id.example:", "https://", "https:///x", "https://a b", "ftp://id.example",
        "https://id.example/\n", "https://[::1", "https://[::1]x", "https://a\\b",
        "http://localhost.evil.example"})
    EXPECT_FALSE(IssuerUrl::parse(bad)) << bad;
  const IssuerUrl url = IssuerUrl::parse("https://ID.Example?x").value();
  EXPECT_EQ(std::tuple(url.host, url.port, url.target), std::tuple("id.example", 443, "/?x"));
  EXPECT_FALSE(check_issuer("https://id.example?x"));
}

TEST(OidcKeys, are_fetched_when_stale_and_go_on_for_a_time_when_nobody_answers) {
  using Step = OidcKeys::Step;
  OidcKeys keys;
  EXPECT_EQ(keys.before_addresses(kNoon), Step::fetch);
  keys.addresses_fetched(*read_discovery(document(), kRealm), kNoon);
  EXPECT_EQ(keys.before_addresses(kNoon), Step::use);
  EXPECT_EQ(keys.before_check(kNoon), Step::fetch);
  keys.keys_fetched("{}", kNoon, false);
  EXPECT_EQ(keys.before_check(kNoon + minutes{9}), Step::use);
  const Time stale = kNoon + minutes{10};
  EXPECT_EQ(keys.before_check(stale), Step::fetch);
  keys.failed(stale, false);
  EXPECT_EQ(keys.before_check(stale), Step::use);  // the last good ones
  EXPECT_EQ(keys.before_check(stale + seconds{2}), Step::fetch);
  const Time late = kNoon + hours{24};
  EXPECT_EQ(keys.before_check(late), Step::fetch);
  keys.failed(late, false);
  EXPECT_EQ(keys.before_check(late), Step::wait);
  EXPECT_GT(keys.pause(late), Duration{0});
  keys.keys_fetched("{}", late + minutes{2}, false);
  EXPECT_EQ(keys.before_check(late + minutes{2}), Step::use);
}

TEST(OidcKeys, made_up_names_of_keys_make_nobody_busy) {
  using Step = OidcKeys::Step;
  OidcKeys keys;
  keys.addresses_fetched(*read_discovery(document(), kRealm), kNoon);
  keys.keys_fetched("{}", kNoon, false);
  int fetches = 0;
  for (Time now = kNoon; now < kNoon + minutes{5}; now += std::chrono::milliseconds{100}) {
    if (keys.after_unknown_key(now) != Step::fetch) continue;
    ++fetches;
    if (fetches % 2 == 0)
      keys.failed(now, true);
    else
      keys.keys_fetched("{}", now, true);
  }
  EXPECT_EQ(fetches, 5);
}

TEST(OidcKeys, a_provider_that_failed_is_left_alone_longer_each_time_and_not_too_long) {
  OidcKeys keys;
  Time now = kNoon;
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 100; ++i) {
    keys.failed(now, false);
    pauses.push_back(std::chrono::duration_cast<seconds>(keys.pause(now)).count());
    EXPECT_EQ(keys.before_addresses(now), OidcKeys::Step::wait);
    now += keys.pause(now);
    EXPECT_EQ(keys.before_addresses(now), OidcKeys::Step::fetch);
  }
  pauses.resize(8);
  EXPECT_THAT(pauses, ElementsAre(2, 4, 8, 16, 32, 60, 60, 60));
}

TEST(OidcKeys, of_another_address_are_fetched_anew) {
  OidcKeys keys;
  keys.addresses_fetched(*read_discovery(document(), kRealm), kNoon);
  keys.keys_fetched("{}", kNoon, false);
  const std::string moved = document({{"jwks_uri", "\"https://new.example/jwks\""}});
  keys.addresses_fetched(*read_discovery(moved, kRealm), kNoon + minutes{1});
  EXPECT_EQ(keys.before_check(kNoon + minutes{1}), OidcKeys::Step::fetch);
}

PendingLogin login_of(std::string browser, std::string from = "10.0.0.1") {
  return {.browser = std::move(browser),
          .nonce = "n",
          .verifier = "v",
          .return_to = "/",
          .issuer = "i",
          .client = "c",
          .redirect = "r",
          .from = std::move(from)};
}

TEST(OidcLogins, belong_to_one_browser_are_of_use_once_and_end) {
  PendingLogins logins;
  logins.add("s1", login_of("b1"), kNoon);
  EXPECT_FALSE(logins.take("s2", "b1", kNoon));
  EXPECT_TRUE(logins.take("s1", "b1", kNoon + minutes{9}));
  EXPECT_FALSE(logins.take("s1", "b1", kNoon + minutes{9}));
  logins.add("s1", login_of("b1"), kNoon);
  EXPECT_FALSE(logins.take("s1", "b2", kNoon));
  EXPECT_FALSE(logins.take("s1", "b1", kNoon));  // whoever guesses has one guess
  logins.add("s1", login_of("b1"), kNoon);
  EXPECT_FALSE(logins.take("s1", "b1", kNoon + minutes{10}));
  logins.add("s1", login_of("b1"), kNoon);
  EXPECT_FALSE(logins.take("s1", "", kNoon));
  EXPECT_EQ(logins.size(), 0U);
}

TEST(OidcLogins, one_address_drives_out_only_its_own) {
  PendingLogins logins({.all = 100, .of_address = 10});
  logins.add("mine", login_of("b", "10.0.0.9"), kNoon);
  for (int i = 0; i < 1000; ++i)
    logins.add(fmt::format("x{}", i), login_of("b", "10.0.0.1"), kNoon);
  EXPECT_EQ(logins.size(), 11U);
  EXPECT_TRUE(logins.take("x999", "b", kNoon));
  EXPECT_TRUE(logins.take("mine", "b", kNoon));
  for (int i = 0; i < 1000; ++i)
    logins.add(fmt::format("y{}", i), login_of("b", fmt::format("10.1.0.{}", i)), kNoon);
  EXPECT_EQ(logins.size(), 100U);
  logins.add("z", login_of("b"), kNoon + minutes{11});
  EXPECT_EQ(logins.size(), 1U);
}

TEST(OidcLogins, a_token_is_of_use_once_and_forgotten_in_time) {
  UsedTokens used(3);
  EXPECT_TRUE(used.use(digest_of("a"), kNoon + minutes{10}, kNoon));
  EXPECT_EQ(used.use(digest_of("a"), kNoon + minutes{10}, kNoon).error().code,
            ErrorCode::unauthenticated);
  EXPECT_TRUE(used.use(digest_of("b"), kNoon + minutes{20}, kNoon));
  EXPECT_TRUE(used.use(digest_of("c"), kNoon + minutes{20}, kNoon));
  EXPECT_EQ(used.use(digest_of("d"), kNoon + minutes{20}, kNoon).error().code,
            ErrorCode::exhausted);
  EXPECT_TRUE(used.use(digest_of("d"), kNoon + minutes{20}, kNoon + minutes{10}));
  EXPECT_EQ(used.size(), 3U);
}

TEST(OidcLogins, refusals_are_recorded_up_to_a_number_and_then_counted) {
  RefusalNotes notes(2);
  EXPECT_TRUE(notes.is_wanted(kNoon));
  EXPECT_TRUE(notes.is_wanted(kNoon));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(notes.is_wanted(kNoon + seconds{1}));
  EXPECT_TRUE(notes.is_wanted(kNoon + minutes{1}));
  EXPECT_EQ(notes.take_left_out(), 5U);
  EXPECT_EQ(notes.take_left_out(), 0U);
}

TEST(OidcLogins, return_only_to_places_of_this_site) {
  for (const std::string_view good : {"/", "/runs?x=1&y=%20#a", "/a/b.html"})
    EXPECT_TRUE(is_local_place(good)) << good;
  for (const std::string_view bad :
       {"", "runs", "//evil.example", "/\\evil.example", "https://evil.example", "/a\"b", "/a<b",
        "/\tevil", "/a\r\nb", "\\\\evil", "/'x", "javascript:alert(1)"})
    EXPECT_FALSE(is_local_place(bad)) << bad;
  EXPECT_FALSE(is_local_place("/" + std::string(512, 'a')));
}

TEST(OidcRoles, are_read_with_any_name_of_a_group) {
  EXPECT_EQ(parse_group_role("ops=admin@*").value(), (GroupRole{"ops", "admin", "*"}));
  EXPECT_EQ(parse_group_role("cn=ops,dc=x@y=viewer@team-a").value(),
            (GroupRole{"cn=ops,dc=x@y", "viewer", "team-a"}));
  for (const std::string_view bad : {"", "ops", "ops=admin", "=admin@*", "ops=@*", "ops=admin@",
                                     "ops=Admin@*", "ops=admin@A", "ops@x=y"})
    EXPECT_FALSE(parse_group_role(bad)) << bad;
}

TEST(OidcRoles, nobody_gets_anything_unless_a_line_says_so) {
  const std::vector<std::string> lines = {"ops=operator@a", "devs=developer@b", "ops2=operator@c",
                                          "all=viewer@*", "devs=viewer@a"};
  const auto table = parse_group_roles(lines).value();
  const auto scope = [&](std::vector<std::string> groups, std::string_view role = {}) {
    return scope_of_groups(table, groups, role);
  };
  EXPECT_FALSE(scope({}));
  EXPECT_FALSE(scope({"op", "OPS", "ops "}));
  EXPECT_FALSE(scope_of_groups({}, std::vector<std::string>{"ops"}));
  // The first line says the role; others of that role add where it holds, and no more.
  EXPECT_EQ(scope({"devs", "ops", "ops2"}),
            (Scope{.role = "operator", .namespaces = {"a", "c"}, .only = std::nullopt}));
  EXPECT_EQ(scope({"devs"}),
            (Scope{.role = "developer", .namespaces = {"b"}, .only = std::nullopt}));
  EXPECT_EQ(scope({"devs", "all"}, "viewer"),
            (Scope{.role = "viewer", .namespaces = {"*"}, .only = std::nullopt}));
  EXPECT_FALSE(scope({"devs"}, "admin"));
}

TEST(OidcRoles, names_in_records_cannot_be_taken_for_others) {
  EXPECT_EQ(oidc_name("auth0|5f", "ann@x.example"), "oidc:auth0|5f(ann@x.example)");
  EXPECT_EQ(oidc_name("1", ""), "oidc:1");
  EXPECT_EQ(oidc_name("a(b)", "x)\n"), "oidc:a%28b%29(x%29%0A)");
  EXPECT_EQ(oidc_name("a%28", ""), "oidc:a%2528");
  EXPECT_EQ(oidc_name("ä,", ""), "oidc:%C3%A4%2C");
}

TEST(OidcWire, pkce_is_that_of_the_rfc) {
  // RFC 7636, appendix B.
  EXPECT_EQ(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  EXPECT_EQ(random_words().size(), 43U);
  EXPECT_NE(random_words(), random_words());
}

TEST(OidcWire, forms_and_queries_are_escaped) {
  EXPECT_EQ(form_text({{"a", "b c&d=é"}, {"e", "~"}}), "a=b%20c%26d%3D%C3%A9&e=~");
  EXPECT_EQ(with_query("https://x/a", {{"b", "c"}}), "https://x/a?b=c");
  EXPECT_EQ(with_query("https://x/a?z=1", {{"b", "c"}}), "https://x/a?z=1&b=c");
  EXPECT_EQ(scope_text(std::vector<std::string>{"email", "openid", "email", "a b", "\"", ""}),
            "openid email");
  // RFC 6749 §2.3.1 wants both encoded before they are put together.
  EXPECT_EQ(basic_authorization("a:b", "c d"), "Basic YSUzQWI6YyUyMGQ=");
}

TEST(OidcWire, replies_of_the_token_endpoint) {
  EXPECT_EQ(read_token_reply(200, R"({"id_token":"x.y.z","access_token":"q"})").value(), "x.y.z");
  const auto code = [](int status, std::string_view body) {
    return read_token_reply(status, body).error().code;
  };
  EXPECT_EQ(code(400, R"({"error":"invalid_grant"})"), ErrorCode::unauthenticated);
  EXPECT_EQ(code(200, R"({"access_token":"q"})"), ErrorCode::unavailable);
  EXPECT_EQ(code(200, R"({"id_token":"a","id_token":"b"})"), ErrorCode::unavailable);
  EXPECT_EQ(code(200, "<html>"), ErrorCode::unavailable);
  EXPECT_EQ(code(302, "{}"), ErrorCode::unavailable);
  EXPECT_EQ(code(500, R"({"error":"server_error"})"), ErrorCode::unavailable);
  EXPECT_EQ(code(200, fmt::format(R"({{"id_token":"{}"}})", std::string(20'000, 'x'))),
            ErrorCode::unavailable);
  EXPECT_THAT(
      read_token_reply(400, "{\"error\":\"bad\\u001b[31m\",\"error_description\":\"no\\nway\"}")
          .error()
          .message,
      HasSubstr("\\x1b[31m (no\\x0away)"));
}

constexpr std::string_view kDeviceReply =
    R"({"device_code":"d","user_code":"ABCD-EFGH","verification_uri":"https://id.example/device",)"
    R"("verification_uri_complete":"https://id.example/device?u=A","expires_in":60,"interval":2})";

TEST(OidcWire, a_device_asks_as_it_is_told_to) {
  const DeviceGrant grant = read_device_reply(200, kDeviceReply).value();
  EXPECT_EQ(grant.user_code, "ABCD-EFGH");
  DevicePolling polling(grant, kNoon);
  EXPECT_EQ(polling.pause(), seconds{2});
  const auto answer = [&](std::string_view error, Duration after) {
    return polling.on_reply(400, fmt::format(R"({{"error":"{}"}})", error), kNoon + after);
  };
  EXPECT_EQ(answer("authorization_pending", seconds{2}).value(), "");
  EXPECT_EQ(polling.pause(), seconds{2});
  EXPECT_EQ(answer("slow_down", seconds{4}).value(), "");
  EXPECT_EQ(polling.pause(), seconds{7});
  EXPECT_TRUE(polling.on_silence(kNoon + seconds{11}));
  EXPECT_EQ(polling.pause(), seconds{14});
  EXPECT_EQ(polling.on_reply(503, "", kNoon + seconds{20}).value(), "");
  EXPECT_EQ(polling.pause(), seconds{28});
  EXPECT_EQ(polling.on_reply(200, R"({"id_token":"t"})", kNoon + seconds{50}).value(), "t");
  EXPECT_THAT(answer("access_denied", seconds{50}).error().message, HasSubstr("denied"));
  EXPECT_THAT(answer("expired_token", seconds{50}).error().message, HasSubstr("in time"));
  EXPECT_THAT(answer("authorization_pending", seconds{60}).error().message, HasSubstr("in time"));
  EXPECT_FALSE(polling.on_silence(kNoon + seconds{60}));
  EXPECT_EQ(polling.pause(), seconds{56});
  EXPECT_FALSE(answer("invalid_grant", seconds{1}));
}

TEST(OidcWire, replies_to_devices_that_make_no_sense_are_refused) {
  const auto with = [](std::string_view what, std::string_view instead) {
    std::string text(kDeviceReply);
    text.replace(text.find(what), what.size(), instead);
    return read_device_reply(200, text);
  };
  EXPECT_TRUE(with("\"interval\":2", "\"interval\":0"));
  EXPECT_EQ(with("\"interval\":2", "\"interval\":100000").value().pause, minutes{1});
  EXPECT_EQ(with("\"expires_in\":60", "\"expires_in\":9e8").value().life, hours{1});
  EXPECT_FALSE(with("\"interval\":2", "\"interval\":-1"));
  EXPECT_FALSE(with("\"interval\":2", "\"interval\":\"x\""));
  EXPECT_FALSE(with("\"expires_in\":60", "\"expires_in\":0"));
  EXPECT_FALSE(with("ABCD-EFGH", "A\\u001b[31m"));
  EXPECT_FALSE(with("https://id.example/device\"", "javascript:x\""));
  EXPECT_FALSE(with("\"d\"", "\"\""));
  EXPECT_EQ(with("https://id.example/device?u=A", "x:y").value().whole_place, "");
  EXPECT_EQ(read_device_reply(401, R"({"error":"invalid_client"})").error().code,
            ErrorCode::unauthenticated);
  EXPECT_EQ(read_device_reply(404, "no").error().code, ErrorCode::unavailable);
}

/// Good answers with some bytes changed: whatever comes of it, nothing breaks or goes elsewhere.
TEST(OidcWire, answers_of_any_bytes_do_no_harm) {
  std::uint64_t state = 1;
  const auto random = [&state] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33);
  };
  const std::vector<std::string> good = {document(),
                                         std::string(kDeviceReply),
                                         R"({"id_token":"x.y.z","error":"e"})",
                                         "https://id.example:8443/a?b=c",
                                         "ops=admin@*",
                                         "/a?b=c"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good[random() % good.size()];
    for (std::size_t i = random() % 6; i > 0; --i)
      text[random() % text.size()] = static_cast<char>(random());
    if (const auto read = read_discovery(text, kRealm)) {
      for (const std::string* each : {&read->authorization, &read->token, &read->keys})
        EXPECT_TRUE(each->starts_with("https://")) << text;
    }
    if (const auto grant = read_device_reply(200, text)) {
      EXPECT_GE(grant->pause, seconds{1});
      EXPECT_LE(grant->life, hours{1});
      EXPECT_TRUE(IssuerUrl::parse(grant->place));
    }
    (void)read_token_reply(200 + static_cast<int>(random() % 400), text);
    (void)parse_group_role(text);
    if (const auto url = IssuerUrl::parse(text)) {
      EXPECT_TRUE(url->is_encrypted || url->is_loopback()) << text;
    }
    if (is_local_place(text)) {
      EXPECT_EQ(text.find_first_of("\"'<>\\\r\n "), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace reeve::security
