// Those who enter an attempt that runs: programs that its process 1 starts beside the main one,
// told through the attempt's door, a socket of its own that nobody else in the sandbox has. At most
// kVisitorsMax at a time. Single-threaded.
#pragma once

#include <sys/types.h>

namespace reeve::sandbox::zygote {

/// From now on SIGIO comes when somebody is at the door.
void open_door(int door);
/// Obeys all that came through it; does not wait.
void serve_door();
/// Tells the end of a visitor; nothing if the process was none.
void on_visitor_ended(pid_t pid, int status);

}  // namespace reeve::sandbox::zygote
