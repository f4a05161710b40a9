#include "supervisor/secret_forms.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include "base/text.h"

namespace reeve::supervisor {
namespace {

using Forms = std::set<std::string>;

constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kUpperDigits = "0123456789ABCDEF";
constexpr std::string_view kLowerDigits = "0123456789abcdef";
constexpr std::string_view kLineBreaks = "\r\n";

void add(Forms& forms, std::string_view form) {
  if (form.size() >= kSecretFormBytesMin) forms.emplace(form);
}

std::string base64(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(byte);
    count += 8;
    for (; count >= 6; count -= 6) text.push_back(alphabet[(bits >> (count - 6)) & 63U]);
  }
  if (count > 0) text.push_back(alphabet[(bits << (6 - count)) & 63U]);
  return text;
}

/// `before` bytes of something else stand in front of the value.
void add_base64_at(Forms& forms, std::string_view value, std::size_t before,
                   std::string_view alphabet) {
  const std::string text = base64(std::string(before, '\0').append(value), alphabet);
  const std::size_t first = (8 * before + 5) / 6;
  const std::size_t whole = 8 * (before + value.size()) / 6;
  if (first >= whole) return;
  add(forms, std::string_view(text).substr(first, whole - first));
  if (whole == text.size()) return;
  // The end of the encoded bytes: the rest of the last character is zeros, and padding may follow.
  const std::string last = text.substr(first);
  add(forms, last);
  add(forms, last + std::string((4 - text.size() % 4) % 4, '='));
}

/// Tools break the text into lines: each of them is looked for.
void add_base64_lines(Forms& forms, std::string_view value, std::string_view alphabet,
                      std::size_t width) {
  const std::string text = base64(value, alphabet);
  // The last character and the padding change with what follows, say a line feed.
  const std::size_t whole = 8 * value.size() / 6;
  for (std::size_t at = 0; text.size() > width && at < text.size(); at += width) {
    if (at < whole) add(forms, std::string_view(text).substr(at, std::min(width, whole - at)));
    if (at + width < text.size()) continue;
    add(forms, text.substr(at));
    add(forms, text.substr(at) + std::string((4 - text.size() % 4) % 4, '='));
  }
}

void add_base64(Forms& forms, std::string_view value) {
  constexpr std::array<std::size_t, 2> kWidths{64, 76};
  for (const std::string_view alphabet : {kStandardAlphabet, kUrlAlphabet}) {
    for (std::size_t before = 0; before < 3; ++before)
      add_base64_at(forms, value, before, alphabet);
    for (const std::size_t width : kWidths) add_base64_lines(forms, value, alphabet, width);
  }
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string percent_encoded(std::string_view value, std::string_view kept, bool plus_for_space,
                            std::string_view digits) {
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (plus_for_space && c == ' ') {
      text.push_back('+');
    } else if (is_letter_or_digit(c) || kept.find(c) != std::string_view::npos) {
      text.push_back(c);
    } else {
      text.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
  }
  return text;
}

void add_percent_encoded(Forms& forms, std::string_view value) {
  for (const std::string_view digits : {kUpperDigits, kLowerDigits}) {
    add(forms, percent_encoded(value, "-_.~", false, digits));
    add(forms, percent_encoded(value, "-_.~/", false, digits));
    add(forms, percent_encoded(value, "-_.~", true, digits));
    add(forms, percent_encoded(value, "*-._", true, digits));
    add(forms, percent_encoded(value, "-_.!~*'()", false, digits));
    add(forms, percent_encoded(value, "-_.!~*'();/?:@&=+$,#", false, digits));
  }
}

struct JsonStyle {
  std::string_view escaped;  ///< as \u00XX, beyond what must be
  bool slash = false;        ///< as \/
  bool only_ascii = false;
  std::string_view digits = kLowerDigits;
};

void append_unicode_escape(std::string& text, std::uint32_t unit, std::string_view digits) {
  text.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) text.push_back(digits[(unit >> shift) & 15U]);
}

/// REQUIRES valid UTF-8. Takes one character of more than a byte off `rest`.
void append_wide(std::string& text, std::string_view& rest, const JsonStyle& style) {
  const auto lead = static_cast<unsigned char>(rest.front());
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (const char c : rest.substr(1, length - 1))
    code = (code << 6) | (static_cast<unsigned char>(c) & 63U);
  if (!style.only_ascii) {
    text.append(rest.substr(0, length));
  } else if (code < 0x10000) {
    append_unicode_escape(text, code, style.digits);
  } else {
    append_unicode_escape(text, 0xD800 + ((code - 0x10000) >> 10), style.digits);
    append_unicode_escape(text, 0xDC00 + ((code - 0x10000) & 0x3FFU), style.digits);
  }
  rest.remove_prefix(length);
}

std::string json_escaped(std::string_view rest, const JsonStyle& style) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kShortLetters = "\"\\bfnrt";
  std::string text;
  while (!rest.empty()) {
    const char c = rest.front();
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      append_wide(text, rest, style);
      continue;
    }
    if (const std::size_t at = kShort.find(c); at != std::string_view::npos) {
      text.append({'\\', kShortLetters[at]});
    } else if (byte < 0x20 || style.escaped.find(c) != std::string_view::npos) {
      append_unicode_escape(text, byte, style.digits);
    } else {
      if (c == '/' && style.slash) text.push_back('\\');
      text.push_back(c);
    }
    rest.remove_prefix(1);
  }
  return text;
}

void add_json(Forms& forms, std::string_view value) {
  if (!is_valid_utf8(value)) return;  // no JSON text has it
  for (const std::string_view digits : {kLowerDigits, kUpperDigits}) {
    for (const bool only_ascii : {false, true}) {
      add(forms, json_escaped(value, {"", false, only_ascii, digits}));
      add(forms, json_escaped(value, {"", true, only_ascii, digits}));
      add(forms, json_escaped(value, {"<>&", false, only_ascii, digits}));
    }
  }
}

void add_all(Forms& forms, std::string_view value) {
  if (value.size() < kSecretFormBytesMin) return;
  add(forms, value);
  add_base64(forms, value);
  add_percent_encoded(forms, value);
  add_json(forms, value);
}

std::string_view without_blanks(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlank) - first + 1);
}

void add_lines(Forms& forms, std::string_view value) {
  while (!value.empty()) {
    const std::size_t end = value.find('\n');
    add_all(forms, without_blanks(value.substr(0, end)));
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
  }
}

}  // namespace

std::vector<std::string> secret_forms(std::string_view value) {
  value = value.substr(0, value.find_last_not_of(kLineBreaks) + 1);
  Forms forms;
  add_all(forms, value);
  if (value.find('\n') != std::string_view::npos) add_lines(forms, value);
  return {forms.begin(), forms.end()};
}

}  // namespace reeve::supervisor
