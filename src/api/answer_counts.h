// How many requests were answered, by route, method and class of status. Any thread; no lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "api/metrics_text.h"
#include "api/route.h"

namespace reeve::api {

class AnswerCounts {
 public:
  AnswerCounts();
  /// `route`: of the table; null: the request was for none of them.
  void add(const Route* route, int status);
  void write(MetricsText& text) const;

 private:
  static constexpr std::size_t kClasses = 6;  ///< 5xx is the last
  using Counts = std::array<std::atomic<std::uint64_t>, kClasses>;
  std::unique_ptr<Counts[]> counts_;  ///< by place in the table; the last is of none
};

}  // namespace reeve::api
