// What keeps failures from spreading: how often a queue tries again, and when attempts of a kind,
// or on a node, stop for a while. Values; no thread rule.
#pragma once

#include <cstdint>
#include <tuple>

#include "base/codec.h"
#include "base/time.h"

namespace reeve {

/// How often the tasks of a queue are tried again, all together. Each retry takes one from what is
/// saved up; beyond that retries wait for their turn, and none is lost.
struct RetryBudgetSetup {
  std::int32_t share_permille = 200;            ///< comes in for each 1000 attempts that succeed
  std::int32_t floor_per_kilosecond = 100'000;  ///< … in 1000 s, whatever succeeds; at least 1
  std::int32_t per_second_max = 1000;           ///< whatever was saved up
  friend bool operator==(const RetryBudgetSetup&, const RetryBudgetSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("share_permille", &RetryBudgetSetup::share_permille),
                      field("floor_per_kilosecond", &RetryBudgetSetup::floor_per_kilosecond),
                      field("per_second_max", &RetryBudgetSetup::per_second_max)};
  }
};

/// When a circuit opens: of the last `window` attempts of a task key, queue label or node at least
/// `failures_permille` failed, and at least `attempts_min` were made.
struct BreakerSetup {
  std::int32_t failures_permille = 0;  ///< 0: no breakers
  std::int32_t attempts_min = 10;
  Duration window = std::chrono::minutes{10};
  Duration open_for = std::chrono::minutes{1};  ///< then one probe; twice after each that fails
  friend bool operator==(const BreakerSetup&, const BreakerSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("failures_permille", &BreakerSetup::failures_permille),
                      field("attempts_min", &BreakerSetup::attempts_min),
                      field("window", &BreakerSetup::window),
                      field("open_for", &BreakerSetup::open_for)};
  }
};

}  // namespace reeve
