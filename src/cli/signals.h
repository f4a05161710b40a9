// The signals that reeve obeys, as a descriptor to wait on and counts to read. One object at a
// time; wait and take from one thread. Handlers, not a mask: children begin with the usual
// dispositions.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace reeve::cli {

struct SignalsTaken {
  int interrupts = 0;    ///< SIGINT: Ctrl-C
  int terminations = 0;  ///< SIGTERM
  bool hung_up = false;  ///< SIGHUP: the terminal is gone
  bool resized = false;  ///< SIGWINCH
  bool any() const { return interrupts > 0 || terminations > 0 || hung_up || resized; }
};

class Signals {
 public:
  /// Installs the handlers (and one that does nothing for SIGPIPE).
  static Result<Signals> open();
  /// Puts the former dispositions back.
  ~Signals();
  Signals(Signals&& other) noexcept = default;
  Signals& operator=(Signals&&) = delete;
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Readable while signals wait.
  int descriptor() const { return event_.get(); }
  /// Those that came since the last call.
  SignalsTaken take();

 private:
  explicit Signals(Fd event) : event_(std::move(event)) {}
  Fd event_;
};

}  // namespace reeve::cli
