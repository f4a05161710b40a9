// The zygote's end of the socket to the supervisor. Single-threaded.
#pragma once

#include "sandbox/wire.h"
#include "sandbox/zygote/steps.h"

namespace reeve::sandbox::zygote {

inline constexpr int kSocket = 3;

/// Waits for a message. How many descriptors came, or -1: the supervisor has gone. Of a request at
/// least one comes.
int receive(Header& header, int (&descriptors)[kDescriptorsMax]);
/// What waits at a door that does not block; -1: nothing.
int receive_at(int door, DoorMessage& message, int (&descriptors)[kDescriptorsMax]);
/// With those descriptors that are not negative.
void send_reply(const Reply& reply, int first = -1, int second = -1);
/// For the life of the process; a reader of nothing if it cannot be mapped.
BlobReader map_blob(int descriptor, std::size_t bytes);

}  // namespace reeve::sandbox::zygote
