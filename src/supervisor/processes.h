// What the kernel tells about processes: children, markers, life. Reads /proc; keeps nothing but an
// open file. Process ids can be reused at any time: callers hold a zombie, a group or a pidfd where
// that would matter.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/fd.h"

namespace reeve::supervisor {

/// Every attempt's environment carries REEVE_TOKEN=<state id>.<token>; so do those it starts.
inline constexpr std::string_view kMarkerVariable = "REEVE_TOKEN";

/// The direct children of this process, adopted ones and zombies too. For single-threaded
/// processes.
class OwnChildren {
 public:
  OwnChildren();
  /// Valid until the next call.
  const std::vector<pid_t>& list();

 private:
  Fd file_;
  std::string text_;
  std::vector<pid_t> pids_;
};

/// The children of all threads of a process.
std::vector<pid_t> children_of(pid_t pid);

/// The value of the marker variable that the process was started with; "" if none, or not readable.
std::string marker_of(pid_t pid);

/// All processes but this one whose marker starts with `prefix`.
std::vector<pid_t> marked_processes(std::string_view prefix);

/// Kills every process whose marker starts with `prefix`, and returns when none is left. Gives how
/// many there were. For what a dead supervisor left; those are not our children.
std::size_t sweep(std::string_view prefix);

}  // namespace reeve::supervisor
