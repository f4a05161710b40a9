// Process 1 of a container that a runtime has made: installs the filter of system calls, starts the
// program, passes signals on, reaps, and leaves in a file how it ended. What it is to do lies in
// kContainedRequest. Single-threaded.
#pragma once

namespace reeve::sandbox::zygote {

[[noreturn]] void run_contained();

}  // namespace reeve::sandbox::zygote
