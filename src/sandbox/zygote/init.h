// Process 1 of one attempt: prepares its namespaces, waits for the request, starts the program as
// an ordinary process (or hands the request to one that it started before), passes signals on,
// reaps, and tells how it ended. Single-threaded.
#pragma once

#include "sandbox/zygote/steps.h"

namespace reeve::sandbox::zygote {

struct InitSettings {
  int taken = -1;        ///< a byte goes into it when the request is there
  bool is_warm = false;  ///< a program is started ahead
};
/// `reader` stands at the attempt's steps.
[[noreturn]] void run_init(BlobReader reader, Descriptors& descriptors, InitSettings settings);

}  // namespace reeve::sandbox::zygote
