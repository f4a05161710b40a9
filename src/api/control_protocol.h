// What another `reeve` process and the engine that holds a state directory say to each other: one
// JSON object per line, a request and its reply.
//   {"version":1,"id":7,"method":"cancel","params":{"run":12,"task":3}}
//   {"version":1,"id":7,"ok":true,"result":{...}}
//   {"version":1,"id":7,"ok":false,"error":{"code":"conflict","message":"...","causes":[...]}}
// The methods: status, explain, cancel, pause, resume, approve, retry, exec (whose result holds the
// ticket to show at the supervisor's enter.sock, docs/decisions/0005-exec.md).
// Reading refuses what is too long, too deep or not of this form. Values; no thread rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.h"

namespace reeve::api {

inline constexpr int kControlVersion = 1;
inline constexpr std::size_t kRequestBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kReplyBytesMax = std::size_t{1} << 20;

struct ControlRequest {
  std::int64_t id = 0;
  std::string method;
  boost::json::object params;
};
struct ControlReply {
  std::int64_t id = 0;
  Result<boost::json::object> result = boost::json::object{};
};

/// Without the end of the line.
std::string encode_request(const ControlRequest& request);
std::string encode_reply(const ControlReply& reply);
/// invalid_argument: not of this form. unsupported: another version.
Result<ControlRequest> decode_request(std::string_view line);
Result<ControlReply> decode_reply(std::string_view line);

/// Members of params: of the right type, or a failure that names them.
Result<std::uint32_t> number_param(const boost::json::object& params, std::string_view name);
Result<bool> flag_param(const boost::json::object& params, std::string_view name);
std::string text_param(const boost::json::object& params, std::string_view name);

}  // namespace reeve::api
