// The sandboxes of batches between two attempts: one has ended, and process 1 waits for the next.
// Gives up what is not used again. One owner, which the sandboxes outlive; not thread-safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <unordered_map>

#include "base/fd.h"
#include "sandbox/door.h"
#include "supervisor/attempt.h"
#include "supervisor/sandboxes.h"

namespace reeve::supervisor {

struct BatchPlace {
  SandboxNumber sandbox = kNoSandbox;
  pid_t init = 0;  ///< 0: it has ended
  Fd files;
  sandbox::Door door;
};

class BatchPlaces {
 public:
  explicit BatchPlaces(Sandboxes& sandboxes) : sandboxes_(sandboxes) {}

  /// Takes from an attempt that has ended what the next of its batch can use. Not where the account
  /// of the control group has given it another verdict: then the sandbox is given up.
  void keep(Attempt& attempt, Sandbox& sandbox);
  /// What the last of its batch has left, if it is what this one asks for.
  std::optional<BatchPlace> take(const Attempt& attempt);
  void give_up(const BatchPlace& place);
  /// Nobody follows.
  void close(Token batch);
  void on_child_ended(pid_t pid);

 private:
  Sandboxes& sandboxes_;
  std::unordered_map<Token, BatchPlace> places_;  ///< by batch
};

}  // namespace reeve::supervisor
