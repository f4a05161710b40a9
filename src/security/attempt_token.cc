#include "security/attempt_token.h"

#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"
#include "security/token_text.h"

namespace reeve::security {
namespace {

constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kTaskNameMax = 200;

std::string mac_of(std::string_view bytes, const MacKey& key) {
  std::string mac(kMacBytes, '\0');
  // The text in front keeps this MAC apart from others under the same key.
  const std::string input = "reeve attempt token 1\n" + std::string(bytes);
  ENSURE(crypto_generichash(reinterpret_cast<unsigned char*>(mac.data()), mac.size(),
                            reinterpret_cast<const unsigned char*>(input.data()), input.size(),
                            key.data(), key.size()) == 0);
  return mac;
}

tl::unexpected<Error> not_genuine() {
  return fail(ErrorCode::unauthenticated, "the token is not valid");
}

}  // namespace

std::string sign_attempt(const AttemptGrant& grant, const MacKey& key) {
  AttemptGrant cut = grant;
  if (cut.task.size() > kTaskNameMax) cut.task.resize(kTaskNameMax);
  std::string bytes;
  Writer out(bytes);
  encode(out, cut);
  return format_token(TokenKind::attempt, bytes + mac_of(bytes, key));
}

Result<AttemptGrant> check_attempt(std::string_view body, const MacKey& key, Time now) {
  if (body.size() < kMacBytes) return not_genuine();
  const std::string_view bytes = body.substr(0, body.size() - kMacBytes);
  const std::string mac = mac_of(bytes, key);
  if (sodium_memcmp(mac.data(), body.data() + bytes.size(), kMacBytes) != 0) return not_genuine();
  AttemptGrant grant;
  Reader in(bytes);
  if (!decode(in, grant) || !in.at_end()) return not_genuine();
  if (now >= grant.expires_at)
    return fail(ErrorCode::unauthenticated, "the token of this attempt has expired");
  return grant;
}

Identity identity_of(const AttemptGrant& grant) {
  return {.kind = IdentityKind::attempt,
          .subject = fmt::format("attempt:{}/{}#{}", format_uuid("run", grant.run), grant.task,
                                 grant.attempt),
          .role = "attempt",
          .actions = attempt_actions(),
          .namespaces = {grant.name_space},
          .run = grant.run,
          .task = grant.index,
          .attempt = grant.attempt,
          .until = grant.expires_at};
}

}  // namespace reeve::security
