// Which part of a long list is asked for, where a cursor is a position in it. Pure; no thread rule.
#pragma once

#include <cstddef>

#include "api/call.h"
#include "api/submission.h"

namespace reeve::api {

struct Page {
  std::size_t first = 0;
  std::size_t limit = 0;
};

inline constexpr std::int64_t kItemsUsual = 1000;
inline constexpr std::int64_t kItemsMax = 10'000;

/// 400 for a limit that is too large, and for what is no cursor of ours.
Checked<Page> page_of(const Call& call);

}  // namespace reeve::api
