// OpenMetrics 1.0 text, as it is sent: families with HELP and TYPE, samples with escaped labels, "#
// EOF" at the end. Owns the text; one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace reeve::api {

inline constexpr std::string_view kMetricsType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct MetricLabel {
  std::string_view name;
  std::string_view value;
};
using MetricLabels = std::initializer_list<MetricLabel>;

enum class MetricType : std::uint8_t { gauge, counter, histogram };

/// How often something took how long. `counts`: one for each bound, and one for what is longer.
struct HistogramSample {
  std::span<const double> bounds;  ///< seconds, ascending
  std::span<const std::uint64_t> counts;
  double sum_seconds = 0;
};

class MetricsText {
 public:
  /// Begins a family: its samples follow. `name` is without _total; with a unit it ends in that.
  void family(std::string_view name, MetricType type, std::string_view help,
              std::string_view unit = {});
  void gauge(MetricLabels labels, double value);
  void counter(MetricLabels labels, std::uint64_t value);
  void histogram(MetricLabels labels, const HistogramSample& sample);
  /// The whole.
  std::string finish() &&;

 private:
  void sample(std::string_view suffix, MetricLabels labels, const MetricLabel* more, double value);

  std::string family_;
  std::string text_;
};

}  // namespace reeve::api
