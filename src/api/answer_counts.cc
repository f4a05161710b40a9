#include "api/answer_counts.h"

#include <algorithm>

namespace reeve::api {
namespace {

constexpr auto kClassNames =
    std::to_array<std::string_view>({"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"});

}  // namespace

AnswerCounts::AnswerCounts() : counts_(std::make_unique<Counts[]>(route_table().size() + 1)) {}

void AnswerCounts::add(const Route* route, int status) {
  const std::size_t place =
      route == nullptr ? route_table().size() : static_cast<std::size_t>(route - &route_table()[0]);
  const auto status_class = static_cast<std::size_t>(std::clamp(status / 100, 0, 5));
  counts_[place][status_class].fetch_add(1, std::memory_order_relaxed);
}

void AnswerCounts::write(MetricsText& text) const {
  text.family("reeve_http_requests", MetricType::counter, "Requests that were answered.");
  for (std::size_t place = 0; place <= route_table().size(); ++place) {
    const bool is_none = place == route_table().size();
    for (std::size_t i = 0; i < kClasses; ++i) {
      const std::uint64_t count = counts_[place][i].load(std::memory_order_relaxed);
      if (count == 0) continue;
      text.counter({{"route", is_none ? "(none)" : route_table()[place].path},
                    {"method", is_none ? "(any)" : route_table()[place].method},
                    {"status", kClassNames[i]}},
                   count);
    }
  }
}

}  // namespace reeve::api
