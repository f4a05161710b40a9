#include "api/metrics_text.h"

#include <iterator>

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve::api {
namespace {

void add_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::gauge: return "gauge";
    case MetricType::counter: return "counter";
    case MetricType::histogram: return "histogram";
  }
  return "unknown";
}

}  // namespace

void MetricsText::family(std::string_view name, MetricType type, std::string_view help,
                         std::string_view unit) {
  family_ = name;
  fmt::format_to(std::back_inserter(text_), "# TYPE {} {}\n", name, type_name(type));
  if (!unit.empty()) {
    ENSURE(name.ends_with(unit));
    fmt::format_to(std::back_inserter(text_), "# UNIT {} {}\n", name, unit);
  }
  fmt::format_to(std::back_inserter(text_), "# HELP {} ", name);
  add_escaped(text_, help);
  text_ += '\n';
}

void MetricsText::sample(std::string_view suffix, MetricLabels labels, const MetricLabel* more,
                         double value) {
  text_.append(family_).append(suffix);
  bool is_first = true;
  const auto add = [&](const MetricLabel& label) {
    text_ += is_first ? '{' : ',';
    is_first = false;
    text_.append(label.name).append("=\"");
    add_escaped(text_, label.value);
    text_ += '"';
  };
  for (const MetricLabel& label : labels) add(label);
  if (more != nullptr) add(*more);
  if (!is_first) text_ += '}';
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void MetricsText::gauge(MetricLabels labels, double value) { sample("", labels, nullptr, value); }

void MetricsText::counter(MetricLabels labels, std::uint64_t value) {
  sample("_total", labels, nullptr, static_cast<double>(value));
}

void MetricsText::histogram(MetricLabels labels, const HistogramSample& sample_of) {
  ENSURE(sample_of.counts.size() == sample_of.bounds.size() + 1);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sample_of.counts.size(); ++i) {
    sum += sample_of.counts[i];
    const bool is_last = i == sample_of.bounds.size();
    // Bounds are floats by the specification: "1.0".
    std::string shown = is_last ? "+Inf" : fmt::format("{}", sample_of.bounds[i]);
    if (!is_last && shown.find_first_of(".e") == std::string::npos) shown += ".0";
    const MetricLabel le{"le", shown};
    sample("_bucket", labels, &le, static_cast<double>(sum));
  }
  sample("_count", labels, nullptr, static_cast<double>(sum));
  sample("_sum", labels, nullptr, sample_of.sum_seconds);
}

std::string MetricsText::finish() && {
  text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace reeve::api
