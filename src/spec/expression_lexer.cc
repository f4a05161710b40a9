#include "spec/expression_lexer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace reeve::spec {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_start(char c) { return is_letter(c) || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c) || c == '-'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

tl::unexpected<TextProblem> problem(std::size_t offset, std::string message) {
  return tl::unexpected<TextProblem>(TextProblem{offset, std::move(message)});
}

struct Symbol {
  std::string_view text;
  TokenKind kind;
};
// Longer symbols before their prefixes.
constexpr std::array kSymbols{
    Symbol{"<=", TokenKind::less_equal},
    Symbol{">=", TokenKind::greater_equal},
    Symbol{"==", TokenKind::equal},
    Symbol{"!=", TokenKind::not_equal},
    Symbol{"&&", TokenKind::conjunction},
    Symbol{"||", TokenKind::disjunction},
    Symbol{"<", TokenKind::less},
    Symbol{">", TokenKind::greater},
    Symbol{"!", TokenKind::negation},
    Symbol{"(", TokenKind::open_parenthesis},
    Symbol{")", TokenKind::close_parenthesis},
    Symbol{"[", TokenKind::open_bracket},
    Symbol{"]", TokenKind::close_bracket},
    Symbol{".", TokenKind::dot},
    Symbol{",", TokenKind::comma},
    Symbol{"*", TokenKind::star},
};

std::string describe_stray(char c) {
  switch (c) {
    case '"': return "strings are written in single quotes: 'text'";
    case '=': return "'=' is no operator here; to compare write '=='";
    case '&': return "'&' is no operator here; write '&&'";
    case '|': return "'|' is no operator here; write '||'";
    case '+':
    case '-':
    case '/':
    case '%': return "there is no arithmetic in expressions; compute it in a task";
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20 || byte >= 0x7f) return "unexpected character outside of a quoted string";
  return std::string("unexpected character '") + c + "'";
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  tl::expected<std::vector<Token>, TextProblem> run() {
    while (true) {
      while (at_ < text_.size() && is_space(text_[at_])) ++at_;
      if (at_ == text_.size()) break;
      auto next = read_token();
      if (!next) return tl::unexpected<TextProblem>(std::move(next).error());
      tokens_.push_back(std::move(*next));
    }
    tokens_.push_back(Token{TokenKind::end, offset(), {}, {}});
    return std::move(tokens_);
  }

 private:
  std::uint32_t offset() const { return static_cast<std::uint32_t>(at_); }

  tl::expected<Token, TextProblem> read_token() {
    const char c = text_[at_];
    if (c == '\'') return read_string();
    if (is_name_start(c)) return read_name();
    if (starts_number()) return read_number();
    for (const Symbol& symbol : kSymbols) {
      if (!text_.substr(at_).starts_with(symbol.text)) continue;
      Token token{symbol.kind, offset(), text_.substr(at_, symbol.text.size()), {}};
      at_ += symbol.text.size();
      return token;
    }
    return problem(at_, describe_stray(c));
  }

  bool after_dot_is_name() const {
    return !tokens_.empty() && tokens_.back().kind == TokenKind::dot;
  }

  bool starts_number() const {
    const char c = text_[at_];
    if (is_digit(c)) return true;
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '.') return is_digit(next) && !follows_value();
    if (c != '-' && c != '+') return false;
    return is_digit(next) || next == '.' || text_.substr(at_ + 1).starts_with("Infinity");
  }

  // Whether a '.' here is a property access rather than the start of a number.
  bool follows_value() const {
    if (tokens_.empty()) return false;
    const TokenKind last = tokens_.back().kind;
    return last == TokenKind::name || last == TokenKind::close_parenthesis ||
           last == TokenKind::close_bracket || last == TokenKind::star;
  }

  tl::expected<Token, TextProblem> read_string() {
    const std::size_t start = at_;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '\'') {
        value += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
        value += '\'';
        ++at_;
      } else {
        ++at_;
        return Token{TokenKind::literal, static_cast<std::uint32_t>(start),
                     text_.substr(start, at_ - start), Json(value)};
      }
    }
    return problem(start, "the string that begins here has no closing quote");
  }

  tl::expected<Token, TextProblem> read_name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    Token token{TokenKind::name, static_cast<std::uint32_t>(start), name, {}};
    if (after_dot_is_name()) return token;
    const bool keyword =
        name == "null" || name == "true" || name == "false" || name == "NaN" || name == "Infinity";
    if (!keyword) return token;
    token.kind = TokenKind::literal;
    if (name == "true" || name == "false") token.literal = name == "true";
    if (name == "NaN") token.literal = std::numeric_limits<double>::quiet_NaN();
    if (name == "Infinity") token.literal = std::numeric_limits<double>::infinity();
    return token;
  }

  tl::expected<Token, TextProblem> read_number() {
    const std::size_t start = at_;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const char before = text_[at_ - 1];
      const bool exponent_sign = (c == '+' || c == '-') && (before == 'e' || before == 'E');
      if (!is_digit(c) && !is_letter(c) && c != '.' && c != '_' && !exponent_sign) break;
      ++at_;
    }
    const std::string_view text = text_.substr(start, at_ - start);
    auto number = parse_number(text);
    if (!number) return problem(start, "'" + std::string(text.substr(0, 40)) + "' is no number");
    return Token{TokenKind::literal, static_cast<std::uint32_t>(start), text, std::move(*number)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

std::optional<Json> parse_radix(std::string_view digits, int radix) {
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, radix);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return Json(static_cast<double>(value));
  return Json(static_cast<std::int64_t>(value));
}

}  // namespace

std::optional<Json> parse_number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return parse_radix(text.substr(2), 16);
  if (text.starts_with("0o") || text.starts_with("0O")) return parse_radix(text.substr(2), 8);
  const bool negative = text.starts_with('-');
  std::string_view body = text;
  if (negative || text.starts_with('+')) body.remove_prefix(1);
  if (body == "Infinity") {
    const double infinity = std::numeric_limits<double>::infinity();
    return Json(negative ? -infinity : infinity);
  }
  if (body.empty() || (!is_digit(body[0]) && body[0] != '.')) return std::nullopt;
  const char* const end_of_body = body.data() + body.size();
  std::int64_t whole = 0;
  const auto [whole_end, whole_error] = std::from_chars(body.data(), end_of_body, whole);
  if (whole_error == std::errc{} && whole_end == end_of_body)
    return Json(negative ? -whole : whole);
  double value = 0;
  const auto [end, error] = std::from_chars(body.data(), end_of_body, value);
  if (end != end_of_body) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const bool tiny =
        body.find("e-") != std::string_view::npos || body.find("E-") != std::string_view::npos;
    value = tiny ? 0 : std::numeric_limits<double>::infinity();
  } else if (error != std::errc{}) {
    return std::nullopt;
  }
  return Json(negative ? -value : value);
}

tl::expected<std::vector<Token>, TextProblem> tokenize(std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max())
    return problem(0, "the expression is too long");
  return Lexer(text).run();
}

}  // namespace reeve::spec
