#include "api/control_protocol.h"

#include <algorithm>
#include <limits>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace reeve::api {
namespace {

namespace json = boost::json;

Result<json::object> parse_object(std::string_view line) {
  json::parse_options options;
  options.max_depth = 16;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(line.data(), line.size()), error, {}, options);
  if (error || !value.is_object())
    return fail(ErrorCode::invalid_argument, "the line is not a JSON object");
  json::object object = std::move(value.get_object());
  const auto* version = object.if_contains("version");
  if (version == nullptr || !version->is_int64())
    return fail(ErrorCode::invalid_argument, "the line has no version");
  if (version->get_int64() != kControlVersion)
    return fail(ErrorCode::unsupported,
                fmt::format("the other side speaks version {}, this one {}: use the same reeve",
                            version->get_int64(), kControlVersion));
  return object;
}

std::int64_t id_of(const json::object& object) {
  const auto* id = object.if_contains("id");
  return id != nullptr && id->is_int64() ? id->get_int64() : 0;
}

json::object error_object(const Error& error) {
  json::array causes;
  for (const std::string& cause : error.causes) causes.emplace_back(cause);
  return {
      {"code", info(error.code).name}, {"message", error.message}, {"causes", std::move(causes)}};
}

Error read_error(const json::object& object) {
  Error error{ErrorCode::io_failed, text_param(object, "message"), {}};
  const std::string code = text_param(object, "code");
  const auto table = error_code_table();
  const auto found = std::ranges::find(table, code, &ErrorCodeInfo::name);
  if (found != table.end()) error.code = found->code;
  if (const auto* causes = object.if_contains("causes"); causes != nullptr && causes->is_array()) {
    for (const json::value& cause : causes->get_array()) {
      if (cause.is_string()) error.causes.emplace_back(cause.get_string());
    }
  }
  return error;
}

}  // namespace

std::string encode_request(const ControlRequest& request) {
  return json::serialize(json::object{{"version", kControlVersion},
                                      {"id", request.id},
                                      {"method", request.method},
                                      {"params", request.params}});
}

std::string encode_reply(const ControlReply& reply) {
  json::object object{{"version", kControlVersion}, {"id", reply.id}};
  object["ok"] = reply.result.has_value();
  if (reply.result) {
    object["result"] = *reply.result;
  } else {
    object["error"] = error_object(reply.result.error());
  }
  return json::serialize(object);
}

Result<ControlRequest> decode_request(std::string_view line) {
  TRY_ASSIGN(const json::object object, parse_object(line));
  ControlRequest request{.id = id_of(object), .method = text_param(object, "method")};
  if (request.method.empty())
    return fail(ErrorCode::invalid_argument, "the request names no method");
  if (const auto* params = object.if_contains("params"); params != nullptr) {
    if (!params->is_object()) return fail(ErrorCode::invalid_argument, "params is not an object");
    request.params = params->get_object();
  }
  return request;
}

Result<ControlReply> decode_reply(std::string_view line) {
  TRY_ASSIGN(const json::object object, parse_object(line));
  ControlReply reply{.id = id_of(object)};
  if (const auto* result = object.if_contains("result"); result != nullptr && result->is_object()) {
    reply.result = result->get_object();
    return reply;
  }
  const auto* error = object.if_contains("error");
  if (error == nullptr || !error->is_object())
    return fail(ErrorCode::invalid_argument, "the reply has neither a result nor an error");
  reply.result = tl::unexpected(read_error(error->get_object()));
  return reply;
}

Result<std::uint32_t> number_param(const json::object& params, std::string_view name) {
  const auto* value = params.if_contains(name);
  constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0 &&
      value->get_int64() <= kMax)
    return static_cast<std::uint32_t>(value->get_int64());
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: a number from 0 to {} is missing", name, kMax));
}

Result<bool> flag_param(const json::object& params, std::string_view name) {
  const auto* value = params.if_contains(name);
  if (value != nullptr && value->is_bool()) return value->get_bool();
  return fail(ErrorCode::invalid_argument, fmt::format("{}: true or false is missing", name));
}

std::string text_param(const json::object& params, std::string_view name) {
  const auto* value = params.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

}  // namespace reeve::api
