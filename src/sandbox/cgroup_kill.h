// Ends the processes of control groups. A process is signalled only while it is known to be in the
// group; never by a number that may be another's by now. Owns nothing, waits for nothing; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace reeve::sandbox {

/// The directory and all groups below it, a group before those in it.
std::vector<std::string> groups_of_tree(const std::string& directory);

/// SIGKILL to all processes in the groups and below them, but never to this process. They may take
/// a while to be gone. Where there is no cgroup.kill, pids.max is set to zero and left so, because
/// whoever forks faster than we read could not be caught.
Status kill_groups(const std::vector<std::string>& directories);

}  // namespace reeve::sandbox
