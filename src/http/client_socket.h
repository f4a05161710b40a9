// The bytes of a client's connection: TCP, TLS over it, or a Unix socket. Internal to http/. One
// thread; blocks, at most for the time limit.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "http/client.h"

namespace reeve::http {

/// How long may be waited, and what may be said.
struct Waiting {
  std::chrono::milliseconds each{30'000};
  std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max();
  bool is_for_reeve = true;

  /// From now on an exchange is under way.
  static Waiting from(const ClientOptions& options);
  /// Milliseconds; 0: the time is up.
  int next() const;
};

class ClientSocket {
 public:
  static Result<std::unique_ptr<ClientSocket>> connect(const ServerAddress& address,
                                                       const ClientOptions& options,
                                                       const Waiting& waiting);
  virtual ~ClientSocket() = default;
  /// All of it.
  virtual Status write(std::string_view bytes) = 0;
  /// Appends what there is, at least a byte. False: the other side has ended the connection.
  virtual Result<bool> read(std::string& into) = 0;
  /// For the next exchange on the same connection.
  void wait_as(const Waiting& waiting) { waiting_ = waiting; }

 protected:
  explicit ClientSocket(Waiting waiting) : waiting_(waiting) {}
  const Waiting& waiting() const { return waiting_; }

 private:
  Waiting waiting_;
};

/// A connection that is open, encrypted from here on.
Result<std::unique_ptr<ClientSocket>> encrypted_socket(Fd socket, const ServerAddress& address,
                                                       const ClientOptions& options,
                                                       const Waiting& waiting);
/// unavailable when `descriptor` is not ready for that in time. `events`: as of poll().
Status wait_for(int descriptor, short events, const Waiting& waiting, const ServerAddress& address);

}  // namespace reeve::http
