// Unix stream sockets by path, also where the path is longer than a socket address can hold. Free
// functions; thread-safe.
#pragma once

#include <unistd.h>

#include <string>
#include <utility>

#include "base/result.h"

namespace reeve::api {

/// An owned socket: closed when it goes. One owner.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int number) : number_(number) {}
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// Listens at `path`, in place of a socket that a dead process left there. Non-blocking.
Result<Socket> listen_at(const std::string& path);
/// unavailable: nobody listens there.
Result<Socket> connect_to(const std::string& path);
/// Whether the process at the other end belongs to the same user.
bool is_same_user(int socket);

}  // namespace reeve::api
