// Words for error messages: lists of names and "did you mean". Pure functions; no thread rule.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace reeve::spec {

/// ASCII letters only.
bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);

/// "a, b and c"; long lists are cut short.
std::string join_names(std::span<const std::string_view> names);

/// "did you mean 'x'?", or "" for "".
std::string suggestion(std::string_view candidate);
/// `message` with the suggestion behind it.
std::string with_suggestion(std::string message, std::string_view candidate);

}  // namespace reeve::spec
