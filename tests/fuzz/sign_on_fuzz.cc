// Single sign-on: tokens, keys and documents of an identity provider, and tokens that it signed
// whatever is in them.
#include <string>

#include "base/ensure.h"
#include "security/oidc_discovery.h"
#include "security/oidc_token.h"
#include "security/oidc_wire.h"
#include "security/test_issuer.h"
#include "tests/fuzz/fuzz.h"

namespace reeve::security {
namespace {

constexpr std::string_view kIssuer = "https://id.example";
constexpr Time kNow{std::chrono::seconds{1'795'000'000}};

OidcExpectation expectation() {
  OidcExpectation expected;
  expected.issuer = kIssuer;
  expected.audience = "reeve";
  return expected;
}

/// Keys are made once: signing with Ed25519 is what keeps this fast.
const TestIssuer& issuer() {
  static const TestIssuer made;
  return made;
}

void check_signed(fuzz::Input input) {
  static const std::string keys = issuer().jwks();
  const std::string_view header = input.part();
  const std::string token = issuer().token("ed", "EdDSA", header, input.rest());
  const auto claims = check_oidc_token(token, keys, expectation(), kNow);
  if (claims)
    ENSURE(!claims->subject.empty() && claims->expires_at >= kNow - std::chrono::hours{1});
}

void check_raw(fuzz::Input input) {
  const std::string_view token = input.part();
  const std::string_view keys = input.rest();
  const bool are_keys = check_jwks(keys).has_value();
  const auto claims = check_oidc_token(token, keys, expectation(), kNow);
  ENSURE(!claims || are_keys);
}

void read_replies(fuzz::Input input) {
  const int status = 200 + 100 * (input.byte() % 4);
  const std::string_view body = input.rest();
  static_cast<void>(read_token_reply(status, body));
  const auto grant = read_device_reply(status, body);
  if (!grant) return;
  DevicePolling polling(*grant, kNow);
  static_cast<void>(polling.on_reply(400, body, kNow));
  static_cast<void>(polling.on_silence(kNow + polling.pause()));
}

void read_documents(fuzz::Input input) {
  const std::string_view text = input.rest();
  if (const auto endpoints = read_discovery(text, kIssuer))
    ENSURE(IssuerUrl::parse(endpoints->token) && IssuerUrl::parse(endpoints->keys));
  static_cast<void>(IssuerUrl::parse(text));
  static_cast<void>(check_issuer(text));
}

}  // namespace
}  // namespace reeve::security

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reeve::fuzz::Input input(data, size);
  switch (input.byte() % 4) {
    case 0: reeve::security::check_signed(input); break;
    case 1: reeve::security::check_raw(input); break;
    case 2: reeve::security::read_replies(input); break;
    default: reeve::security::read_documents(input); break;
  }
  return 0;
}
