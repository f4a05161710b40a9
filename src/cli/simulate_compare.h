// `reeve simulate --compare`: whether one policy is better than another, or only seems so.
#pragma once

#include "cli/session.h"

namespace reeve::cli {

Ended simulate_compare(const Session& session);

}  // namespace reeve::cli
