// What part of a body is asked for: one range of bytes (RFC 9110, 14). Pure; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reeve::api {

struct ByteRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;     ///< behind the last byte
  bool is_partial = false;  ///< 206
  bool is_beyond = false;   ///< 416
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Of `size` bytes. What is no range, or several of them, means everything, as the RFC allows.
ByteRange byte_range(std::string_view header, std::int64_t size);

/// Whether a header If-None-Match or If-Match names the tag, compared as strings of bytes; "*"
/// names any.
bool names_etag(std::string_view header, std::string_view etag);

}  // namespace reeve::api
