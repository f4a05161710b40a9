#include "spec/quantities.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace reeve::spec {
namespace {

std::optional<int> digits(std::string_view text, std::size_t count_max) {
  if (text.empty() || text.size() > count_max) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

std::optional<std::int32_t> parse_permille(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto whole = digits(text.substr(0, point), 3);
  const auto tenth = point == text.size() ? 0 : digits(text.substr(point + 1), 1);
  if (!whole || !tenth) return std::nullopt;
  const std::int32_t permille = *whole * 10 + *tenth;
  if (permille == 0 || permille > 1000) return std::nullopt;
  return permille;
}

std::optional<Duration> parse_day_time(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = digits(text.substr(0, 2), 2);
  const auto minute = digits(text.substr(3), 2);
  if (!hour || !minute || *minute > 59) return std::nullopt;
  if (*hour > 24 || (*hour == 24 && *minute > 0)) return std::nullopt;
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute};
}

std::optional<Duration> parse_utc_offset(std::string_view text) {
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto size = parse_day_time(text.substr(1));
  if (!size || *size > std::chrono::hours{14}) return std::nullopt;
  return text[0] == '-' ? -*size : *size;
}

std::string format_day_time(Duration time) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time).count();
  return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

std::int64_t to_micros(double number) {
  constexpr double kMillion = 1e6;
  return std::llround(number * kMillion);
}

}  // namespace reeve::spec
