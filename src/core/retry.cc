#include "core/retry.h"

#include <algorithm>
#include <cmath>

namespace reeve::core {
namespace {

/// Not the task's fault: never charged.
bool is_free(OutcomeClass outcome) {
  return outcome == OutcomeClass::lost || outcome == OutcomeClass::start_failed;
}

/// What the task names is not there, or may not be used: no try of it by itself changes that.
bool is_in_vain(ReasonCode why) {
  return why == ReasonCode::command_not_found || why == ReasonCode::command_not_executable ||
         why == ReasonCode::path_not_usable;
}

}  // namespace

Duration backoff_delay(const spec::Backoff& backoff, std::uint32_t n, std::uint64_t random) {
  // In doubles, since the factor's power overflows 64 bits after some sixty doublings.
  const double exponent = n > 0 ? static_cast<double>(n - 1) : 0.0;
  const double grown =
      static_cast<double>(backoff.initial.count()) * std::pow(backoff.factor, exponent);
  const double upper = std::min(grown, static_cast<double>(backoff.max.count()));
  const double fraction = backoff.jitter ? static_cast<double>(random >> 11) * 0x1.0p-53 : 1.0;
  return Duration{static_cast<std::int64_t>(std::max(0.0, upper * fraction))};
}

RetryDecision decide_retry(const spec::RetryPolicy& policy, const RetryQuestion& question) {
  const spec::RetryPolicy::ClassRule& rule = policy.rule(question.outcome);
  const auto limit_reached =
      rule.limit != spec::kNoLimit &&
      question.ends_of_class > static_cast<std::uint32_t>(std::max(rule.limit, 0));
  RetryDecision decision;
  if (is_in_vain(question.why)) {
    decision.reason = {ReasonCode::retry_in_vain, 0, 0};
    return decision;
  }
  if (is_free(question.outcome)) {
    decision.again = rule.retried && !limit_reached;
    decision.reason = {decision.again ? ReasonCode::retry_free : ReasonCode::retries_exhausted,
                       rule.limit, question.ends_of_class};
    // A lost attempt waits for nothing; a machine that cannot start processes gets time to recover.
    if (decision.again && question.outcome == OutcomeClass::start_failed)
      decision.delay = backoff_delay(policy.backoff, question.ends_of_class, question.random);
    return decision;
  }
  const auto max = static_cast<std::uint32_t>(std::max(policy.max, 0));
  if (!rule.retried) {
    decision.reason = {ReasonCode::retry_not_listed, policy.max, question.charged};
  } else if (question.charged >= max || limit_reached) {
    decision.reason = {ReasonCode::retries_exhausted, policy.max, question.charged};
  } else {
    decision.again = true;
    decision.charged = true;
    decision.delay = backoff_delay(policy.backoff, question.charged + 1, question.random);
    decision.reason = {ReasonCode::retry_charged, policy.max, question.charged + 1};
  }
  return decision;
}

}  // namespace reeve::core
