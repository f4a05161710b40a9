// What Attempts tells the supervisor. Single-threaded, as Attempts is.
#pragma once

#include <string>

#include "sandbox/wire.h"
#include "supervisor/protocol.h"

namespace reeve::supervisor {

/// Where Attempts reports. Called within the calls of Attempts; must not call back.
class AttemptEvents {
 public:
  virtual ~AttemptEvents() = default;
  virtual void on_started(Token token, Time at) = 0;
  virtual void on_progress(Progress progress) = 0;
  virtual void on_samples(Samples samples) = 0;
  virtual void on_ended(Ended ended, const Resources& freed) = 0;
  virtual void on_hold(const AttemptHold& hold) = 0;
  /// Of somebody who entered, or could not. `why`: for people, if it failed.
  virtual void on_visit(const sandbox::Reply& reply, std::string why) = 0;
};

}  // namespace reeve::supervisor
