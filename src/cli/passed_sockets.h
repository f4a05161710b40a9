// Sockets that systemd listens at and hands to what it starts (sd_listen_fds(3)): LISTEN_PID,
// LISTEN_FDS, LISTEN_FDNAMES. They stay open there while the service restarts, so that who connects
// meanwhile waits and is answered. Before there are threads.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "http/server.h"

namespace reeve::cli {

struct NamedSocket {
  http::PassedSocket passed;
  std::string address;  ///< as http::listening_address() has it
  std::string name;     ///< of LISTEN_FDNAMES, or ""
};

/// Removes the variables: what the service starts has no such sockets. Nothing where they are of
/// another process. invalid_argument: what was passed is nothing to accept at.
Result<std::vector<NamedSocket>> take_passed_sockets();

}  // namespace reeve::cli
