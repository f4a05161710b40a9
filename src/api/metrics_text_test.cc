#include "api/metrics_text.h"

#include <array>

#include <gtest/gtest.h>

#include "api/run_metrics.h"

namespace reeve::api {
namespace {

TEST(MetricsText, IsWhatTheSpecificationShows) {
  MetricsText text;
  text.family("reeve_age_seconds", MetricType::gauge, "How \"old\\\".\nReally.", "seconds");
  text.gauge({{"queue", "a\"b\\c\nd"}, {"x", ""}}, 1.5);
  text.family("reeve_things", MetricType::counter, "Things.");
  text.counter({}, 12'345'678'901);
  text.family("reeve_time_seconds", MetricType::histogram, "Time.", "seconds");
  constexpr std::array<double, 2> kBounds{0.5, 1};
  constexpr std::array<std::uint64_t, 3> kCounts{1, 0, 2};
  text.histogram({{"a", "b"}}, {kBounds, kCounts, 7.25});
  EXPECT_EQ(std::move(text).finish(),
            "# TYPE reeve_age_seconds gauge\n"
            "# UNIT reeve_age_seconds seconds\n"
            "# HELP reeve_age_seconds How \\\"old\\\\\\\".\\nReally.\n"
            "reeve_age_seconds{queue=\"a\\\"b\\\\c\\nd\",x=\"\"} 1.5\n"
            "# TYPE reeve_things counter\n"
            "# HELP reeve_things Things.\n"
            "reeve_things_total 12345678901\n"
            "# TYPE reeve_time_seconds histogram\n"
            "# UNIT reeve_time_seconds seconds\n"
            "# HELP reeve_time_seconds Time.\n"
            "reeve_time_seconds_bucket{a=\"b\",le=\"0.5\"} 1\n"
            "reeve_time_seconds_bucket{a=\"b\",le=\"1.0\"} 1\n"
            "reeve_time_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"
            "reeve_time_seconds_count{a=\"b\"} 3\n"
            "reeve_time_seconds_sum{a=\"b\"} 7.25\n"
            "# EOF\n");
}

TEST(DurationHistogram, CountsABoundWithWhatIsNotLonger) {
  DurationHistogram durations;
  durations.add(std::chrono::milliseconds{5});
  durations.add(std::chrono::microseconds{5001});
  durations.add(std::chrono::hours{48});
  durations.add(std::chrono::hours{-1});  // a clock that was put back
  MetricsText text;
  text.family("x_seconds", MetricType::histogram, "X.", "seconds");
  durations.write(text, {});
  const std::string out = std::move(text).finish();
  EXPECT_NE(out.find("_bucket{le=\"0.005\"} 2\n"), std::string::npos) << out;
  EXPECT_NE(out.find("_bucket{le=\"0.01\"} 3\n"), std::string::npos) << out;
  EXPECT_NE(out.find("_bucket{le=\"86400.0\"} 3\n"), std::string::npos) << out;
  EXPECT_NE(out.find("_bucket{le=\"+Inf\"} 4\n"), std::string::npos) << out;
  EXPECT_NE(out.find("_sum 172800.010001\n"), std::string::npos) << out;
}

}  // namespace
}  // namespace reeve::api
