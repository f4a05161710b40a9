// `reeve simulate --dag`: recorded graphs of tasks on machines of several sizes.
#pragma once

#include "cli/session.h"

namespace reeve::cli {

Ended simulate_graphs(const Session& session);

}  // namespace reeve::cli
