#include "sandbox/door.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "sandbox/parcel.h"
#include "sandbox/wire.h"

namespace reeve::sandbox {

Result<std::pair<Fd, Fd>> make_door() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return fail_errno(errno, "cannot make a socket for a sandbox");
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Status Door::enter(std::uint32_t visitor, const ProgramRequest& request,
                   const ProgramStreams& streams, Terminal terminal) {
  const std::string blob = encode_request(request);
  TRY_ASSIGN(const Fd file, blob_in_memory(blob));
  const DoorMessage message{.visitor = visitor,
                            .signal = 0,
                            .blob_bytes = static_cast<std::uint32_t>(blob.size()),
                            .has_terminal = terminal == Terminal::standard_input ? 1U : 0U};
  const std::array<int, 4> all{file.get(), streams.input, streams.output, streams.errors};
  return send_parcel(socket_.get(), {&message, sizeof message}, all);
}

Status Door::follow(const ProgramRequest& request, const ProgramStreams& streams) {
  const std::string blob = encode_request(request);
  TRY_ASSIGN(const Fd file, blob_in_memory(blob));
  const DoorMessage message{.blob_bytes = static_cast<std::uint32_t>(blob.size()), .follows = 1};
  const std::array<int, 4> all{file.get(), streams.input, streams.output, streams.errors};
  return send_parcel(socket_.get(), {&message, sizeof message}, all);
}

Status Door::signal(std::uint32_t visitor, int signal) {
  const DoorMessage message{.visitor = visitor, .signal = signal};
  return send_parcel(socket_.get(), {&message, sizeof message}, {});
}

}  // namespace reeve::sandbox
