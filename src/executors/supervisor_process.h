// Starts a supervisor as a process that belongs to nobody: its own session, init for a parent, none
// of our terminal. Safe in a process with threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::executors {

struct SupervisorCommand {
  std::string program;
  std::vector<std::string> arguments;  ///< that make the program a supervisor
  std::string state_directory;
  Duration idle_end{0};
  std::int64_t image_bytes_max = 0;
  std::string oci_runtime;
};

/// A connection to a supervisor.
struct SupervisorSocket {
  Fd socket;
  std::int64_t pid = 0;  ///< of the supervisor; 0 when not known
};

/// To a new one. It may still refuse, if another one holds the state.
Result<SupervisorSocket> start_supervisor(const SupervisorCommand& command);

}  // namespace reeve::executors
