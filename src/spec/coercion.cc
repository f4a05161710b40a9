#include "spec/coercion.h"

#include <cmath>
#include <limits>
#include <string_view>

#include "spec/expression_lexer.h"
#include "spec/expression_syntax.h"
#include "spec/json_text.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string_view text_of(const Json& value) { return value.get_string(); }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Two texts stay texts and two truth values stay truth values; anything else meets as numbers.
bool compares_as_text(const Json& a, const Json& b) { return a.is_string() && b.is_string(); }

std::strong_ordering compare_text(std::string_view a, std::string_view b) {
  return to_lower(a).compare(to_lower(b)) <=> 0;
}

bool both_whole(const Json& a, const Json& b) { return a.is_int64() && b.is_int64(); }

}  // namespace

double to_number(const Json& value) {
  if (value.is_null()) return 0;
  if (value.is_bool()) return value.get_bool() ? 1 : 0;
  if (const auto* number = value.if_double()) return *number;
  if (const auto* number = value.if_int64()) return static_cast<double>(*number);
  if (const auto* number = value.if_uint64()) return static_cast<double>(*number);
  if (!value.is_string()) return kNaN;
  const std::string_view text = trimmed(text_of(value));
  if (text.empty()) return 0;
  const auto number = parse_number(text);
  return number ? to_number(*number) : kNaN;
}

bool is_primitive(const Json& value) { return !value.is_array() && !value.is_object(); }

bool loosely_equal(const Json& a, const Json& b) {
  if (!is_primitive(a) || !is_primitive(b)) return &a == &b;
  if (compares_as_text(a, b)) return equals_ignoring_case(text_of(a), text_of(b));
  if (both_whole(a, b)) return a.get_int64() == b.get_int64();
  return to_number(a) == to_number(b);
}

std::optional<std::strong_ordering> loosely_compare(const Json& a, const Json& b) {
  if (!is_primitive(a) || !is_primitive(b)) return std::nullopt;
  if (compares_as_text(a, b)) return compare_text(text_of(a), text_of(b));
  if (both_whole(a, b)) return a.get_int64() <=> b.get_int64();
  const double left = to_number(a);
  const double right = to_number(b);
  if (std::isnan(left) || std::isnan(right)) return std::nullopt;
  if (left < right) return std::strong_ordering::less;
  return left > right ? std::strong_ordering::greater : std::strong_ordering::equal;
}

bool is_truthy(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.get_bool();
  if (const auto* text = value.if_string()) return !text->empty();
  if (!is_primitive(value)) return true;
  const double number = to_number(value);
  return number != 0 && !std::isnan(number);
}

std::string to_text(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_string()) return std::string(text_of(value));
  if (value.is_number()) return number_text(value);
  std::string out;
  // A value that is too large is cut: callers that must not lose anything use append_json.
  static_cast<void>(append_json(out, value, JsonStyle::compact, kEvaluationBytesMax));
  return out;
}

}  // namespace reeve::spec
