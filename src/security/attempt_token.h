// Tokens that tasks act with: nothing of them is stored. They say which attempt of which run they
// are for and until when, and carry a keyed BLAKE2b MAC over that. Whoever has one can do to that
// run what attempt_actions() lists, and nothing else. Pure; no thread rule.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "base/codec.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "security/policy.h"

namespace reeve::security {

using MacKey = std::array<std::uint8_t, 32>;

struct AttemptGrant {
  Uuid run;
  std::string name_space;
  std::string task;           ///< its name, for the audit log
  std::uint32_t attempt = 0;  ///< number
  Time expires_at = kUnset;
  std::uint32_t index = 0;  ///< of the task in its run
  static constexpr auto fields() {
    return std::tuple{field("run", &AttemptGrant::run),
                      field("namespace", &AttemptGrant::name_space),
                      field("task", &AttemptGrant::task),
                      field("attempt", &AttemptGrant::attempt),
                      field("expires_at", &AttemptGrant::expires_at),
                      field("index", &AttemptGrant::index)};
  }
  friend bool operator==(const AttemptGrant&, const AttemptGrant&) = default;
};

/// "reeve_…". A task name longer than 200 bytes is cut.
std::string sign_attempt(const AttemptGrant& grant, const MacKey& key);
/// unauthenticated: forged, damaged or expired. `body` is that of a TokenKind::attempt.
Result<AttemptGrant> check_attempt(std::string_view body, const MacKey& key, Time now);
Identity identity_of(const AttemptGrant& grant);

}  // namespace reeve::security
