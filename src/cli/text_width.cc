#include "cli/text_width.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace reeve::cli {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15: blocks of combining marks and of invisible characters, as far as text of people and
// programs uses them.
constexpr auto kNoWidth = std::to_array<Range>({
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x06D6, 0x06DC}, {0x0730, 0x074A},   {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},   {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200D}, {0x2060, 0x2064},   {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
});
// East Asian Wide and Fullwidth, and emoji that terminals draw over two columns.
constexpr auto kTwoWide = std::to_array<Range>({
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x23F0, 0x23F0},   {0x23F3, 0x23F3},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},
    {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F3},   {0x26F5, 0x26F5},
    {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27B0},   {0x27BF, 0x27BF},
    {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
    {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF},
    {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320}, {0x1F32D, 0x1F335},
    {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393}, {0x1F3A0, 0x1F3CA}, {0x1F3CF, 0x1F3D3},
    {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4}, {0x1F3F8, 0x1F43E}, {0x1F440, 0x1F440},
    {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F54B, 0x1F54E}, {0x1F550, 0x1F567},
    {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F},
    {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC}, {0x1F6D0, 0x1F6D2}, {0x1F6D5, 0x1F6D7},
    {0x1F6DC, 0x1F6DF}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC}, {0x1F7E0, 0x1F7EB},
    {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945}, {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAFF},
    {0x20000, 0x3FFFD},
});

template <std::size_t N>
bool holds(const std::array<Range, N>& ranges, char32_t c) {
  const auto at = std::ranges::lower_bound(ranges, c, {}, &Range::last);
  return at != ranges.end() && at->first <= c;
}

int width_of(char32_t c) {
  if (c < 0x300) return c < 0x20 && c != '\t' ? 0 : 1;
  if (holds(kNoWidth, c)) return 0;
  return holds(kTwoWide, c) ? 2 : 1;
}

/// Takes the first character; a byte that is not UTF-8 counts as one.
char32_t take(std::string_view& text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  std::size_t size = 1;
  char32_t value = first;
  if (first >= 0xF0) {
    size = 4, value = first & 0x07U;
  } else if (first >= 0xE0) {
    size = 3, value = first & 0x0FU;
  } else if (first >= 0xC0) {
    size = 2, value = first & 0x1FU;
  }
  size = std::min(size, text.size());
  for (std::size_t i = 1; i < size; ++i)
    value = (value << 6) | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
  text.remove_prefix(size);
  return value;
}

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) width += width_of(take(text));
  return width;
}

std::string fit(std::string_view text, int columns, bool ascii) {
  if (display_width(text) <= columns) return std::string(text);
  const std::string_view mark = ascii ? "..." : "…";
  const int room = columns - (ascii ? 3 : 1);
  if (room < 0) return std::string(static_cast<std::size_t>(std::max(columns, 0)), '.');
  int width = 0;
  std::string_view rest = text;
  std::size_t kept = 0;
  while (!rest.empty()) {
    width += width_of(take(rest));
    if (width > room) break;
    kept = text.size() - rest.size();
  }
  return std::string(text.substr(0, kept)).append(mark);
}

std::string pad_right(std::string text, int columns) {
  const int width = display_width(text);
  if (width < columns) text.append(static_cast<std::size_t>(columns - width), ' ');
  return text;
}

std::string pad_left(std::string text, int columns) {
  const int width = display_width(text);
  if (width < columns) text.insert(0, static_cast<std::size_t>(columns - width), ' ');
  return text;
}

}  // namespace reeve::cli
