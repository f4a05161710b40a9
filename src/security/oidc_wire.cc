#include "security/oidc_wire.h"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"
#include "base/text.h"
#include "security/json_duplicates.h"
#include "security/oidc_discovery.h"
#include "security/oidc_token.h"

namespace reeve::security {
namespace {

namespace wire = boost::json;

constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kShownMax = 200;
constexpr std::size_t kCodeBytesMax = 2048;
constexpr std::int64_t kLifeSecondsMax = 3600;
constexpr std::int64_t kPauseSecondsMax = 60;
constexpr Duration kSlower = std::chrono::seconds{5};  ///< RFC 8628 §3.5
constexpr Duration kLongestPause = std::chrono::minutes{1};

std::string base64_of(std::string_view bytes, int variant) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), variant);
  out.resize(out.find('\0'));
  return out;
}

std::string form_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

auto strange_reply(std::string_view why) {
  return fail(
      ErrorCode::unavailable,
      fmt::format("the identity provider answers with something else than it should: {}", why));
}

std::optional<wire::object> reply_object(std::string_view body) {
  if (body.size() > kTokenReplyBytesMax || !is_valid_utf8(body)) return std::nullopt;
  boost::system::error_code error;
  wire::value value = wire::parse(body, error);
  if (error || !value.is_object() || has_duplicate_members(body)) return std::nullopt;
  return std::move(value.get_object());
}

std::string reply_text(const wire::object& object, std::string_view name) {
  const wire::value* const found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// What a provider says of a refusal: its word and its sentence, fit to be shown.
std::string refusal_text(const wire::object& object) {
  std::string text = sanitize_for_terminal(reply_text(object, "error").substr(0, kShownMax));
  const std::string more = reply_text(object, "error_description").substr(0, kShownMax);
  if (!more.empty()) text += " (" + sanitize_for_terminal(more) + ")";
  return text;
}

auto refused_by_provider(const wire::object& object) {
  return fail(ErrorCode::unauthenticated,
              "the identity provider refuses the login: " + refusal_text(object));
}

std::int64_t whole_number(const wire::object& object, std::string_view name, std::int64_t usual) {
  const wire::value* const found = object.if_contains(name);
  if (found == nullptr) return usual;
  if (found->is_int64()) return found->get_int64();
  return found->is_double() && found->get_double() > 0 && found->get_double() < 1e9
             ? static_cast<std::int64_t>(found->get_double())
             : -1;
}

bool is_printable_word(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::string base64url_of(std::string_view bytes) {
  return base64_of(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

std::string random_words() {
  std::string bytes(kRandomBytes, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return base64url_of(bytes);
}

std::string pkce_challenge(std::string_view verifier) {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  ENSURE(crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                            reinterpret_cast<const unsigned char*>(verifier.data()),
                            verifier.size()) == 0);
  return base64url_of(digest);
}

std::string form_text(const FormFields& fields) {
  std::string out;
  for (const auto& [name, value] : fields)
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, form_encoded(value));
  return out;
}

std::string scope_text(std::span<const std::string> more) {
  std::vector<std::string> words = {"openid"};
  for (const std::string& each : more) {
    const bool is_word =
        is_printable_word(each, kShownMax) && each.find_first_of("\"\\") == std::string::npos;
    if (is_word && std::ranges::find(words, each) == words.end()) words.push_back(each);
  }
  return fmt::format("{}", fmt::join(words, " "));
}

std::string with_query(std::string_view endpoint, const FormFields& fields) {
  const std::string_view between = endpoint.find('?') == std::string_view::npos ? "?" : "&";
  return fmt::format("{}{}{}", endpoint, between, form_text(fields));
}

std::string basic_authorization(std::string_view client, std::string_view secret) {
  // RFC 6749 §2.3.1: both are encoded as in a form first.
  return "Basic " + base64_of(form_encoded(client) + ":" + form_encoded(secret),
                              sodium_base64_VARIANT_ORIGINAL);
}

namespace {

/// What a provider grants; a failure says what it does not.
Result<wire::object> accepted_reply(int status, std::string_view body) {
  if (status >= 500)
    return fail(ErrorCode::unavailable,
                fmt::format("the identity provider is out of order (status {})", status));
  const auto reply = reply_object(body);
  if (!reply) return strange_reply("no JSON object");
  if (status != 200) {
    if (reply_text(*reply, "error").empty()) return strange_reply(fmt::format("status {}", status));
    return refused_by_provider(*reply);
  }
  return *reply;
}

}  // namespace

Result<std::string> read_token_reply(int status, std::string_view body) {
  TRY_ASSIGN(const wire::object reply, accepted_reply(status, body));
  std::string token = reply_text(reply, "id_token");
  if (token.empty()) return strange_reply("there is no ID token in it");
  if (token.size() > kJwtBytesMax) return strange_reply("its ID token is too large");
  return token;
}

Result<DeviceGrant> read_device_reply(int status, std::string_view body) {
  TRY_ASSIGN(const wire::object reply, accepted_reply(status, body));
  DeviceGrant grant{.device_code = reply_text(reply, "device_code"),
                    .user_code = reply_text(reply, "user_code"),
                    .place = reply_text(reply, "verification_uri"),
                    .whole_place = reply_text(reply, "verification_uri_complete")};
  if (!is_printable_word(grant.device_code, kCodeBytesMax))
    return strange_reply("there is no device_code in it");
  if (!is_printable_word(grant.user_code, 64)) return strange_reply("there is no user_code in it");
  if (!IssuerUrl::parse(grant.place)) return strange_reply("its verification_uri is no URL");
  if (!grant.whole_place.empty() && !IssuerUrl::parse(grant.whole_place)) grant.whole_place.clear();
  const std::int64_t life = whole_number(reply, "expires_in", -1);
  const std::int64_t pause = whole_number(reply, "interval", 5);
  if (life <= 0) return strange_reply("there is no expires_in in it");
  if (pause < 0) return strange_reply("its interval is no number of seconds");
  grant.life = std::chrono::seconds{std::min(life, kLifeSecondsMax)};
  grant.pause = std::chrono::seconds{std::clamp<std::int64_t>(pause, 1, kPauseSecondsMax)};
  return grant;
}

Status DevicePolling::check_time(Time now) const {
  if (now < until_) return {};
  return fail(ErrorCode::unauthenticated, "nobody has confirmed the login in time: begin anew");
}

Result<std::string> DevicePolling::on_reply(int status, std::string_view body, Time now) {
  if (status >= 500) {
    TRY(on_silence(now));
    return std::string();
  }
  const auto reply = reply_object(body);
  const std::string error = reply && status != 200 ? reply_text(*reply, "error") : "";
  if (error == "access_denied")
    return fail(ErrorCode::unauthenticated, "the login was denied at the identity provider");
  if (error == "expired_token")
    return fail(ErrorCode::unauthenticated, "nobody has confirmed the login in time: begin anew");
  if (error != "authorization_pending" && error != "slow_down")
    return read_token_reply(status, body);
  if (error == "slow_down") pause_ = std::min(pause_ + kSlower, kLongestPause);
  TRY(check_time(now));
  return std::string();
}

Status DevicePolling::on_silence(Time now) {
  pause_ = std::min(pause_ * 2, kLongestPause);
  return check_time(now);
}

}  // namespace reeve::security
