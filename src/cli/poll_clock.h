// Waiting for another process: by looking again, at a distance that grows with what a look costs,
// and never longer than a signal of ours. One thread.
#pragma once

#include "base/time.h"
#include "cli/signals.h"

namespace reeve::cli {

class PollClock {
 public:
  explicit PollClock(Signals& signals) : signals_(signals) {}

  /// Around a look: the next wait is at least four times as long as it took.
  void look_begins();
  void look_ends();
  /// Waits, but not beyond `deadline`. What arrived meanwhile.
  SignalsTaken wait(Time deadline = kNever);
  /// Another descriptor that ends the wait early; -1: none.
  void also_wait_for(int descriptor) { extra_ = descriptor; }

 private:
  Signals& signals_;
  int extra_ = -1;
  Time begun_ = kUnset;
  Duration pause_ = std::chrono::milliseconds{100};
};

}  // namespace reeve::cli
