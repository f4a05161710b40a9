// The bytes of one connection, encrypted or not, so that the rest of http/ is compiled once and not
// once per kind of stream. Internal to http/. The server's thread only.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include "base/result.h"
#include "http/loop.h"
#include "http/server.h"

namespace reeve::http {

using Socket = boost::asio::generic::stream_protocol::socket;
using ErrorNumber = boost::system::error_code;

class Transport {
 public:
  using Some = std::function<void(ErrorNumber, std::size_t)>;
  using Bytes = std::function<void(ErrorNumber, std::string_view)>;
  using Done = std::function<void(ErrorNumber)>;
  virtual ~Transport() = default;
  /// Before anything else.
  virtual void greet(Done done) = 0;
  /// `done` gets what has come, which is valid during the call.
  virtual void read(Bytes done) = 0;
  virtual void write(boost::asio::const_buffer from, Some done) = 0;
  /// Says that nothing more will come, as far as that goes without waiting long.
  virtual void finish(Done done) = 0;
  /// Everything that is under way ends with an error.
  virtual void close() = 0;
  /// Subject of the verified certificate of the other side, or "".
  virtual std::string certificate() const = 0;
};

std::unique_ptr<Transport> plain_transport(Socket socket, Loop& loop);

/// What all encrypted connections share.
class TlsSettings {
 public:
  static Result<std::unique_ptr<TlsSettings>> load(const TlsFiles& files);
  ~TlsSettings();
  TlsSettings(const TlsSettings&) = delete;
  TlsSettings& operator=(const TlsSettings&) = delete;
  std::unique_ptr<Transport> transport(Socket socket);

 private:
  struct Parts;
  explicit TlsSettings(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::http
