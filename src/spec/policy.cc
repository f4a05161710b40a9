#include "spec/policy.h"

namespace reeve::spec {

RetryPolicy RetryPolicy::standard() {
  constexpr std::int32_t kLostMax = 16;
  constexpr std::int32_t kStartFailedMax = 10;
  RetryPolicy policy;
  for (const OutcomeClass charged : {OutcomeClass::exited, OutcomeClass::signalled,
                                     OutcomeClass::timed_out, OutcomeClass::out_of_memory}) {
    policy.rule(charged).retried = true;
  }
  policy.rule(OutcomeClass::lost) = {.retried = true, .limit = kLostMax};
  policy.rule(OutcomeClass::start_failed) = {.retried = true, .limit = kStartFailedMax};
  return policy;
}

}  // namespace reeve::spec
