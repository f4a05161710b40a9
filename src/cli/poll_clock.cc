#include "cli/poll_clock.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

constexpr Duration kPauseMin = std::chrono::milliseconds{100};
constexpr Duration kPauseMax = std::chrono::seconds{5};

}  // namespace

void PollClock::look_begins() { begun_ = wall_now(); }

void PollClock::look_ends() {
  pause_ = std::clamp<Duration>((wall_now() - begun_) * 4, kPauseMin, kPauseMax);
}

SignalsTaken PollClock::wait(Time deadline) {
  Duration pause = pause_;
  if (deadline != kNever) pause = std::clamp<Duration>(deadline - wall_now(), Duration{0}, pause);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(pause).count();
  std::array<pollfd, 2> waits{{{signals_.descriptor(), POLLIN, 0}, {extra_, POLLIN, 0}}};
  ::poll(waits.data(), waits.size(), static_cast<int>(milliseconds));
  return signals_.take();
}

}  // namespace reeve::cli
