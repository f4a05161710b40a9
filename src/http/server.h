// An HTTP/1.1 server: one thread, any number of listening addresses (TCP with or without TLS, Unix
// sockets), keep-alive, pipelining. Owns its sockets and its thread. Refuses what is malformed,
// ambiguous, too long or too slow (docs/security.md lists the limits) and never hands it on.
//
// Thread rule: open(), start(), stop() and the destructor from one thread; post() and after() from
// any. The handler is called on the server's thread and must not block.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "http/responder.h"

namespace reeve::http {

struct TlsFiles {
  std::string certificate;  ///< PEM, the chain
  std::string key;          ///< PEM
  std::string client_ca;    ///< PEM; not "": clients must show a certificate of one of these
};

struct Limits {
  std::size_t header_bytes_max = std::size_t{16} << 10;
  std::size_t body_bytes_max = std::size_t{4} << 20;  ///< unless body_limit says otherwise
  std::size_t connections_max = 12'000;
  std::chrono::seconds header_time{
      10};  ///< from its first byte to its last; also of a TLS greeting
  std::chrono::seconds body_time{60};
  std::chrono::seconds idle_time{75};   ///< between two requests
  std::chrono::seconds write_time{30};  ///< without a byte that is taken
  std::chrono::seconds stop_time{10};   ///< for what is under way when the server stops
};

/// A socket that listens already: of systemd, or of the process that served before this one.
struct PassedSocket {
  Fd socket;
  bool removes_path = false;  ///< of a Unix socket: at its end
};

/// Where a passed socket listens, as people would type it ("127.0.0.1:8080", "unix:/path").
/// invalid_argument: it is no stream socket that listens.
Result<std::string> listening_address(int socket);

/// An address as listening_address() would give it: "localhost:80" is "127.0.0.1:80".
std::string canonical_address(const std::string& address);

struct ServerOptions {
  /// "127.0.0.1:8080", "[::1]:0" (any port), or "unix:/path" (mode 0600).
  std::vector<std::string> addresses;
  /// Each is used in place of binding its address, which is to be among `addresses`.
  std::vector<PassedSocket> passed;
  std::optional<TlsFiles> tls;  ///< of the TCP addresses
  Limits limits;
  /// Bytes that a request may carry; nothing: limits.body_bytes_max.
  std::function<std::size_t(std::string_view method, std::string_view path)> body_limit;
  /// Body and type of the replies to requests that never reach the handler.
  std::function<Response(int status, std::string_view detail)> refusal;
  /// The last bytes of a stream that ends because the server stops.
  std::string farewell;
};

/// How a server stops. linger: somebody else goes on accepting at the same sockets, so nobody is
/// to notice: who is between two requests is waited for, for a moment, and told to come anew.
enum class Stop : std::uint8_t { at_once, linger };

using Handler = std::function<void(Request request, Responder responder)>;

class Server {
 public:
  /// Binds and listens; nothing is accepted before start().
  static Result<std::unique_ptr<Server>> open(ServerOptions options, Handler handler);
  /// As stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  /// Accepts nothing more, lets what is under way end (streams at once), closes.
  void stop(Stop how = Stop::at_once);
  /// Copies of the sockets that it listens at, for a successor.
  Result<std::vector<PassedSocket>> share() const;
  /// The paths of Unix sockets are somebody else's from now on.
  void leave_paths();

  /// The addresses with the ports that were given, as people would type them.
  std::vector<std::string> addresses() const;

  /// Runs on the server's thread. Lost when the server has stopped.
  void post(std::function<void()> call);
  void after(std::chrono::milliseconds delay, std::function<void()> call);

  struct Counters {
    std::uint64_t connections = 0;  ///< open now
    std::uint64_t requests = 0;     ///< handed to the handler, ever
    std::uint64_t refused = 0;      ///< never handed on
  };
  Counters counters() const;

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::http
