// Splits the text of one expression into tokens. Knows no grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/expression.h"

namespace reeve::spec {

enum class TokenKind : std::uint8_t {
  end,
  literal,
  name,
  open_parenthesis,
  close_parenthesis,
  open_bracket,
  close_bracket,
  dot,
  comma,
  star,
  negation,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  conjunction,
  disjunction,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t offset = 0;
  std::string_view text;
  Json literal;
};

/// The last token is always `end`.
tl::expected<std::vector<Token>, TextProblem> tokenize(std::string_view text);

/// The number that `text` is in whole (decimal, exponent, 0x, 0o), or nothing.
std::optional<Json> parse_number(std::string_view text);

}  // namespace reeve::spec
