// Amounts of resources on the command line, and what this machine has. The parser is pure.
#pragma once

#include <string_view>

#include "base/resources.h"
#include "cli/failure.h"

namespace reeve::cli {

/// "4" (cpus), or "cpu=4,memory=8Gi,disk=10G,gpu=1,licence.x=2": other names are countables, with
/// or without a "licence." or "license." in front. `option` names it in a failure.
Checked<Resources> parse_resource_list(std::string_view option, std::string_view text);

/// The cpus that this process may use, the memory of this machine, the disk that is free here.
Resources machine_capacity();

/// What -j means: the list, and for what it does not name the machine.
Checked<Resources> parse_capacity(std::string_view option, std::string_view text);

}  // namespace reeve::cli
