#include "security/attempt_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/token_text.h"

namespace reeve::security {
namespace {

constexpr Time kNow{std::chrono::hours{1}};

AttemptGrant some_grant() {
  return {.run = Uuid::from_parts(1, 2, 3),
          .name_space = "team",
          .task = "build",
          .attempt = 2,
          .expires_at = kNow + std::chrono::seconds{10}};
}

MacKey some_key(std::uint8_t first) {
  MacKey key{};
  key[0] = first;
  return key;
}

std::string body_of(const std::string& token) { return parse_token(token).value().body; }

TEST(AttemptToken, says_what_it_is_for) {
  const std::string token = sign_attempt(some_grant(), some_key(1));
  EXPECT_EQ(parse_token(token)->kind, TokenKind::attempt);
  const AttemptGrant grant = check_attempt(body_of(token), some_key(1), kNow).value();
  EXPECT_EQ(grant, some_grant());
  const Identity identity = identity_of(grant);
  EXPECT_EQ(identity.subject, "attempt:" + format_uuid("run", grant.run) + "/build#2");
  EXPECT_TRUE(authorise(identity, Action::logs_read, {"team", grant.run}).allowed());
  EXPECT_FALSE(authorise(identity, Action::logs_read, {"team", Uuid{}}).allowed());
}

TEST(AttemptToken, ends_when_it_says) {
  const std::string body = body_of(sign_attempt(some_grant(), some_key(1)));
  const Time end = some_grant().expires_at;
  EXPECT_TRUE(check_attempt(body, some_key(1), end - Duration{1}));
  EXPECT_EQ(check_attempt(body, some_key(1), end).error().code, ErrorCode::unauthenticated);
}

TEST(AttemptToken, of_another_key_or_with_any_other_bit_is_refused) {
  const std::string body = body_of(sign_attempt(some_grant(), some_key(1)));
  EXPECT_FALSE(check_attempt(body, some_key(2), kNow));
  for (std::size_t bit = 0; bit < 8 * body.size(); ++bit) {
    std::string wrong = body;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(check_attempt(wrong, some_key(1), kNow)) << bit;
  }
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(check_attempt(body.substr(0, size), some_key(1), kNow));
}

TEST(AttemptToken, of_a_task_with_a_long_name_still_fits) {
  AttemptGrant grant = some_grant();
  grant.task = std::string(5000, 'x');
  const auto parsed = parse_token(sign_attempt(grant, some_key(1)));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(check_attempt(parsed->body, some_key(1), kNow)->task.size(), 200U);
}

}  // namespace
}  // namespace reeve::security
