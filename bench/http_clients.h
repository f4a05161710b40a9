// Many connections to a service by one thread, with as little work as HTTP allows: requests are
// ready-made bytes, replies are told apart by their Content-Length, streams are handed on as they
// come, with the framing of chunks. Owns its sockets. For our own service only: what is not HTTP as
// it writes it ends the program.
//
// Thread rule: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::bench {

/// "COMMAND --name value ..."
struct LoadOptions {
  LoadOptions(int argc, char** argv);

  std::string command;
  std::uint16_t port = 0;
  std::string token;
  std::string server;  ///< process id
  std::string path = "/version";
  std::string body = R"({"command":["true"]})";
  std::size_t connections = 64;
  double seconds = 3;
  std::uint64_t tasks = 100'000;

  std::string get(const std::string& target) const;
  std::string post(const std::string& target, const std::string& content, const std::string& key,
                   const std::string& type = "application/json") const;
};

struct HttpReply {
  int status = 0;
  std::string_view body;  ///< valid during the call
};

class HttpClients {
 public:
  explicit HttpClients(std::uint16_t port) : port_(port) {}

  /// All of them, before anything is sent.
  Status connect(std::size_t count);
  /// A request whose reply has a length.
  void send(std::size_t client, std::string request);
  /// A request whose reply is a stream.
  void follow(std::size_t client, std::string request);
  /// Reads and writes what can be, after waiting so long for the first. Fails if a connection ends.
  Status wait(int milliseconds);

  std::function<void(std::size_t client, const HttpReply& reply)> on_reply;
  std::function<void(std::size_t client, std::string_view bytes)> on_bytes;

 private:
  struct Client {
    Fd socket;
    bool is_stream = false;
    bool waits_for_room = false;
    std::string in;
    std::string out;
    std::size_t sent = 0;
  };
  void write(std::size_t number);
  Status read(std::size_t number);
  void take(std::size_t number);
  void watch(std::size_t number, bool for_room);

  const std::uint16_t port_;
  Fd epoll_;
  std::vector<Client> clients_;
};

std::uint64_t count_of(std::string_view text, std::string_view part);
/// Of each event in these bytes: how long ago (seconds) it was committed.
void add_delays(std::string_view bytes, std::vector<double>& delays);

}  // namespace reeve::bench
