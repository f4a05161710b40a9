// When the keys and addresses of an identity provider are fetched, and how long those at hand hold.
// Keys that are fresh are used as they are; stale ones are fetched again, and go on being used for
// a time when that fails. A token that names a key we do not have makes us fetch once, and never
// more often than a limit: who sends made-up names makes nobody busy. A provider that failed is
// left alone for a while, twice as long each time. Pure: what is fetched, and when it is, comes
// from outside. One owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "security/oidc_discovery.h"

namespace reeve::security {

struct OidcKeyLimits {
  Duration fresh_for = std::chrono::minutes{10};  ///< also: how long a withdrawn key still counts
  Duration addresses_fresh_for = std::chrono::hours{1};
  Duration keep_for = std::chrono::hours{24};        ///< while nobody answers
  Duration unknown_pause = std::chrono::minutes{1};  ///< between fetches for names of keys
  Duration first_pause = std::chrono::seconds{2};    ///< after a failure
  Duration longest_pause = std::chrono::minutes{1};
};

/// An address that failed is left alone, twice as long each time it fails again.
class OidcRest {
 public:
  explicit OidcRest(const OidcKeyLimits& limits = {})
      : first_pause_(limits.first_pause),
        longest_pause_(limits.longest_pause) {}
  bool is_on(Time now) const { return failures_ > 0 && now < until_; }
  Duration left(Time now) const { return is_on(now) ? until_ - now : Duration{0}; }
  void failed(Time now);
  void answered() { failures_ = 0; }

 private:
  const Duration first_pause_;
  const Duration longest_pause_;
  std::uint32_t failures_ = 0;
  Time until_ = kUnset;
};

class OidcKeys {
 public:
  enum class Step : std::uint8_t {
    use,    ///< what is at hand
    fetch,  ///< first, then ask again; a failure is told with failed()
    wait,   ///< nothing usable, and it is too early to try again: the provider is away
  };

  explicit OidcKeys(OidcKeyLimits limits = {}) : limits_(limits), rest_(limits) {}

  /// Before anything that takes the addresses.
  Step before_addresses(Time now) const;
  /// Before a token is checked.
  Step before_check(Time now) const;
  /// The token names no key of ours: `fetch`, or `use` for "it is not genuine".
  Step after_unknown_key(Time now) const;
  /// How long `wait` goes on.
  Duration pause(Time now) const { return rest_.left(now); }

  void addresses_fetched(OidcEndpoints endpoints, Time now);
  /// `was_for_unknown`: counts against the limit for names of keys.
  void keys_fetched(std::string jwks, Time now, bool was_for_unknown);
  /// The provider did not answer, or not with what it should.
  void failed(Time now, bool was_for_unknown);

  const OidcEndpoints& endpoints() const { return *endpoints_; }
  const std::string& jwks() const { return jwks_; }

 private:
  Step step(bool is_there, Time fetched_at, Duration fresh_for, Time now) const;

  const OidcKeyLimits limits_;
  std::optional<OidcEndpoints> endpoints_;
  Time endpoints_at_ = kUnset;
  std::string jwks_;
  Time jwks_at_ = kUnset;
  Time unknown_at_ = kUnset;  ///< of the last fetch for the name of a key
  OidcRest rest_;
};

}  // namespace reeve::security
