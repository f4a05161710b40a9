// The files that a program finds below /run/reeve: its script, its secrets. Single-threaded.
#pragma once

#include "sandbox/zygote/steps.h"

namespace reeve::sandbox::zygote {

/// The reader stands at the owner, the number of files, and the files. 0, or errno.
int write_own_files(BlobReader& reader);
/// Removes those files and whatever the attempt has put beside them. 0, or errno.
int clear_own_files();

}  // namespace reeve::sandbox::zygote
