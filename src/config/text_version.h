// One version of a named text that is kept with its history. A value.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace reeve::config {

/// Instead of the version that a caller saw: whatever is there.
inline constexpr std::uint64_t kAnyVersion = ~std::uint64_t{0};

struct TextVersion {
  std::string name;
  std::string text;
  std::uint64_t version = 0;  ///< 1, 2, … of this name
  Time at = kUnset;
  std::string by;
  bool removed = false;
};

}  // namespace reeve::config
