// Rights as JSON, out and in, and the cookie of a session: what the handlers of tokens, roles and
// users share. Internal to api/. Stateless; no thread rule.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/body_reader.h"
#include "api/call.h"
#include "api/submission.h"
#include "security/credentials.h"

namespace reeve::api {

inline constexpr std::string_view kSessionCookie = "reeve_session";
/// What a page sends back with every change.
inline constexpr std::string_view kCsrfHeader = "x-csrf-token";

boost::json::array names_json(security::ActionSet actions);
boost::json::array texts_json(const std::vector<std::string>& texts);

/// role, namespaces and actions; what is not said stays as it is in `scope`. Finishes the reader.
/// 403: more than the caller has.
Checked<void> read_scope(ServiceParts& parts, const Call& call, BodyReader& reader,
                         security::Scope& scope);

JsonObject token_json(const security::TokenRecord& token);
/// 201, with the text of the token, this once.
void reply_new_token(const Call& call, const security::NewToken& made);

/// What Authorization has behind "Bearer ", or "".
std::string_view bearer_of(const http::Request& request);
/// "" where there is none.
std::string cookie_of(const http::Request& request, std::string_view name);
std::string session_cookie(const http::Request& request);
/// Set-Cookie of a session; `seconds` 0 does away with it.
std::string session_header(std::string_view value, std::int64_t seconds, bool is_encrypted);

}  // namespace reeve::api
