// The routes of single sign-on.
#include <array>

#include "api/handlers.h"
#include "api/route.h"

namespace reeve::api {
namespace {

constexpr auto kBeginSignOn = std::to_array<Parameter>(
    {{"return_to", Place::query, "string", "where to go afterwards: a path of this very site"}});
constexpr auto kFinishSignOn = std::to_array<Parameter>(
    {{"state", Place::query, "string", "which login it is"},
     {"code", Place::query, "string", "what the identity provider gives"},
     {"iss", Place::query, "string", "who answers"},
     {"error", Place::query, "string", "why it gives nothing"},
     {"error_description", Place::query, "string", "the same for people"}});
constexpr auto kSignOnReply = std::to_array<ReplyInfo>({{200, "SignOnReply"}});
constexpr auto kToProvider = std::to_array<ReplyInfo>({{302, ""}, {200, "SignOnPlaceReply"}});
constexpr auto kSignedOn = std::to_array<ReplyInfo>({{200, "Text", "text/html"}});
constexpr auto kExchanged = std::to_array<ReplyInfo>({{201, "NewTokenReply"}});
constexpr auto kOwnSession = std::to_array<ReplyInfo>({{200, "SessionReply"}});

constexpr auto kSignOnRoutes = std::to_array<Route>({
    {.method = "GET",
     .path = "/v1/sessions/current",
     .id = "getSession",
     .summary = "the session that asks, with what its changes need",
     .audience = Audience::known,
     .replies = kOwnSession,
     .handler = get_session},
    {.method = "GET",
     .path = "/v1/auth/oidc",
     .id = "getSignOn",
     .summary = "which identity provider signs people on",
     .audience = Audience::everybody,
     .replies = kSignOnReply,
     .handler = get_sign_on},
    {.method = "GET",
     .path = "/v1/auth/oidc/login",
     .id = "beginSignOn",
     .summary =
         "send a browser to the identity provider; who accepts application/json is told where",
     .audience = Audience::everybody,
     .parameters = kBeginSignOn,
     .replies = kToProvider,
     .handler = begin_sign_on},
    {.method = "GET",
     .path = "/v1/auth/oidc/callback",
     .id = "finishSignOn",
     .summary = "where it comes back from there; opens a session, as a cookie",
     .audience = Audience::everybody,
     .parameters = kFinishSignOn,
     .replies = kSignedOn,
     .is_lenient = true,
     .handler = finish_sign_on},
    {.method = "POST",
     .path = "/v1/auth/oidc/token",
     .id = "exchangeToken",
     .summary = "an ID token of the identity provider for a token of this service, once",
     .audience = Audience::everybody,
     .body = "Exchange",
     .replies = kExchanged,
     .is_secret = true,
     .handler = exchange_token},
});

}  // namespace

std::span<const Route> sign_on_routes() { return kSignOnRoutes; }

}  // namespace reeve::api
