#include "cli/engine_access.h"

#include <poll.h>

#include <chrono>

namespace reeve::cli {

/// That somebody takes the connection does not say that an engine lives: a supervisor that was just
/// being forked when its engine was killed has copies of lock and socket until it executes. So the
/// engine is asked; when nobody is left, the copies close and the question fails.
Result<std::optional<api::ControlClient>> reach_engine(const StateLayout& layout) {
  using std::chrono::steady_clock;
  constexpr std::chrono::seconds kPatience{3};
  constexpr int kWaitMilliseconds = 30;
  const auto until = steady_clock::now() + kPatience;
  while (true) {
    if (!EngineLock::holder(layout)) return std::nullopt;
    auto client = api::ControlClient::connect(layout.socket());
    Error why;
    if (!client) {
      why = std::move(client).error();
    } else if (auto answer = client->call("status", {}); answer) {
      return std::optional(std::move(*client));
    } else {
      why = std::move(answer).error();
    }
    if (why.code != ErrorCode::unavailable || steady_clock::now() >= until)
      return tl::unexpected(std::move(why));
    ::poll(nullptr, 0, kWaitMilliseconds);
  }
}

Result<std::optional<boost::json::object>> ask_engine(const StateLayout& layout,
                                                      std::string_view method,
                                                      const boost::json::object& params) {
  constexpr int kTriesMax = 5;  // who closes on everybody is no engine that ends
  Error why;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    TRY_ASSIGN(auto engine, reach_engine(layout));
    if (!engine) return std::nullopt;
    auto answer = engine->call(method, params);
    if (answer) return std::optional(*std::move(answer));
    why = std::move(answer).error();
    if (!engine->has_ended()) break;
  }
  return tl::unexpected(std::move(why));
}

}  // namespace reeve::cli
