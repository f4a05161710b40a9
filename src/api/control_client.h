// Asks the engine that holds a state directory, from another process. Owns one connection. Used by
// one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "api/unix_socket.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::api {

class ControlClient {
 public:
  /// unavailable: no engine listens at `path`, or it accepts nobody.
  static Result<ControlClient> connect(const std::string& path, Duration patience = kSendPatience);

  /// Sends the request and waits for its reply. unavailable: none came in time.
  Result<boost::json::object> call(std::string_view method, boost::json::object params);
  void set_timeout(Duration timeout) { timeout_ = timeout; }
  /// The engine's end is closed, which an engine that lives does not do: it has ended.
  bool has_ended() const { return has_ended_; }

 private:
  explicit ControlClient(Fd socket) : socket_(std::move(socket)) {}
  Status send(std::string_view line);
  Result<std::string> receive();

  Fd socket_;
  Duration timeout_ = std::chrono::seconds{30};
  std::string buffer_;
  std::int64_t next_id_ = 1;
  bool has_ended_ = false;
};

}  // namespace reeve::api
