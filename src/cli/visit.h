// The way in: shows the supervisor a ticket, hands over the far ends of a terminal or of pipes, and
// moves what is read and written until the program inside has ended. One thread, main's.
#pragma once

#include "base/ids.h"
#include "cli/session.h"
#include "cli/state_directory.h"

namespace reeve::cli {

/// The exit status of the program inside; 128 + n when a signal ended it, or this process.
Ended visit(const Session& session, const StateLayout& layout, const Uuid& ticket);

}  // namespace reeve::cli
