#include "base/time.h"

#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve {
namespace {

using std::chrono::hours;
using namespace std::chrono_literals;

constexpr Time at_second(std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; }

TEST(FormatTime, IsRfc3339) {
  EXPECT_EQ(format_time(at_second(0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(at_second(1'795'457'346) + 123'456us), "2026-11-23T18:09:06.123456Z");
  EXPECT_EQ(format_time(at_second(0) - 1us), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time(kNever), "");
  EXPECT_EQ(format_time(kUnset), "");
}

TEST(FormatTime, StaysInsideFourDigitYears) {
  EXPECT_EQ(format_time(kNever - 1us), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time(kUnset + 1us), "0000-01-01T00:00:00.000000Z");
}

TEST(ParseTime, ReadsRfc3339) {
  const Time expected = at_second(1'795'457'346);
  const std::map<std::string, Time> table{
      {"2026-11-23T18:09:06Z", expected},
      {"2026-11-23t18:09:06z", expected},
      {"2026-11-23 18:09:06Z", expected},
      {"2026-11-23T19:39:06+01:30", expected},
      {"2026-11-23T10:09:06-08:00", expected},
      {"2026-11-23T18:09:06.5Z", expected + 500ms},
      {"2026-11-23T18:09:06.1234567899Z", expected + 123'456us},
      {"2024-02-29T00:00:00Z", at_second(1'709'164'800)},
      {"2016-12-31T23:59:60Z", at_second(1'483'228'800)},
  };
  for (const auto& [text, time] : table) {
    const auto parsed = parse_time(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, time) << text;
  }
}

TEST(ParseTime, RefusesTheRest) {
  for (const char* bad : {"", "now", "2026-11-23", "2026-11-23T18:09:06", "2026-13-01T00:00:00Z",
                          "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
                          "2026-11-23T24:00:00Z", "2026-11-23T18:60:00Z", "2026-11-23T18:09:61Z",
                          "2026-11-23T18:09:06.Z", "2026-11-23T18:09:06+1:00",
                          "2026-11-23T18:09:06+24:00", "2026-11-23T18:09:06Zx",
                          " 2026-11-23T18:09:06Z", "-026-11-23T18:09:06Z", "20261123T180906Z"}) {
    const auto parsed = parse_time(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

TEST(FormatDuration, ShowsAtMostTwoUnits) {
  const std::map<Duration, std::string> table{{0us, "0s"},
                                              {7us, "7us"},
                                              {1'500us, "1.5ms"},
                                              {12ms, "12ms"},
                                              {999'999us, "999.99ms"},
                                              {1500ms, "1.5s"},
                                              {59'999'999us, "59.99s"},
                                              {60s, "1m00s"},
                                              {125s, "2m05s"},
                                              {3h + 7min, "3h07m"},
                                              {25h, "1d01h"},
                                              {-1500ms, "-1.5s"},
                                              {Duration::max(), "106751991d04h"},
                                              {Duration::min(), "-106751991d04h"}};
  for (const auto& [duration, text] : table) EXPECT_EQ(format_duration(duration), text);
}

TEST(ParseDuration, DemandsUnits) {
  const std::map<std::string, Duration> table{
      {"10m", 10min},     {"1h30m", 90min},     {"500ms", 500ms}, {"2d", hours{48}},
      {"1w", hours{168}}, {"1.5s", 1500ms},     {"250us", 250us}, {"2m05s", 125s},
      {"0s", 0s},         {"1d12h", hours{36}}, {"1.5us", 1us},   {"36525d", kDurationMax}};
  for (const auto& [text, duration] : table) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* bad :
       {"", "10", "m", "-1s", "+1s", "1 s", "10min", "1S", "1h 30m", "30m1h", "1h1h", "1.s", ".5s",
        "1..5s", "1.1234567s", "36526d", "99999999999999999999s", "9999999999999w", "1s\n"}) {
    const auto parsed = parse_duration(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

RC_GTEST_PROP(ParseTime, ReadsWhatFormatWrites, ()) {
  const Time time{
      Duration{*rc::gen::inRange<std::int64_t>(-60'000'000'000'000'000, 250'000'000'000'000'000)}};
  RC_ASSERT(parse_time(format_time(time)) == time);
}

RC_GTEST_PROP(FormatTime, SortsAsText, ()) {
  const auto any = rc::gen::inRange<std::int64_t>(-60'000'000'000'000'000, 250'000'000'000'000'000);
  const Time a{Duration{*any}};
  const Time b{Duration{*any}};
  RC_ASSERT((a < b) == (format_time(a) < format_time(b)));
}

RC_GTEST_PROP(ParseDuration, ReadsWhatFormatWritesRoundedDown, ()) {
  const auto bits = *rc::gen::inRange(1, 51);
  const Duration duration{*rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << bits)};
  const auto parsed = parse_duration(format_duration(duration));
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(*parsed <= duration);
  // At worst a minute of an hour, or an hour of a day, is not shown.
  RC_ASSERT(duration - *parsed <= duration / 23);
}

RC_GTEST_PROP(ParseDuration, SurvivesAnyText, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0159.smhduw ")));
  if (const auto parsed = parse_duration(text)) {
    RC_ASSERT(*parsed >= Duration{0});
    RC_ASSERT(*parsed <= kDurationMax);
  }
  (void)parse_time(text);
}

}  // namespace
}  // namespace reeve
