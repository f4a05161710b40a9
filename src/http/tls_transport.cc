#include <array>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <openssl/x509.h>

#include "http/transport.h"

namespace reeve::http {
namespace {

namespace ssl = boost::asio::ssl;

class TlsTransport final : public Transport {
 public:
  TlsTransport(Socket socket, ssl::context& context) : stream_(std::move(socket), context) {}

  void greet(Done done) override {
    stream_.async_handshake(ssl::stream_base::server, std::move(done));
  }
  void read(Bytes done) override {
    stream_.async_read_some(boost::asio::buffer(chunk_),
                            [this, done = std::move(done)](ErrorNumber error, std::size_t bytes) {
                              done(error, {chunk_.data(), error ? 0 : bytes});
                            });
  }
  void write(boost::asio::const_buffer from, Some done) override {
    stream_.async_write_some(from, std::move(done));
  }
  void finish(Done done) override { stream_.async_shutdown(std::move(done)); }
  void close() override {
    ErrorNumber ignored;
    stream_.lowest_layer().close(ignored);
  }
  std::string certificate() const override {
    auto& stream = const_cast<ssl::stream<Socket>&>(stream_);  // only looks
    X509* const shown = SSL_get1_peer_certificate(stream.native_handle());
    if (shown == nullptr) return {};
    std::array<char, 512> text{};
    X509_NAME_oneline(X509_get_subject_name(shown), text.data(), static_cast<int>(text.size()));
    X509_free(shown);
    return text.data();
  }

 private:
  ssl::stream<Socket> stream_;
  std::array<char, 4096> chunk_{};  // what is decrypted has been copied once already
};

}  // namespace

struct TlsSettings::Parts {
  ssl::context context{ssl::context::tls_server};
};

TlsSettings::TlsSettings(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsSettings::~TlsSettings() = default;

Result<std::unique_ptr<TlsSettings>> TlsSettings::load(const TlsFiles& files) {
  auto parts = std::make_unique<Parts>();
  ssl::context& context = parts->context;
  ErrorNumber error;
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                          ssl::context::no_tlsv1_1 | ssl::context::no_compression,
                      error);
  const auto refused = [&](const std::string& file) {
    return fail(ErrorCode::invalid_argument,
                "TLS: cannot use " + file + ": " + error.message() + " (it must be PEM)");
  };
  if (error) return refused("these options");
  context.use_certificate_chain_file(files.certificate, error);
  if (error) return refused("the certificate " + files.certificate);
  context.use_private_key_file(files.key, ssl::context::pem, error);
  if (error) return refused("the key " + files.key);
  if (SSL_CTX_check_private_key(context.native_handle()) != 1)
    return fail(
        ErrorCode::invalid_argument,
        "TLS: the key " + files.key + " is not that of the certificate " + files.certificate);
  if (!files.client_ca.empty()) {
    context.load_verify_file(files.client_ca, error);
    if (error) return refused("the authority of clients " + files.client_ca);
    context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
    if (error) return refused(files.client_ca);
  }
  return std::unique_ptr<TlsSettings>(new TlsSettings(std::move(parts)));
}

std::unique_ptr<Transport> TlsSettings::transport(Socket socket) {
  return std::make_unique<TlsTransport>(std::move(socket), parts_->context);
}

}  // namespace reeve::http
