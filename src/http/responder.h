// How a handler answers: once, or with a stream of bytes that goes on. Handles may be copied and
// kept; they outlive the connection and do nothing once it is gone. A responder that is dropped
// without an answer answers 500.
//
// Thread rule: any thread. Callbacks of a stream come on the server's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/message.h"

namespace reeve::http {

class Exchange;  ///< internal to http/

/// A reply whose body is not known yet, or too long to hold: events, logs, files. Chunked, unless
/// its length was given.
class Stream {
 public:
  Stream() = default;
  explicit Stream(std::shared_ptr<Exchange> exchange);  // shared: see Responder

  /// Queues bytes. What the other side does not take piles up: look at unsent().
  void write(std::string bytes) const;
  /// Bytes that were queued and have not gone out.
  std::size_t unsent() const;
  /// False once the connection is gone, or the server is about to close it.
  bool is_open() const;
  /// The reply is complete. Of one whose length was given and has not come, the connection breaks
  /// off, so that nobody takes a part for the whole.
  void end() const;
  /// Called whenever all that was queued has gone out, and once when the connection ends.
  void on_change(std::function<void()> call) const;

 private:
  std::shared_ptr<Exchange> exchange_;  // shared: by the handler, its callbacks and the connection
};

class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange);  // shared: by all copies
  void reply(Response response) const;
  /// Sends the head; `head.body` goes out first. `length`: of all that will be written, in bytes.
  Stream stream(Response head, std::optional<std::uint64_t> length = std::nullopt) const;

 private:
  std::shared_ptr<Exchange> exchange_;  // shared: handlers answer from callbacks, copied or not
};

}  // namespace reeve::http
