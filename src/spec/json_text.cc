#include "spec/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace reeve::spec {
namespace {

constexpr int kNestingMax = 256;

bool is_escaped(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

void append_escape(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += '\\';
  if (c == '"' || c == '\\') {
    out += c;
  } else if (c == '\n') {
    out += 'n';
  } else if (c == '\t') {
    out += 't';
  } else if (c == '\r') {
    out += 'r';
  } else {
    out += "u00";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

void append_escaped(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto end = std::find_if(text.begin(), text.end(), is_escaped);
    const auto plain = static_cast<std::size_t>(end - text.begin());
    out += text.substr(0, plain);
    if (end == text.end()) break;
    append_escape(out, *end);
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

// Shortest digits that read back as the same number.
void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";  // JSON has no such numbers; JavaScript does the same
    return;
  }
  std::array<char, 40> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), result.ptr);
}

class JsonText {
 public:
  JsonText(std::string& out, JsonStyle style, std::size_t bytes_max)
      : out_(out),
        style_(style),
        bytes_max_(bytes_max) {}

  bool append(const Json& value, int depth) {
    if (out_.size() > bytes_max_ || depth > kNestingMax) return false;
    if (const auto* array = value.if_array()) return append_array(*array, depth);
    if (const auto* object = value.if_object()) return append_object(*object, depth);
    if (const auto* text = value.if_string()) {
      append_escaped(out_, *text);
    } else if (value.is_null()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.get_bool() ? "true" : "false";
    } else if (const auto* number = value.if_double()) {
      append_double(out_, *number);
    } else {
      out_ += number_text(value);
    }
    return out_.size() <= bytes_max_;
  }

 private:
  void new_line(int depth) {
    if (style_ == JsonStyle::compact) return;
    out_ += '\n';
    out_.append(static_cast<std::size_t>(depth) * 2, ' ');
  }

  bool append_array(const boost::json::array& array, int depth) {
    out_ += '[';
    bool first = true;
    for (const Json& item : array) {
      if (!first) out_ += ',';
      first = false;
      new_line(depth + 1);
      if (!append(item, depth + 1)) return false;
    }
    if (!array.empty()) new_line(depth);
    out_ += ']';
    return out_.size() <= bytes_max_;
  }

  bool append_object(const boost::json::object& object, int depth) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, value] : object) {
      if (!first) out_ += ',';
      first = false;
      new_line(depth + 1);
      append_escaped(out_, key);
      out_ += style_ == JsonStyle::compact ? ":" : ": ";
      if (!append(value, depth + 1)) return false;
    }
    if (!object.empty()) new_line(depth);
    out_ += '}';
    return out_.size() <= bytes_max_;
  }

  std::string& out_;
  JsonStyle style_;
  std::size_t bytes_max_;
};

}  // namespace

bool append_json(std::string& out, const Json& value, JsonStyle style, std::size_t bytes_max) {
  return JsonText(out, style, bytes_max).append(value, 0);
}

std::string number_text(const Json& number) {
  if (const auto* whole = number.if_int64()) return std::to_string(*whole);
  if (const auto* natural = number.if_uint64()) return std::to_string(*natural);
  const double value = *number.if_double();
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value == 0) return "0";
  constexpr int kSignificantDigits = 15;
  std::array<char, 40> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                    std::chars_format::general, kSignificantDigits);
  std::string text(digits.data(), result.ptr);
  if (const auto exponent = text.find('e'); exponent != std::string_view::npos)
    text[exponent] = 'E';
  return text;
}

std::string_view kind_name(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "boolean";
    case boost::json::kind::string: return "string";
    case boost::json::kind::array: return "array";
    case boost::json::kind::object: return "object";
    default: return "number";
  }
}

}  // namespace reeve::spec
