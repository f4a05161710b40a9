// Those who enter an attempt that runs: programs that its process 1 starts beside the main one,
// told through the attempt's door, a socket of its own that nobody else in the sandbox has. At most
// kVisitorsMax at a time. Single-threaded.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace reeve::sandbox::zygote {

/// From now on SIGIO comes when somebody is at the door.
void open_door(int door);
/// A request for the main program of the next attempt of a batch: its descriptors are the taker's.
struct NextProgram {
  bool is_there = false;
  std::uint32_t blob_bytes = 0;
  int descriptors[4] = {-1, -1, -1, -1};  ///< the blob, then the standard streams
};
/// Obeys all that came through it; does not wait.
void serve_door(NextProgram& next);
/// Tells the end of a visitor; nothing if the process was none.
void on_visitor_ended(pid_t pid, int status);

}  // namespace reeve::sandbox::zygote
