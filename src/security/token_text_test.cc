#include "security/token_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::security {
namespace {

std::string some_token() {
  SecretBody body{.id = 0x0123456789abcdef};
  for (std::size_t i = 0; i < body.secret.size(); ++i)
    body.secret[i] = static_cast<std::uint8_t>(i * 7);
  return format_token(TokenKind::api, format_body(body));
}

TEST(TokenText, is_what_scanners_are_told_to_look_for) {
  const std::string token = some_token();
  ASSERT_EQ(token.size(), 6U + 72U);
  EXPECT_TRUE(token.starts_with("reeve_"));
  EXPECT_EQ(token.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz", 6), std::string::npos);
  const auto parsed = parse_token(token);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->kind, TokenKind::api);
  EXPECT_EQ(parse_body(parsed->body)->id, 0x0123456789abcdefU);
  EXPECT_EQ(parse_body(parsed->body)->secret[3], 21);
}

TEST(TokenText, the_checksum_is_that_of_gzip) {
  EXPECT_EQ(crc32_of("123456789"), 0xcbf43926U);
  EXPECT_EQ(crc32_of(""), 0U);
}

TEST(TokenText, every_single_wrong_character_is_noticed) {
  const std::string token = some_token();
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      if (static_cast<char>(c) == token[at]) continue;
      std::string wrong = token;
      wrong[at] = static_cast<char>(c);
      EXPECT_FALSE(parse_token(wrong)) << at;
    }
    EXPECT_FALSE(parse_token(token.substr(0, at)));
    if (at + 1 < token.size() && token[at] != token[at + 1]) {
      std::string swapped = token;
      std::swap(swapped[at], swapped[at + 1]);
      EXPECT_FALSE(parse_token(swapped));
    }
  }
  EXPECT_FALSE(parse_token(token + "0"));
  EXPECT_FALSE(parse_token("reeve_" + std::string(100'000, '0')));
}

TEST(TokenText, unknown_kinds_are_no_tokens) {
  EXPECT_FALSE(parse_token(format_token(static_cast<TokenKind>(0), "x")));
  EXPECT_FALSE(parse_token(format_token(static_cast<TokenKind>(4), "x")));
  EXPECT_TRUE(parse_token(format_token(TokenKind::attempt, "")));
}

RC_GTEST_PROP(TokenText, base32_is_read_back, (const std::string& bytes)) {
  RC_ASSERT(from_base32(to_base32(bytes)) == bytes);
}

RC_GTEST_PROP(TokenText, what_is_read_is_written_the_same, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("0123456789abcdefghjkmnpqrstvwxyz")));
  const auto bytes = from_base32(text);
  const bool same = !bytes || to_base32(*bytes) == text;
  RC_ASSERT(same);
}

TEST(TokenText, ids_have_thirteen_characters) {
  for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    const std::string text = format_token_id(id);
    EXPECT_EQ(text.size(), 13U);
    EXPECT_EQ(parse_token_id(text), id);
  }
  EXPECT_FALSE(parse_token_id("0000000000001"));  // bits of no byte
  EXPECT_FALSE(parse_token_id(""));
}

}  // namespace
}  // namespace reeve::security
