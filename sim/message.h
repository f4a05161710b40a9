// The kinds of messages between the engine and an executor, for traces and fault counts. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reeve::sim {

enum class Message : std::uint8_t {
  set_capacity,
  start,
  stop,
  probe,
  forget,
  started,
  progress,
  ended,
  liveness,
  down,
  up,
};
inline constexpr std::size_t kMessageCount = static_cast<std::size_t>(Message::up) + 1;
std::string_view name(Message message);

}  // namespace reeve::sim
