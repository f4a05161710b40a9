#include "api/page.h"

#include <fmt/format.h>

namespace reeve::api {

Checked<Page> page_of(const Call& call) {
  const auto refuse = [](std::string detail) {
    return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument", std::move(detail)));
  };
  const std::int64_t limit = call.number("limit").value_or(kItemsUsual);
  if (limit < 1 || limit > kItemsMax)
    return refuse(fmt::format("the parameter 'limit' must be from 1 to {}", kItemsMax));
  const auto first = call.number("cursor");
  if (!first && call.parameter("cursor") != nullptr)
    return refuse("the parameter 'cursor' must be the next_cursor of an earlier answer");
  return Page{static_cast<std::size_t>(first.value_or(0)), static_cast<std::size_t>(limit)};
}

}  // namespace reeve::api
