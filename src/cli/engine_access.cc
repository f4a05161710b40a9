#include "cli/engine_access.h"

#include <poll.h>

#include <fmt/format.h>

namespace reeve::cli {

Result<std::optional<api::ControlClient>> reach_engine(const StateLayout& layout) {
  constexpr int kTries = 100;
  constexpr int kWaitMilliseconds = 30;
  Error last;
  for (int i = 0; i < kTries; ++i) {
    const auto holder = EngineLock::holder(layout);
    if (!holder) return std::nullopt;
    auto client = api::ControlClient::connect(layout.socket());
    if (client) return std::optional(std::move(*client));
    last = std::move(client).error();
    if (last.code != ErrorCode::unavailable) return tl::unexpected(std::move(last));
    ::poll(nullptr, 0, kWaitMilliseconds);
  }
  return tl::unexpected(std::move(last));
}

}  // namespace reeve::cli
