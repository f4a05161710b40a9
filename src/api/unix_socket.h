// Unix stream sockets by path, also where the path is longer than a socket address can hold. Free
// functions; thread-safe.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::api {

/// Listens at `path`, in place of a socket that a dead process left there. Non-blocking.
Result<Fd> listen_at(const std::string& path);
/// unavailable: nobody listens there.
Result<Fd> connect_to(const std::string& path);
/// Whether the process at the other end belongs to the same user.
bool is_same_user(int socket);

}  // namespace reeve::api
