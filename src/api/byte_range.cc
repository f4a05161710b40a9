#include "api/byte_range.h"

#include <algorithm>
#include <charconv>

namespace reeve::api {
namespace {

std::optional<std::int64_t> whole_number(std::string_view digits) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_number = !digits.empty() && digits.front() >= '0' && digits.front() <= '9' &&
                         error == std::errc{} && stop == digits.data() + digits.size();
  if (!is_number) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

ByteRange byte_range(std::string_view header, std::int64_t size) {
  const ByteRange all{.begin = 0, .end = size};
  constexpr std::string_view kUnit = "bytes=";
  const bool is_bytes =
      header.size() > kUnit.size() &&
      std::ranges::equal(header.substr(0, kUnit.size()), kUnit, [](char given, char wanted) {
        return given == wanted || (given >= 'A' && given <= 'Z' && given + 32 == wanted);
      });
  if (!is_bytes) return all;
  const std::string_view range = trimmed(header.substr(kUnit.size()));
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return all;
  const std::string_view from = range.substr(0, dash);
  const auto last = whole_number(range.substr(dash + 1));
  if (from.empty()) {  // the last so many
    if (!last) return all;
    if (*last == 0 || size == 0) return {.begin = 0, .end = size, .is_beyond = true};
    return {.begin = size - std::min(size, *last), .end = size, .is_partial = true};
  }
  const auto first = whole_number(from);
  if (!first || (!last && dash + 1 != range.size()) || (last && *last < *first)) return all;
  if (*first >= size) return {.begin = 0, .end = size, .is_beyond = true};
  return {.begin = *first, .end = last && *last < size ? *last + 1 : size, .is_partial = true};
}

bool names_etag(std::string_view header, std::string_view etag) {
  while (!header.empty()) {
    const std::string_view item = trimmed(header.substr(0, header.find(',')));
    header.remove_prefix(std::min(header.size(), header.find(',') == std::string_view::npos
                                                     ? header.size()
                                                     : header.find(',') + 1));
    if (item == "*" || item == etag) return true;
  }
  return false;
}

}  // namespace reeve::api
