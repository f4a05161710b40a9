// Whether a failed attempt is tried again, when, and why. Pure.
#pragma once

#include <cstdint>

#include "base/outcome.h"
#include "spec/policy.h"

namespace reeve::core {

struct RetryQuestion {
  OutcomeClass outcome = OutcomeClass::none;
  std::uint32_t ends_of_class = 0;  ///< attempts that ended this way, this one included
  std::uint32_t charged = 0;        ///< retries charged so far
  std::uint64_t random = 0;
  ReasonCode why = ReasonCode::none;  ///< it ended so
};
struct RetryDecision {
  bool again = false;
  bool charged = false;
  Duration delay{0};
  Reason reason;
};
RetryDecision decide_retry(const spec::RetryPolicy& policy, const RetryQuestion& question);

/// The wait before the n-th retry (n from 1): see spec::Backoff. `random` is uniform over 64 bits.
Duration backoff_delay(const spec::Backoff& backoff, std::uint32_t n, std::uint64_t random);

}  // namespace reeve::core
