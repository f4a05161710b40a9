// One connection: reads requests one after the other, hands them on, writes the replies, and ends
// it when anything is wrong or takes too long. Internal to http/; the server's thread only.
//
//   greeting → idle → head → body → handling → replying → idle ...
//                                            → streaming → idle or closing
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/exchange.h"
#include "http/server.h"
#include "http/transport.h"

namespace reeve::http {

/// What a connection needs of its server.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual const ServerOptions& options() const = 0;
  virtual const std::shared_ptr<Loop>& loop() const = 0;  // shared: see Exchange
  /// "Date: ...\r\n" of now.
  virtual std::string_view date_line() = 0;
  virtual void handle(Request request, Responder responder) = 0;
  virtual void count_refused() = 0;
  virtual bool is_stopping() const = 0;
  virtual bool is_lingering() const = 0;  ///< stopping, and nobody is to notice
  virtual void forget(Connection& connection) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  Connection(ConnectionHost& host, std::unique_ptr<Transport> transport, Peer peer);
  /// shared: every operation that is under way keeps the connection.
  void start();
  /// Now and then: closes it if it is too slow.
  void look_at_clock(Moment now);
  /// The server stops: at once when nothing is under way.
  void stop();
  void close();

  // By the exchange of that number.
  void answer(std::uint64_t number, Response response);
  /// `length`: of the whole body; none: chunked.
  void begin_stream(std::uint64_t number, Response head, std::shared_ptr<Exchange> exchange,
                    std::optional<std::uint64_t> length);
  void stream(std::uint64_t number, std::string bytes);
  void end_stream(std::uint64_t number);

 private:
  enum class Phase : std::uint8_t {
    greeting,
    idle,
    head,
    body,
    handling,
    replying,
    streaming,
    closing,
    closed
  };
  using HeadParser = boost::beast::http::request_parser<boost::beast::http::empty_body>;
  using BodyParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  void enter(Phase phase, std::chrono::seconds limit);
  void read();
  void take(ErrorNumber error, std::string_view bytes);
  void parse();
  bool parse_head();
  bool parse_body();
  bool check_head();
  bool check_length(const HeadParser& head);
  bool begin_body();
  void dispatch();
  void refuse(int status, std::string_view detail);
  void refuse_parsed(const ErrorNumber& error);
  std::string head_of(const Response& response, std::optional<std::uint64_t> length);
  void write_next();
  void written(ErrorNumber error, std::size_t bytes);
  void reply_done();
  void next_request();
  void say_goodbye();

  ConnectionHost& host_;
  std::unique_ptr<Transport> transport_;
  Peer peer_;
  Phase phase_ = Phase::greeting;
  Moment deadline_;
  std::uint64_t number_ = 0;  ///< of the present request

  std::string in_;              ///< bytes that are not parsed yet, from in_begin_ on
  std::size_t head_bytes_ = 0;  ///< of the head that is being read, so far
  std::size_t in_begin_ = 0;
  bool reading_ = false;
  std::optional<HeadParser> head_;
  std::optional<BodyParser> body_;
  Request request_;
  bool keep_alive_ = true;
  bool is_head_request_ = false;
  bool is_old_ = false;               ///< HTTP/1.0
  Coding coding_ = Coding::identity;  ///< that the reply may have

  std::string out_;  ///< being written, from out_begin_ on
  std::size_t out_begin_ = 0;
  std::string waiting_;          ///< goes out next
  std::size_t out_payload_ = 0;  ///< bytes of the stream in out_, without framing
  std::size_t waiting_payload_ = 0;
  bool writing_ = false;
  std::shared_ptr<Exchange> stream_;  // shared: with the handler; null: no stream
  bool stream_ended_ = false;
  std::optional<std::uint64_t> stream_left_;  ///< bytes that are still to come; none: not known
};

}  // namespace reeve::http
