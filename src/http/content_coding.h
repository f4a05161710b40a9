// Shorter replies for those who accept them (RFC 9110, 8.4): zstd or gzip, whichever is preferred.
// Of text only, where it is worth it. Stateless; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace reeve::http {

enum class Coding : std::uint8_t { identity, gzip, zstd };

/// The best of what a header Accept-Encoding allows.
Coding choose_coding(std::string_view accepted);

/// Shortens the body if that is worth it (more than a kibibyte of text, at most `bytes_max`), and
/// says so in the headers. A validator becomes a weak one: the same thing, in other bytes.
void shorten(Response& response, Coding coding, std::size_t bytes_max);

}  // namespace reeve::http
