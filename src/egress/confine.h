// What the program that carries packets sees of the machine, whose network it has to keep: a root
// of its own with the system's programs and libraries, read-only, the device, and the sandbox's
// network. Whoever takes it over finds no file of the engine's user and no socket. Changes the
// calling process, which has one thread.
#pragma once

#include <string>

#include "base/result.h"

namespace reeve::egress {

/// Where the network namespace is found afterwards.
inline constexpr const char* kNetworkFile = "/network";

Status confine(int network);

}  // namespace reeve::egress
