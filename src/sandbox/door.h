// The door of an attempt that runs in a sandbox: through it more programs are started there, beside
// its own, by its process 1. What becomes of them comes back as replies of the zygote's socket
// (entered, left, refused). Only the supervisor has this end, and no program inside has the other.
// Never waits. One owner; not thread-safe.
#pragma once

#include <cstdint>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/step.h"

namespace reeve::sandbox {

struct ProgramStreams {
  int input = -1;
  int output = -1;
  int errors = -1;
};

/// Both ends: the supervisor's, and that of process 1.
Result<std::pair<Fd, Fd>> make_door();

class Door {
 public:
  Door() = default;
  explicit Door(Fd socket) : socket_(std::move(socket)) {}

  enum class Terminal : std::uint8_t { none, standard_input };
  /// `visitor`: a number that is not in use, for the replies.
  Status enter(std::uint32_t visitor, const ProgramRequest& request, const ProgramStreams& streams,
               Terminal terminal);
  /// The main program of the next attempt of a batch. REQUIRES that that of the last has ended, and
  /// a request that stays open for both. What is left of the last is killed, and its files go.
  Status follow(const ProgramRequest& request, const ProgramStreams& streams);
  /// To the visitor's process group, and SIGCONT after it.
  Status signal(std::uint32_t visitor, int signal);

 private:
  Fd socket_;
};

}  // namespace reeve::sandbox
