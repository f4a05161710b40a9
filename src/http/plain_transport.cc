#include "http/transport.h"

namespace reeve::http {
namespace {

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {}

  void greet(Done done) override { done({}); }
  void read(boost::asio::mutable_buffer into, Some done) override {
    socket_.async_read_some(into, std::move(done));
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
};

}  // namespace

std::unique_ptr<Transport> plain_transport(Socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace reeve::http
