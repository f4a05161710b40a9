#include "base/time.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace reeve {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr Time kFirstShown{sys_days{year_month_day{std::chrono::year{0} / 1 / 1}}};
constexpr Time kLastShown =
    Time{sys_days{year_month_day{std::chrono::year{10000} / 1 / 1}}} - Duration{1};

/// Reads from the front of a text; the first thing that is not as expected makes it bad for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// A number of exactly `width` digits that is at most `max`.
  int number(std::size_t width, int max) {
    int value = 0;
    if (text_.size() < width) return bad();
    for (std::size_t i = 0; i < width; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return bad();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(width);
    return value <= max ? value : bad();
  }
  /// One character out of `choices`.
  char one_of(std::string_view choices) {
    if (text_.empty() || choices.find(text_.front()) == std::string_view::npos) {
      bad();
      return 0;
    }
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  /// ".123": microseconds. Nothing there is zero.
  std::int64_t fraction() {
    if (!text_.starts_with('.')) return 0;
    text_.remove_prefix(1);
    std::int64_t value = 0;
    std::int64_t place = 100'000;
    std::size_t digits = 0;
    for (; digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9'; ++digits) {
      value += place * (text_[digits] - '0');
      place /= 10;
    }
    text_.remove_prefix(digits);
    return digits > 0 ? value : bad();
  }
  bool is_good_and_done() const { return good_ && text_.empty(); }

 private:
  int bad() {
    good_ = false;
    return 0;
  }
  std::string_view text_;
  bool good_ = true;
};

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};
constexpr std::array<Unit, 7> kUnits{{
    {"w", 604'800'000'000},
    {"d", 86'400'000'000},
    {"h", 3'600'000'000},
    {"m", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
    {"us", 1},
}};
constexpr std::int64_t kSecond = 1'000'000;

/// "1.5", "12", "1.25": `value` in units of `unit`, cut (not rounded: 59.999 s must not be "60s").
std::string decimal(std::uint64_t value, std::uint64_t unit) {
  const std::uint64_t hundredths = value % unit * 100 / unit;
  std::string out = fmt::format("{}.{:02}", value / unit, hundredths);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

bool is_time_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_while(std::string_view& text, bool (*accept)(char)) {
  std::size_t size = 0;
  while (size < text.size() && accept(text[size])) ++size;
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

/// One "1.5h" from the front of `text`. `next_unit` is the first row of kUnits that may still come.
bool take_part(std::string_view& text, std::size_t& next_unit, std::int64_t& total) {
  constexpr std::size_t kFractionDigitsMax = 6;  // 10^6 weeks in microseconds fit into 64 bits
  const std::string_view whole_text = take_while(text, is_time_digit);
  std::string_view fraction_text;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction_text = take_while(text, is_time_digit);
    if (fraction_text.empty() || fraction_text.size() > kFractionDigitsMax) return false;
  }
  std::int64_t whole = 0;
  const auto [end, error] =
      std::from_chars(whole_text.data(), whole_text.data() + whole_text.size(), whole);
  if (error != std::errc{}) return false;
  const std::string_view unit_name = take_while(text, [](char c) { return c >= 'a' && c <= 'z'; });
  while (next_unit < kUnits.size() && kUnits[next_unit].name != unit_name) ++next_unit;
  if (next_unit == kUnits.size()) return false;
  const std::int64_t unit = kUnits[next_unit++].microseconds;
  if (whole > kDurationMax.count() / unit) return false;
  std::int64_t part = whole * unit;
  std::int64_t scale = 1;
  std::int64_t fraction = 0;
  for (const char c : fraction_text) {
    fraction = fraction * 10 + (c - '0');
    scale *= 10;
  }
  part += fraction * unit / scale;
  total += part;
  return total <= kDurationMax.count();
}

}  // namespace

std::string format_time(Time time) {
  if (time == kNever || time == kUnset) return {};
  if (time < kFirstShown) time = kFirstShown;
  if (time > kLastShown) time = kLastShown;
  const sys_days day = std::chrono::floor<days>(time);
  const year_month_day date{day};
  const std::int64_t since_midnight = (time - day).count();
  const std::int64_t second = since_midnight / kSecond;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     second / 3600, second / 60 % 60, second % 60, since_midnight % kSecond);
}

Result<Time> parse_time(std::string_view text) {
  Scanner scanner(text);
  const std::chrono::year year{scanner.number(4, 9999)};
  scanner.one_of("-");
  const std::chrono::month month{static_cast<unsigned>(scanner.number(2, 12))};
  scanner.one_of("-");
  const year_month_day date{year, month,
                            std::chrono::day{static_cast<unsigned>(scanner.number(2, 31))}};
  scanner.one_of("Tt ");
  const hours hour{scanner.number(2, 23)};
  scanner.one_of(":");
  const minutes minute{scanner.number(2, 59)};
  scanner.one_of(":");
  const seconds second{scanner.number(2, 60)};
  const Duration fraction{scanner.fraction()};
  const char zone = scanner.one_of("Zz+-");
  minutes offset{0};
  if (zone == '+' || zone == '-') {
    offset = hours{scanner.number(2, 23)};
    scanner.one_of(":");
    offset += minutes{scanner.number(2, 59)};
    if (zone == '-') offset = -offset;
  }
  if (!scanner.is_good_and_done() || !date.ok())
    return fail(ErrorCode::invalid_argument,
                "not a time: expected RFC 3339, such as 2026-11-23T18:09:06Z or "
                "2026-11-23T19:09:06+01:00");
  return Time{sys_days{date}} + hour + minute + second + fraction - offset;
}

std::string format_duration(Duration duration) {
  // The magnitude of the smallest duration does not fit into its own type.
  const bool negative = duration.count() < 0;
  const auto raw = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t size = negative ? 0 - raw : raw;
  constexpr std::uint64_t kWholeSecond = kSecond;
  const std::uint64_t second = size / kWholeSecond;
  std::string out = negative ? "-" : "";
  if (size == 0) return "0s";
  if (size < 1000) return out + fmt::format("{}us", size);
  if (size < kWholeSecond) return out + decimal(size, 1000) + "ms";
  if (second < 60) return out + decimal(size, kWholeSecond) + "s";
  if (second < 3600) return out + fmt::format("{}m{:02}s", second / 60, second % 60);
  if (second < 86400) return out + fmt::format("{}h{:02}m", second / 3600, second / 60 % 60);
  return out + fmt::format("{}d{:02}h", second / 86400, second / 3600 % 24);
}

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::size_t next_unit = 0;
  std::int64_t total = 0;
  bool good = !rest.empty();
  while (good && !rest.empty()) good = take_part(rest, next_unit, total);
  if (good) return Duration{total};
  return fail(ErrorCode::invalid_argument,
              "not a duration: expected numbers with units (us, ms, s, m, h, d, w), from large to "
              "small, such as 90s, 1h30m or 1.5s, and at most a hundred years");
}

}  // namespace reeve
