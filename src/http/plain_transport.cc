#include <boost/asio/error.hpp>

#include "http/transport.h"

namespace reeve::http {
namespace {

class PlainTransport final : public Transport {
 public:
  PlainTransport(Socket socket, Loop& loop) : socket_(std::move(socket)), loop_(loop) {
    ErrorNumber ignored;
    socket_.non_blocking(true, ignored);
  }

  void greet(Done done) override { done({}); }
  /// Waits without a buffer, and reads into that of all.
  void read(Bytes done) override {
    socket_.async_wait(
        Socket::wait_read, [this, done = std::move(done)](ErrorNumber error) mutable {
          if (error) return done(error, {});
          const std::size_t got = socket_.read_some(boost::asio::buffer(loop_.scratch), error);
          if (error == boost::asio::error::would_block) return read(std::move(done));
          done(error, {loop_.scratch.data(), got});
        });
  }
  void write(boost::asio::const_buffer from, Some done) override {
    socket_.async_write_some(from, std::move(done));
  }
  void finish(Done done) override {
    ErrorNumber error;
    socket_.shutdown(Socket::shutdown_send, error);
    done(error);
  }
  void close() override {
    ErrorNumber ignored;
    socket_.close(ignored);
  }
  std::string certificate() const override { return {}; }

 private:
  Socket socket_;
  Loop& loop_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(Socket socket, Loop& loop) {
  return std::make_unique<PlainTransport>(std::move(socket), loop);
}

}  // namespace reeve::http
