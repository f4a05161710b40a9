// How tokens are written, so that secret scanners find them and a typing error is noticed before
// anything is looked up:
//   reeve_ + Crockford base 32, lower case, of: kind (1 byte), body, CRC-32 of both (4 bytes, big
//   endian). API tokens and sessions have a body of 40 bytes (8 of id, 32 random) and so 72
//   characters behind the prefix: `reeve_[0-9a-hjkmnp-tv-z]{72}`. Tokens of attempts are longer.
// Pure; no thread rule.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::security {

inline constexpr std::string_view kTokenPrefix = "reeve_";
inline constexpr std::size_t kTokenTextMax = 1024;  ///< longer ones are not looked at

enum class TokenKind : std::uint8_t { api = 1, session = 2, attempt = 3 };

struct TokenText {
  TokenKind kind = TokenKind::api;
  std::string body;
};
std::string format_token(TokenKind kind, std::string_view body);
/// Nothing: no token of ours, or mistyped.
std::optional<TokenText> parse_token(std::string_view text);

/// Body of API tokens and sessions.
struct SecretBody {
  std::uint64_t id = 0;  ///< public: names the token in lists and logs
  std::array<std::uint8_t, 32> secret{};
};
std::string format_body(const SecretBody& body);
std::optional<SecretBody> parse_body(std::string_view body);

/// An id as people see it: 13 characters of the same alphabet.
std::string format_token_id(std::uint64_t id);
std::optional<std::uint64_t> parse_token_id(std::string_view text);

/// Canonical: what is not the encoding of anything is refused.
std::string to_base32(std::string_view bytes);
std::optional<std::string> from_base32(std::string_view text);
std::uint32_t crc32_of(std::string_view bytes);

}  // namespace reeve::security
