// A process of its own that connects one sandbox with what its task lists. The supervisor starts
// it, as a hidden subcommand of the same program, and talks to it by the socket on descriptor 3
// (egress/message.h). It finds the addresses of the names, loads the guard into the sandbox's
// network namespace, and becomes slirp4netns, which carries packets until the socket closes. So the
// supervisor asks no resolver and links no code of networks.
#pragma once

#include <span>
#include <string>

namespace reeve::egress {

inline constexpr const char* kEgressWord = "egress";
inline constexpr int kSupervisorSocket = 3;

/// The whole life of the process. `arguments`: the entries.
int egress_main(std::span<const std::string> arguments);

}  // namespace reeve::egress
