// Process 1 of one attempt: prepares its namespaces, waits for the request, starts the program as
// an ordinary process, passes signals on, reaps, and tells how it ended. Single-threaded.
#pragma once

#include "sandbox/zygote/steps.h"

namespace reeve::sandbox::zygote {

/// `reader` stands at the attempt's steps; a byte goes into `taken` when the request is there.
[[noreturn]] void run_init(BlobReader reader, Descriptors& descriptors, int taken);

}  // namespace reeve::sandbox::zygote
