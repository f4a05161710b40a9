// Whether a JSON text has an object with the same member twice. Boost.JSON keeps the last one,
// other readers the first: who relies on either can be told two things by one text. Pure; no thread
// rule.
#pragma once

#include <string_view>

namespace reeve::security {

/// `text` has been parsed as JSON without error: nothing else is checked here.
bool has_duplicate_members(std::string_view text);

}  // namespace reeve::security
