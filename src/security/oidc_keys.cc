#include "security/oidc_keys.h"

#include <algorithm>
#include <utility>

namespace reeve::security {
namespace {

constexpr std::uint32_t kDoublingsMax = 16;

}  // namespace

void OidcRest::failed(Time now) {
  const Duration pause = first_pause_ * (1 << std::min(failures_, kDoublingsMax));
  until_ = now + std::min(pause, longest_pause_);
  ++failures_;
}

OidcKeys::Step OidcKeys::step(bool is_there, Time fetched_at, Duration fresh_for, Time now) const {
  // A clock that was put back makes everything stale, and nothing unusable.
  const Duration age = is_there ? now - fetched_at : Duration{0};
  if (is_there && age >= Duration{0} && age < fresh_for) return Step::use;
  if (!rest_.is_on(now)) return Step::fetch;
  return is_there && age < limits_.keep_for ? Step::use : Step::wait;
}

OidcKeys::Step OidcKeys::before_addresses(Time now) const {
  return step(endpoints_.has_value(), endpoints_at_, limits_.addresses_fresh_for, now);
}

OidcKeys::Step OidcKeys::before_check(Time now) const {
  return step(!jwks_.empty(), jwks_at_, limits_.fresh_for, now);
}

OidcKeys::Step OidcKeys::after_unknown_key(Time now) const {
  if (rest_.is_on(now)) return Step::use;
  const bool is_early =
      unknown_at_ != kUnset && now >= unknown_at_ && now - unknown_at_ < limits_.unknown_pause;
  return is_early ? Step::use : Step::fetch;
}

void OidcKeys::addresses_fetched(OidcEndpoints endpoints, Time now) {
  // Keys belong to the address that they were fetched from.
  if (endpoints_ && endpoints_->keys != endpoints.keys) jwks_.clear();
  endpoints_ = std::move(endpoints);
  endpoints_at_ = now;
  rest_.answered();
}

void OidcKeys::keys_fetched(std::string jwks, Time now, bool was_for_unknown) {
  jwks_ = std::move(jwks);
  jwks_at_ = now;
  if (was_for_unknown) unknown_at_ = now;
  rest_.answered();
}

void OidcKeys::failed(Time now, bool was_for_unknown) {
  if (was_for_unknown) unknown_at_ = now;
  rest_.failed(now);
}

}  // namespace reeve::security
