// JSON text of a value as JavaScript writes it (1.5, not 1.5E0), with a bound on its size. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "spec/expression.h"

namespace reeve::spec {

enum class JsonStyle : std::uint8_t { compact, pretty };

/// Appends; false when `out` would grow beyond `bytes_max` or the value is nested beyond 256
/// levels.
[[nodiscard]] bool append_json(std::string& out, const Json& value, JsonStyle style,
                               std::size_t bytes_max);

/// "3", "1.5", "1E+20" as GitHub prints numbers (15 significant digits); integers exactly.
std::string number_text(const Json& number);

/// "null", "boolean", "number", "string", "array" or "object".
std::string_view kind_name(const Json& value);

}  // namespace reeve::spec
