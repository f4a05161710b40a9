// What the machine has left for Reeve: how much of its processors others use, and how long
// everything on it stood still for memory or disks (pressure stall information, "full avg10"). Read
// from /proc; what the kernel does not say counts as nothing. One owner.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/machine_load.h"
#include "base/time.h"

namespace reeve::supervisor {

/// Of two looks at /proc: sums that only grow.
struct MachineTimes {
  Duration busy{0};  ///< of all processors
  Duration all{0};
  Duration own{0};  ///< of Reeve: its supervisor with all below it, and its engine
};

/// Per mille of the processors that others used between the two; 0 when no time has passed.
std::int32_t others_between(const MachineTimes& before, const MachineTimes& after);
/// "full avg10=1.23 ..." of a file of /proc/pressure, per mille. 0: it is not there.
std::int32_t full_stall(const std::string& pressure);
/// Per mille of the memory that is available, of the text of /proc/meminfo. 1000: it does not say.
std::int32_t available_memory(const std::string& meminfo);

class MachineMeter {
 public:
  /// Rounded down to steps. `engine`: its process, if one is there. With more processes below us
  /// than can be looked at, what others use is not known, and counts as nothing.
  MachineLoad look(std::optional<pid_t> engine);

 private:
  std::optional<MachineTimes> last_;
};

}  // namespace reeve::supervisor
