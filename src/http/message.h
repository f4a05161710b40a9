// Requests and replies of HTTP as the rest of the program sees them: no library of ours or others'
// shows through. Values; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace reeve::http {

struct Header {
  std::string name;  ///< of requests: in lower case
  std::string value;
};

/// Who is at the other end. The same for all requests of a connection.
struct Peer {
  std::string address;                   ///< "127.0.0.1:41234", "[::1]:41234" or "unix"
  std::optional<std::uint32_t> user_id;  ///< of a Unix socket
  bool is_encrypted = false;             ///< TLS
  std::string certificate;               ///< subject of a verified client certificate, or ""
};

/// Checked already: one Host in HTTP/1.1, no ambiguous length, nothing longer than the limits.
struct Request {
  std::string method;  ///< as sent: GET, POST, ...
  std::string path;    ///< before '?', still percent-encoded; begins with '/'
  std::string query;   ///< behind '?', still percent-encoded
  std::vector<Header> headers;
  std::string body;
  Peer peer;

  /// The first of that name (lower case), or null.
  const std::string* header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::vector<Header> headers;  ///< without Date, Content-Length, Connection
  std::string body;
};

std::string_view status_text(int status);

/// %41 → 'A'; '+' stays. invalid_argument: a broken escape, or NUL.
Result<std::string> percent_decode(std::string_view text);
/// Everything but letters, digits and -._~ escaped.
std::string percent_encode(std::string_view text);

/// The parameters of a query string, in their order; '+' is a space.
using Parameters = std::vector<std::pair<std::string, std::string>>;
Result<Parameters> parse_query(std::string_view query);

}  // namespace reeve::http
