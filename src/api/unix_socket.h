// Unix stream sockets by path, also where the path is longer than a socket address can hold. Free
// functions; thread-safe.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::api {

/// Listens at `path`, in place of a socket that a dead process left there. Non-blocking.
Result<Fd> listen_at(const std::string& path);
/// How long one who listens may leave us in the queue, or our bytes with us.
inline constexpr Duration kSendPatience = std::chrono::seconds(3);
/// A socket whose sending waits for `patience` at most, in connect(2) too. unavailable: nobody
/// listens there, or the queue before it stays full.
Result<Fd> connect_to(const std::string& path, Duration patience = kSendPatience);
/// Whether the process at the other end belongs to the same user.
bool is_same_user(int socket);

}  // namespace reeve::api
