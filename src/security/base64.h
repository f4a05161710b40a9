// Bytes as text for JSON, RFC 4648 section 4, with padding. Pure; no thread rule.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve::security {

std::string to_base64(std::string_view bytes);
/// invalid_argument for what is not exactly that; the message does not repeat it.
Result<std::string> from_base64(std::string_view text);

}  // namespace reeve::security
