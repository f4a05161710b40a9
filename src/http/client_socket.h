// The bytes of a client's connection: TCP, TLS over it, or a Unix socket. Internal to http/. One
// thread; blocks, at most for the time limit.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "http/client.h"

namespace reeve::http {

class ClientSocket {
 public:
  static Result<std::unique_ptr<ClientSocket>> connect(const ServerAddress& address,
                                                       const ClientOptions& options);
  virtual ~ClientSocket() = default;
  /// All of it.
  virtual Status write(std::string_view bytes) = 0;
  /// Appends what there is, at least a byte. False: the other side has ended the connection.
  virtual Result<bool> read(std::string& into) = 0;
};

/// A connection that is open, encrypted from here on.
Result<std::unique_ptr<ClientSocket>> encrypted_socket(Fd socket, const ServerAddress& address,
                                                       const ClientOptions& options);
/// unavailable when `descriptor` is not ready for that in time. `events`: as of poll().
Status wait_for(int descriptor, short events, const ClientOptions& options,
                const ServerAddress& address);

}  // namespace reeve::http
