// What the API consists of: one table of routes, from which requests are routed and /openapi.json
// is made. Internal to api/. Constants; no thread rule.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/responder.h"
#include "security/policy.h"

namespace reeve::api {

struct ServiceParts;

/// One request on its way through a handler.
struct Call;
using CallPtr = std::shared_ptr<Call>;  // shared: by the handler and the callbacks it waits for

enum class Place : std::uint8_t { path, query, header };

struct Parameter {
  std::string_view name;
  Place place = Place::query;
  std::string_view type;  ///< "string", "integer", "boolean", or choices divided by '|'
  std::string_view meaning;
  bool repeats = false;
};

struct ReplyInfo {
  int status = 200;
  std::string_view schema;  ///< a component, or "" for none
  std::string_view type = "application/json";
};

enum class Audience : std::uint8_t {
  everybody,  ///< without saying who one is
  known,      ///< who has said who he is
  allowed,    ///< who may do the action
};

struct Route {
  std::string_view method;
  std::string_view path;  ///< "/v1/runs/{run}"
  std::string_view id;    ///< for generated clients
  std::string_view summary;
  Audience audience = Audience::allowed;
  security::Action action = security::Action::runs_read;
  std::span<const Parameter> parameters;
  std::string_view body;  ///< a component, or "" for none
  std::string_view body_type = "application/json";
  std::span<const ReplyInfo> replies;
  bool is_secret = false;  ///< the answer is given once, and not kept
  bool is_lenient =
      false;             ///< parameters that are not in the table are let pass, as RFC 6749 wants
  bool changes = false;  ///< needs an Idempotency-Key, and is audited
  void (*handler)(ServiceParts&, CallPtr) = nullptr;
};

std::span<const Route> route_table();
std::span<const Route> admin_routes();    ///< a part of it
std::span<const Route> sign_on_routes();  ///< another one
/// Whether the body may also be a workflow as it is in a file.
bool takes_yaml(const Route& route);

struct PathValue {
  std::string_view name;
  std::string value;  ///< decoded
};
struct Match {
  const Route* route = nullptr;
  std::vector<PathValue> values;
  std::vector<std::string_view> methods;  ///< of the path, where the method is not among them
  bool is_malformed = false;              ///< a broken escape
};
Match find_route(std::string_view method, std::string_view path);

/// The description, OpenAPI 3.1.
std::string openapi_document(std::string_view version);

}  // namespace reeve::api
