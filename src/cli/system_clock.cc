#include "cli/system_clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>

#include "base/ensure.h"

namespace reeve::cli {
namespace {

Duration since_boot() {
  timespec at{};
  ENSURE(::clock_gettime(CLOCK_BOOTTIME, &at) == 0);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds{at.tv_sec} +
                                              std::chrono::nanoseconds{at.tv_nsec});
}

}  // namespace

Time wall_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

SystemClock::SystemClock() : start_(wall_now()), boot_start_(since_boot()) {}

void SystemClock::go_on_from(Time last) {
  if (last <= now()) return;
  start_ = last;
  boot_start_ = since_boot();
}

Time SystemClock::now() { return start_ + (since_boot() - boot_start_); }

std::uint64_t SystemRandom::bits() {
  if (used_ == block_.size()) {
    std::size_t filled = 0;
    auto* const bytes = reinterpret_cast<std::byte*>(block_.data());
    while (filled < sizeof block_) {
      const ssize_t got = ::getrandom(bytes + filled, sizeof block_ - filled, 0);
      if (got > 0) filled += static_cast<std::size_t>(got);
      ENSURE(got > 0 || errno == EINTR);
    }
    used_ = 0;
  }
  return block_[used_++];
}

}  // namespace reeve::cli
