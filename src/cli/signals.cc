#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace reeve::cli {
namespace {

// What a handler may touch: lock-free atomics. Signals belong to the process, so do these.
std::atomic<int> event_descriptor{-1};
std::atomic<int> interrupts{0};
std::atomic<int> terminations{0};
std::atomic<bool> hung_up{false};
std::atomic<bool> resized{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

struct Handled {
  int number;
  struct sigaction before {};
};
std::array<Handled, 5> handled{{{SIGINT}, {SIGTERM}, {SIGHUP}, {SIGWINCH}, {SIGPIPE}}};

extern "C" void reeve_on_signal(int number) {
  const int error = errno;
  switch (number) {
    case SIGINT: ++interrupts; break;
    case SIGTERM: ++terminations; break;
    case SIGHUP: hung_up = true; break;
    case SIGWINCH: resized = true; break;
    default: errno = error; return;  // SIGPIPE: the write says EPIPE
  }
  const std::uint64_t one = 1;
  // Full means that it is readable already.
  if (::write(event_descriptor, &one, sizeof one) < 0) errno = error;
  errno = error;
}

}  // namespace

Result<Signals> Signals::open() {
  Fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) return fail_errno(errno, "cannot make an event descriptor");
  event_descriptor = event.get();
  for (Handled& each : handled) {
    struct sigaction action {};
    action.sa_handler = reeve_on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (::sigaction(each.number, nullptr, &each.before) != 0)
      return fail_errno(errno, "cannot read a signal's disposition");
    // nohup(1) and background jobs of plain shells ask for these to be ignored.
    const bool keeps =
        each.before.sa_handler == SIG_IGN && (each.number == SIGHUP || each.number == SIGINT);
    if (!keeps && ::sigaction(each.number, &action, nullptr) != 0)
      return fail_errno(errno, "cannot install a signal handler");
  }
  return Signals(std::move(event));
}

Signals::~Signals() {
  if (!event_) return;
  for (const Handled& each : handled) ::sigaction(each.number, &each.before, nullptr);
  event_descriptor = -1;
}

SignalsTaken Signals::take() {
  std::uint64_t count = 0;
  // An empty event is a call without a signal, which is fine.
  if (::read(event_.get(), &count, sizeof count) < 0) count = 0;
  return {.interrupts = interrupts.exchange(0),
          .terminations = terminations.exchange(0),
          .hung_up = hung_up.exchange(false),
          .resized = resized.exchange(false)};
}

}  // namespace reeve::cli
