// The other side: one connection to a service over TCP, TLS or a Unix socket, kept from request to
// request. Checks certificates and names always; follows no redirects, so that a token goes nowhere
// but where it was meant for. Refuses replies that are malformed or larger than a limit.
//
// Thread rule: one thread. Blocks, for as long as the options say.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace reeve::http {

/// "http://127.0.0.1:7433", "https://host", "unix:/path".
struct ServerAddress {
  std::string text;  ///< as it was given
  std::string host;  ///< without brackets; "" of a Unix socket
  std::uint16_t port = 0;
  std::string unix_path;  ///< "": TCP
  bool is_encrypted = false;

  /// invalid_argument says what is meant.
  static Result<ServerAddress> parse(std::string_view text);
  /// Nobody else can read what is sent: a Unix socket, this machine, or TLS.
  bool is_private() const;
};

struct ClientOptions {
  std::string ca_file;      ///< PEM; "": the certificates that the system trusts
  std::string certificate;  ///< PEM of ours, with `key`; "": none
  std::string key;
  std::chrono::milliseconds timeout{30'000};  ///< of each wait for the other side
  /// Of a connection with its request and reply; 0: as long as something arrives. Finding out the
  /// address of a name is not counted: the system's resolver has limits of its own.
  std::chrono::milliseconds exchange_time{0};
  bool is_for_reeve = true;  ///< messages say how to start the other side
  std::size_t body_bytes_max = std::size_t{256} << 20;
};

class ClientSocket;  ///< internal to http/

class Client {
 public:
  /// Connects with the first request.
  Client(ServerAddress address, ClientOptions options);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  struct Sent {
    std::string method = "GET";
    std::string target;           ///< path and query, escaped
    std::vector<Header> headers;  ///< without Host and Content-Length
    std::string body;
    /// May be sent twice. Else it is not tried again when a kept connection turns out to be closed.
    bool is_repeatable = true;
  };
  /// unavailable: nobody answers there, or not in time. Names of headers are in lower case.
  Result<Response> send(const Sent& request);
  const ServerAddress& address() const { return address_; }
  /// For the requests from now on.
  void set_timeout(std::chrono::milliseconds timeout) { options_.timeout = timeout; }

 private:
  Result<Response> exchange(const Sent& request);

  ServerAddress address_;
  ClientOptions options_;
  std::unique_ptr<ClientSocket> socket_;
};

}  // namespace reeve::http
