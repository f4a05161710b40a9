// What the kernel tells about processes: children, markers, life. Reads /proc; keeps nothing but an
// open file. Process ids can be reused at any time: callers hold a zombie, a group or a pidfd where
// that would matter.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/time.h"

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

/// What /proc/PID/stat says.
struct ProcessStat {
  char state = 'X';                   ///< 'Z' and 'X': it has ended
  unsigned long flags = 0;            ///< PF_* of the kernel
  unsigned long environment_end = 0;  ///< 0: it has no memory of its own, or not set up yet
};
ProcessStat stat_of(pid_t pid);

/// The marker variable that a process was started with.
struct Marker {
  std::string value;          ///< "" if it has none, or it cannot be read
  bool is_undecided = false;  ///< it is just executing a program: ask again
};
Marker marker_of(pid_t pid);

/// A name of the pid namespace that the process is in; "" if it cannot be told.
std::string pid_namespace_of(pid_t pid);

/// All processes but this one whose marker starts with `prefix`.
std::vector<pid_t> marked_processes(std::string_view prefix);

/// Kills every process whose marker starts with `prefix`, and returns when none is left; or after
/// `patience`, when those that are left have all been killed and only do not end, as in
/// uninterruptible sleep: they run no code of their own any more. Gives these. For what a dead
/// supervisor left; those are not our children.
std::vector<pid_t> sweep(std::string_view prefix, Duration patience);

}  // namespace reeve::supervisor
