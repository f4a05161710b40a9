// The files by which a sandbox with network egress finds names: those that were pinned, in
// /etc/hosts, and no server. Free functions; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/step.h"

namespace reeve::supervisor {

/// `hosts` is the text of /etc/hosts. On a root of layers the files are there whatever the image
/// has; on the machine's own, where the machine has them. unsupported: it has no /etc/hosts.
Result<std::vector<sandbox::PlacedFile>> network_files(const std::string& hosts, bool is_layered);

}  // namespace reeve::supervisor
