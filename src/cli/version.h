// The version of this program, from the build. Constants.
#pragma once

#include <string_view>

namespace reeve::cli {

inline constexpr std::string_view kVersion = REEVE_VERSION;

}  // namespace reeve::cli
