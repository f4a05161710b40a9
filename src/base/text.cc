#include "base/text.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

namespace reeve {
namespace {

// Longer words are not typing errors, and the distance costs the product of both lengths.
constexpr std::size_t kWordMax = 64;

char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Optimal string alignment: Levenshtein's distance where swapping two neighbours costs one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kWordMax + 1>;
  Row before_last{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = last;
    last = row;
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool equal = lower_letter(a[i - 1]) == lower_letter(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (equal ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower_letter(a[i - 1]) == lower_letter(b[j - 2]) &&
                           lower_letter(a[i - 2]) == lower_letter(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

template <class Candidate>
std::string closest(std::string_view word, std::span<const Candidate> candidates) {
  if (word.empty() || word.size() > kWordMax) return {};
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  std::size_t best = allowed + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kWordMax) continue;
    const std::size_t distance = edit_distance(word, candidate);
    // Nothing in common is not a typing error: "x" must not suggest "y".
    if (distance >= best || distance >= std::max(word.size(), candidate.size())) continue;
    best = distance;
    found = candidate;
  }
  return std::string(found);
}

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // bytes; 0: not UTF-8
};

/// The code point at the front of a text that is not empty.
CodePoint decode_first(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text[0]);
  if (first < 0x80) return {first, 1};
  std::size_t size = 0;
  std::uint32_t smallest = 0;
  std::uint32_t value = 0;
  if ((first & 0xE0) == 0xC0) {
    size = 2, smallest = 0x80, value = first & 0x1F;
  } else if ((first & 0xF0) == 0xE0) {
    size = 3, smallest = 0x800, value = first & 0x0F;
  } else if ((first & 0xF8) == 0xF0) {
    size = 4, smallest = 0x10000, value = first & 0x07;
  }
  if (size == 0 || text.size() < size) return {};
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    value = (value << 6) | (next & 0x3F);
  }
  const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < smallest || value > 0x10FFFF || is_surrogate) return {};
  return {value, size};
}

/// Invisible characters that move or reorder what is visible (Unicode TR 36, "Trojan Source").
bool reorders_text(std::uint32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool is_plain_in_shell(char c) {
  constexpr std::string_view kPlain = "@%+:,./-_";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kPlain.find(c) != std::string_view::npos;
}

}  // namespace

std::string closest_match(std::string_view word, std::span<const std::string_view> candidates) {
  return closest(word, candidates);
}

std::string closest_match(std::string_view word, std::span<const std::string> candidates) {
  return closest(word, candidates);
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode_first(text);
    if (point.size == 0) return false;
    text.remove_prefix(point.size);
  }
  return true;
}

std::string sanitize_for_terminal(std::string_view text, LineBreaks breaks) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode_first(text);
    const std::uint32_t c = point.value;
    const std::size_t size = std::max<std::size_t>(point.size, 1);
    const bool stays = c == '\t' || (c == '\n' && breaks == LineBreaks::keep);
    if (point.size == 0) {
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[0]));
    } else if (!stays && (c < 0x20 || c == 0x7F)) {
      out += fmt::format("\\x{:02x}", c);
    } else if ((c >= 0x80 && c < 0xA0) || reorders_text(c)) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  return out;
}

std::string shell_quote(std::string_view word) {
  // '=' is plain in options only: in front of a command, NAME=value would be an assignment.
  const bool is_option = word.starts_with('-');
  const auto is_plain = [&](char c) { return is_plain_in_shell(c) || (c == '=' && is_option); };
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\0') continue;
    if (c == '\'') {
      out += "'\\''";
    } else {
      out.push_back(c);
    }
  }
  out.push_back('\'');
  return out;
}

}  // namespace reeve
