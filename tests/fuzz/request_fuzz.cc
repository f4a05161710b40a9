// One connection of the HTTP server: what somebody sends, in pieces of any size, and what comes
// back. The replies must be whole, and as many as the requests that were handed on or refused.
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/ensure.h"
#include "http/connection.h"
#include "http/reply_reader.h"
#include "tests/fuzz/fuzz.h"

namespace reeve::http {
namespace {

/// A network of strings: reads give the pieces, then the end; writes take a part or everything.
class MemoryTransport final : public Transport {
 public:
  MemoryTransport(fuzz::Input input, Loop& loop, std::string& sent)
      : input_(input),
        loop_(loop),
        sent_(sent),
        piece_bytes_(input_.byte()),
        write_bytes_(input_.byte()) {}

  void greet(Done done) override {
    loop_.post([done = std::move(done)] { done({}); });
  }
  void read(Bytes done) override {
    loop_.post([this, done = std::move(done)] {
      if (closed_) return done(boost::asio::error::operation_aborted, {});
      if (input_.is_empty()) return done(boost::asio::error::eof, {});
      done({}, input_.take(piece_bytes_ == 0 ? SIZE_MAX : piece_bytes_));
    });
  }
  void write(boost::asio::const_buffer from, Some done) override {
    ENSURE(from.size() > 0);
    loop_.post([this, from, done = std::move(done)] {
      if (closed_) return done(boost::asio::error::operation_aborted, 0);
      const std::size_t most = write_bytes_ == 0 ? from.size() : write_bytes_ * std::size_t{16};
      const std::size_t taken = std::min(most, from.size());
      sent_.append(static_cast<const char*>(from.data()), taken);
      done({}, taken);
    });
  }
  void finish(Done done) override {
    loop_.post([done = std::move(done)] { done({}); });
  }
  void close() override { closed_ = true; }
  std::string certificate() const override { return ""; }

 private:
  fuzz::Input input_;
  Loop& loop_;
  std::string& sent_;
  const std::size_t piece_bytes_;
  const std::size_t write_bytes_;
  bool closed_ = false;
};

class Host final : public ConnectionHost {
 public:
  explicit Host(std::uint8_t how) : how_(how) {
    options_.limits.header_bytes_max = 2048;
    options_.limits.body_bytes_max = 4096;
    options_.refusal = [](int status, std::string_view detail) {
      ENSURE(status >= 400);
      return Response{.status = status, .headers = {}, .body = std::string(detail)};
    };
  }

  const ServerOptions& options() const override { return options_; }
  const std::shared_ptr<Loop>& loop() const override { return loop_; }  // shared: see Exchange
  std::string_view date_line() override { return "Date: Sat, 28 Nov 2026 12:00:00 GMT\r\n"; }
  void handle(Request request, Responder responder) override;
  void count_refused() override { ++refused_; }
  bool is_stopping() const override { return false; }
  bool is_lingering() const override { return false; }
  void forget(Connection&) override { connection_.reset(); }

  /// What was sent back.
  std::string serve(fuzz::Input input);
  int refused() const { return refused_; }
  const std::deque<bool>& heads() const { return heads_; }

 private:
  const std::uint8_t how_;
  ServerOptions options_;
  std::shared_ptr<Loop> loop_ = std::make_shared<Loop>();  // shared: see Exchange
  std::shared_ptr<Connection> connection_;                 // shared: with its operations
  std::deque<bool> heads_;  ///< of each request that was handed on: whether it was HEAD
  int refused_ = 0;
};

void Host::handle(Request request, Responder responder) {
  ENSURE(request.path.starts_with('/') && request.body.size() <= options_.limits.body_bytes_max);
  for (const Header& header : request.headers)
    ENSURE((header.name + header.value).find_first_of("\r\n") == std::string::npos);
  heads_.push_back(request.method == "HEAD");
  static_cast<void>(percent_decode(request.path));
  static_cast<void>(parse_query(request.query));
  Response response{.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = {}};
  response.body = request.path + request.body;
  if (how_ % 3 == 1) response.body.append(2000, 'a');
  if (how_ % 3 == 2) {
    const Stream stream = responder.stream(std::move(response));
    stream.write("more");
    stream.end();
    return;
  }
  if ((how_ & 0x80) == 0) return responder.reply(std::move(response));
  loop_->post([responder = std::move(responder), response = std::move(response)]() mutable {
    responder.reply(std::move(response));
  });
}

std::string Host::serve(fuzz::Input input) {
  std::string sent;
  // shared: with its operations
  connection_ = std::make_shared<Connection>(
      *this, std::make_unique<MemoryTransport>(input, *loop_, sent), Peer{.address = "unix"});
  connection_->start();
  loop_->context.poll();
  if (connection_) connection_->look_at_clock(Connection::Moment::max());
  loop_->context.restart();
  loop_->context.poll();
  if (connection_) connection_->close();
  loop_->context.restart();
  loop_->context.poll();
  ENSURE(connection_ == nullptr);
  return sent;
}

/// Where the first reply of `bytes` ends: after the least bytes that complete one. The last may be
/// cut off, where the connection ended.
std::size_t first_reply(std::string_view bytes, bool is_head) {
  ReplyReader reader(!is_head, std::size_t{1} << 20);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto done = reader.add(bytes.substr(at, 1));
    ENSURE(done.has_value());
    if (*done) return at + 1;
  }
  return bytes.size();
}

void check_replies(std::string_view sent, const Host& host) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  std::size_t replies = 0;
  while (!sent.empty()) {
    if (sent.starts_with(kContinue)) {
      sent.remove_prefix(kContinue.size());
      continue;
    }
    if (kContinue.starts_with(sent)) break;  // cut off, where the connection ended
    const bool is_head = replies < host.heads().size() && host.heads()[replies];
    sent.remove_prefix(first_reply(sent, is_head));
    ++replies;
  }
  ENSURE(replies <= host.heads().size() + static_cast<std::size_t>(host.refused()));
}

}  // namespace
}  // namespace reeve::http

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reeve::fuzz::Input input(data, size);
  reeve::http::Host host(input.byte());
  const std::string sent = host.serve(input);
  reeve::http::check_replies(sent, host);
  return 0;
}
