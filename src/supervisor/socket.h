// The Unix SEQPACKET socket between engine and supervisor, and the two ends of its byte stream.
// Nothing here blocks. One owner each; the two directions may have different owners.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/protocol.h"

namespace reeve::supervisor {

/// `<state>/<name>`, whatever the length of the path. Replaces one that is there: hold the
/// supervisor's lock.
Result<Fd> listen_in(const std::string& state, std::string_view name = kSocketName);
/// not_found or unavailable when nobody listens.
Result<Fd> connect_in(const std::string& state, std::string_view name = kSocketName);
Result<Fd> accept_from(int listener);
/// Whether the process at the other end belongs to this user or to root.
bool is_trusted_peer(int socket);
/// Of the process that connected; 0 when not known.
std::int64_t pid_of_peer(int socket);
/// A connected pair, both close-on-exec and non-blocking.
Result<std::pair<Fd, Fd>> make_pair_of_sockets();

enum class IoState : std::uint8_t { done, blocked, broken };

/// Bytes on their way out.
class SendBuffer {
 public:
  std::string& bytes() { return bytes_; }
  std::size_t pending() const { return bytes_.size() - sent_; }
  /// Sends what the socket takes. `blocked`: ask again when it is writable.
  IoState send(int socket);
  void clear();

 private:
  std::string bytes_;
  std::size_t sent_ = 0;
};

/// Receives one datagram into `messages`. `blocked`: nothing there; `broken`: the peer is gone.
IoState receive(int socket, std::vector<char>& scratch, MessageBuffer& messages);

}  // namespace reeve::supervisor
