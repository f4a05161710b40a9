#include "supervisor/progress.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace reeve::supervisor {
namespace {

constexpr std::string_view kPrefix = "::progress ";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool may_become_progress(std::string_view line) {
  const std::size_t known = std::min(line.size(), kPrefix.size());
  return line.substr(0, known) == kPrefix.substr(0, known);
}

/// Takes a leading percentage off `text`; -1 when there is none.
std::int16_t take_percent(std::string_view& text) {
  std::size_t end = 0;
  int value = 0;
  while (end < text.size() && is_digit(text[end])) {
    value = std::min(value * 10 + (text[end] - '0'), 100);
    ++end;
  }
  if (end == 0) return -1;
  if (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    ++end;
    while (end < text.size() && is_digit(text[end])) ++end;
  }
  if (end < text.size() && text[end] == '%') ++end;
  if (end < text.size() && text[end] != ' ' && text[end] != '\t') return -1;
  text.remove_prefix(end);
  return static_cast<std::int16_t>(value);
}

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 1;
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t bytes_max) {
  std::string clean;
  while (!text.empty() && clean.size() < bytes_max) {
    const auto lead = static_cast<unsigned char>(text.front());
    std::string_view character = text.substr(0, sequence_length(lead));
    const bool is_control = lead < 0x20 || lead == 0x7f;
    const bool is_c1_control =
        character.size() == 2 && lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
    if (!is_valid_utf8(character)) {
      character = character.substr(0, 1);
    } else if (!is_control && !is_c1_control) {
      if (clean.size() + character.size() > bytes_max) break;
      clean.append(character);
    }
    text.remove_prefix(character.size());
  }
  return clean;
}

std::optional<ProgressLine> parse_progress(std::string_view line) {
  std::string_view rest = trim(line);
  if (rest.empty()) return std::nullopt;
  ProgressLine progress;
  progress.percent = take_percent(rest);
  progress.message = clean_text(trim(rest), kProgressMessageBytesMax);
  return progress;
}

std::optional<ProgressLine> ProgressScanner::finish_carried(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const std::string_view piece = bytes.substr(0, end);
  if (carried_.size() < kProgressLineBytesMax)
    carried_.append(piece.substr(0, kProgressLineBytesMax - carried_.size()));
  const bool is_progress = may_become_progress(carried_);
  if (end == std::string_view::npos) {
    bytes = {};
    carrying_ = is_progress;
    if (!carrying_) carried_.clear();
    at_line_start_ = false;
    return std::nullopt;
  }
  bytes.remove_prefix(end);
  carrying_ = false;
  at_line_start_ = false;
  std::optional<ProgressLine> found;
  if (is_progress && carried_.size() >= kPrefix.size())
    found = parse_progress(std::string_view(carried_).substr(kPrefix.size()));
  carried_.clear();
  return found;
}

void ProgressScanner::carry_tail(std::string_view bytes) {
  // Not rfind(): that looks at one byte at a time, which was a fifth of the cost of a flood.
  const void* const newline = ::memrchr(bytes.data(), '\n', bytes.size());
  if (newline == nullptr) {
    if (!at_line_start_) return;
  } else {
    const auto line_end =
        static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data());
    bytes.remove_prefix(line_end + 1);
  }
  at_line_start_ = bytes.empty();
  if (bytes.empty() || !may_become_progress(bytes)) return;
  carried_.assign(bytes.substr(0, kProgressLineBytesMax));
  carrying_ = true;
}

std::optional<ProgressLine> ProgressScanner::feed(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  std::optional<ProgressLine> newest;
  if (carrying_) newest = finish_carried(bytes);
  if (bytes.empty()) return newest;
  // One search for the rare prefix, and none per line, keeps heavy output cheap.
  std::size_t from = 0;
  while (true) {
    const std::size_t found = bytes.find(kPrefix, from);
    if (found == std::string_view::npos) break;
    const std::size_t end = bytes.find('\n', found);
    if (end == std::string_view::npos) break;
    const bool starts_line = found == 0 ? at_line_start_ : bytes[found - 1] == '\n';
    if (starts_line) {
      const std::string_view line =
          bytes.substr(found, std::min(end - found, kProgressLineBytesMax));
      if (auto progress = parse_progress(line.substr(kPrefix.size()))) newest = std::move(progress);
    }
    from = end;
  }
  carry_tail(bytes);
  return newest;
}

}  // namespace reeve::supervisor
