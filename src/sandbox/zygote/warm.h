// A program that process 1 starts before there is an attempt, and that waits for one: an
// interpreter with its modules imported. It gets all that the program of an attempt gets (user,
// session, filter, limits, pipes) and nothing more, and it becomes the attempt's main process when
// it is told of the attempt. Each serves one attempt. Single-threaded.
//
//   started ──"ready" on descriptor 4──► waits ──reads descriptor 3 to its end──► the attempt
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "sandbox/wire.h"
#include "sandbox/zygote/steps.h"

namespace reeve::sandbox::zygote {

struct Warm {
  pid_t pid = 0;
  int life = -1;     ///< readable when it has ended
  int request = -1;  ///< where it reads of its attempt
  WarmForm form = WarmForm::none;
};

struct WarmFailure {
  WarmStep step = WarmStep::none;  ///< none: all is well
  int error = 0;
  int status = 0;
};

/// The reader stands at the program and its files. Starts it and waits until it is ready; the
/// supervisor, which has the other ends of its pipes, decides how long.
WarmFailure warm_up(BlobReader& reader, Warm& warm);
/// Until there is something on the socket.
WarmFailure wait_with(const Warm& warm);
/// Waits for as long as it does not read.
WarmFailure hand_over(Warm& warm, const char* text, std::size_t size);

}  // namespace reeve::sandbox::zygote
