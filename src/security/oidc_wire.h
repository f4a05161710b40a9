// What is sent to an identity provider and what it answers: authorization requests with PKCE (RFC
// 7636), token requests and replies (RFC 6749, OpenID Connect Core), and the device flow (RFC 8628)
// with its rules of waiting. Pure; nothing is sent here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reeve::security {

inline constexpr std::size_t kTokenReplyBytesMax = 64 * 1024;

/// RFC 4648 §5, without padding.
std::string base64url_of(std::string_view bytes);
/// 32 random bytes as base64url: for state, nonce, verifier and cookie.
std::string random_words();
/// S256 of a verifier.
std::string pkce_challenge(std::string_view verifier);

using FormFields = std::vector<std::pair<std::string_view, std::string>>;
/// application/x-www-form-urlencoded.
std::string form_text(const FormFields& fields);
/// "openid", and those of `more` that are words, once each.
std::string scope_text(std::span<const std::string> more);
/// `endpoint` with these behind what it has already.
std::string with_query(std::string_view endpoint, const FormFields& fields);
/// Value of Authorization, for client_secret_basic.
std::string basic_authorization(std::string_view client, std::string_view secret);

/// The ID token of a reply of the token endpoint. unauthenticated: the provider refused, and as
/// what (its `error`); unavailable: it answers with something else, or is out of order.
Result<std::string> read_token_reply(int status, std::string_view body);

struct DeviceGrant {
  std::string device_code;  ///< secret
  std::string user_code;    ///< printable ASCII
  std::string place;        ///< URL that people go to
  std::string whole_place;  ///< the same with the code in it, or ""
  Duration life = Duration{0};
  Duration pause = std::chrono::seconds{5};
};
Result<DeviceGrant> read_device_reply(int status, std::string_view body);

/// One device that asks until there is an answer. The caller waits pause() between two requests.
class DevicePolling {
 public:
  DevicePolling(const DeviceGrant& grant, Time now)
      : pause_(grant.pause),
        until_(now + grant.life) {}

  Duration pause() const { return pause_; }
  /// The ID token; "": ask again after pause(). Else it is over: unauthenticated says why.
  Result<std::string> on_reply(int status, std::string_view body, Time now);
  /// Nobody answered: twice as long a pause. unauthenticated when the time is up.
  Status on_silence(Time now);

 private:
  Status check_time(Time now) const;

  Duration pause_;
  const Time until_;
};

}  // namespace reeve::security
