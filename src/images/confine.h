// Shuts the process that reads a hostile archive in, for the rest of its life: nothing but one
// directory in sight, no network, no capability but to write there, and few system calls. So a flaw
// in the reading of archives ends in a spoilt layer. Single-threaded.
#pragma once

#include "base/result.h"

namespace reeve::images {

/// `directory` becomes the root. Descriptors that are open stay open: REQUIRES that none leads
/// elsewhere that matters. unsupported or io_failed, with the step.
Status confine_to(const char* directory);

}  // namespace reeve::images
