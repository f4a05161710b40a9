#include <errno.h>
#include <poll.h>

#include <array>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "http/client_socket.h"

namespace reeve::http {
namespace {

std::string openssl_problem() {
  std::array<char, 256> text{};
  const unsigned long number = ::ERR_get_error();
  ::ERR_clear_error();
  if (number == 0) return "unknown";
  ::ERR_error_string_n(number, text.data(), text.size());
  return text.data();
}

/// What is wrong with a certificate of ours that the other side has refused by this alert.
std::string_view certificate_fault(unsigned long number) {
  if (ERR_GET_LIB(number) != ERR_LIB_SSL) return {};
  switch (ERR_GET_REASON(number)) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA: return "it is of no authority that is trusted there";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: return "it has expired, or holds not yet";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED: return "it was revoked";
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: return "it is not for clients";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN: return "it does not hold";
    default: return {};
  }
}

bool wants_certificate(unsigned long number) {
  return ERR_GET_LIB(number) == ERR_LIB_SSL &&
         ERR_GET_REASON(number) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED;
}

using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)>;
using SessionPtr = std::unique_ptr<SSL, decltype(&::SSL_free)>;

class EncryptedSocket final : public ClientSocket {
 public:
  EncryptedSocket(Fd socket, ContextPtr context, SessionPtr session, const ServerAddress& address,
                  const ClientOptions& options, const Waiting& waiting)
      : ClientSocket(waiting),
        socket_(std::move(socket)),
        context_(std::move(context)),
        session_(std::move(session)),
        address_(address),
        options_(options) {
    // It is called when the other side asks and there is none to show.
    ::SSL_CTX_set_client_cert_cb(context_.get(), [](SSL* ours, X509**, EVP_PKEY**) {
      *static_cast<bool*>(SSL_get_app_data(ours)) = true;
      return 0;
    });
    SSL_set_app_data(session_.get(), &is_asked_);
  }

  Status greet() {
    while (true) {
      const int done = ::SSL_connect(session_.get());
      if (done == 1) return {};
      const long verdict = ::SSL_get_verify_result(session_.get());
      if (verdict != X509_V_OK)
        return fail(ErrorCode::unauthenticated,
                    fmt::format("the certificate of {} does not hold: {}", address_.text,
                                ::X509_verify_cert_error_string(verdict)));
      TRY_ASSIGN(const bool is_open, wait(done));
      if (!is_open) return ended("ended the connection before it was encrypted");
    }
  }

  Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      std::size_t done = 0;
      const int good = ::SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &done);
      if (good == 1) {
        bytes.remove_prefix(done);
        continue;
      }
      TRY_ASSIGN(const bool is_open, wait(good));
      if (is_open) continue;
      // Why may have arrived before.
      std::string unwanted;
      TRY(read(unwanted));
      return ended("has closed the connection");
    }
    return {};
  }

  Result<bool> read(std::string& into) override {
    constexpr std::size_t kRecordBytes = 16'384;
    while (true) {
      const std::size_t before = into.size();
      into.resize(before + kRecordBytes);
      std::size_t got = 0;
      const int good = ::SSL_read_ex(session_.get(), into.data() + before, kRecordBytes, &got);
      into.resize(before + got);
      if (good == 1) {
        has_read_ = true;
        return true;
      }
      TRY_ASSIGN(const bool is_open, wait(good));
      if (!is_open && !has_read_ && is_asked_) return ended({});
      if (!is_open) return false;
    }
  }

 private:
  /// After an operation that is not done: waits for what it needs. False: the connection has ended.
  Result<bool> wait(int result) {
    switch (::SSL_get_error(session_.get(), result)) {
      case SSL_ERROR_WANT_READ: TRY(wait_for(socket_.get(), POLLIN, waiting(), address_)); break;
      case SSL_ERROR_WANT_WRITE: TRY(wait_for(socket_.get(), POLLOUT, waiting(), address_)); break;
      case SSL_ERROR_ZERO_RETURN: return false;
      case SSL_ERROR_SYSCALL: ::ERR_clear_error(); return false;
      default: return failed();
    }
    return true;
  }

  /// Before anything was answered, a certificate that was asked for is what is missing.
  tl::unexpected<Error> ended(std::string_view what) const {
    if (!has_read_ && is_asked_) return certificate_missing();
    return fail(ErrorCode::unavailable, fmt::format("{} {}", address_.text, what));
  }

  tl::unexpected<Error> failed() const {
    const unsigned long number = ::ERR_peek_error();
    const std::string_view fault = certificate_fault(number);
    const std::string problem = openssl_problem();
    if (wants_certificate(number) || (!has_read_ && is_asked_)) return certificate_missing();
    if (!fault.empty() && !options_.certificate.empty())
      return fail(
          ErrorCode::unauthenticated,
          fmt::format("{} refuses the certificate {}: {}; have an authority of that service "
                      "(its setting server.tls.client_ca) make another one",
                      address_.text, options_.certificate, fault));
    return fail(ErrorCode::unavailable,
                fmt::format("TLS with {} failed: {}", address_.text, problem));
  }

  tl::unexpected<Error> certificate_missing() const {
    return fail(ErrorCode::unauthenticated,
                fmt::format("{} wants a certificate of whoever asks{}", address_.text,
                            options_.is_for_reeve
                                ? ": give --certificate and --key to `reeve context add`, or set "
                                  "REEVE_CERTIFICATE and REEVE_KEY"
                                : ""));
  }

  const Fd socket_;
  const ContextPtr context_;
  const SessionPtr session_;  // before the context and the socket that it uses
  const ServerAddress& address_;
  const ClientOptions& options_;
  bool is_asked_ = false;  ///< for a certificate, and there is none
  bool has_read_ = false;
};

/// Nobody is asked for a password: the command may have no terminal, or somebody else's.
int no_password(char*, int, int, void*) { return 0; }

Status use_certificate(SSL_CTX* context, const ClientOptions& options) {
  ::SSL_CTX_set_default_passwd_cb(context, &no_password);
  const auto refused = [](const std::string& what) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} cannot be used: {}", what, openssl_problem()));
  };
  if (::SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
    return refused("the certificate " + options.certificate + " (it must be PEM)");
  if (::SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) == 1) return {};
  const bool is_other = ERR_GET_LIB(::ERR_peek_last_error()) == ERR_LIB_X509 &&
                        ERR_GET_REASON(::ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
  if (!is_other)
    return refused("the key " + options.key + " (it must be PEM, and not under a password)");
  ::ERR_clear_error();
  return fail(ErrorCode::invalid_argument,
              fmt::format("the key {} is not that of the certificate {}", options.key,
                          options.certificate));
}

Result<ContextPtr> make_context(const ClientOptions& options) {
  ContextPtr context(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  if (!context) return fail(ErrorCode::io_failed, "TLS: " + openssl_problem());
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bool is_trusting =
      options.ca_file.empty()
          ? ::SSL_CTX_set_default_verify_paths(context.get()) == 1
          : ::SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) == 1;
  if (!is_trusting)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("no certificates can be read from {}: {}",
                    options.ca_file.empty() ? "the system" : options.ca_file, openssl_problem()));
  if (!options.certificate.empty()) TRY(use_certificate(context.get(), options));
  return context;
}

}  // namespace

Result<std::unique_ptr<ClientSocket>> encrypted_socket(Fd socket, const ServerAddress& address,
                                                       const ClientOptions& options,
                                                       const Waiting& waiting) {
  TRY_ASSIGN(ContextPtr context, make_context(options));
  SessionPtr session(::SSL_new(context.get()), &::SSL_free);
  if (!session || ::SSL_set_fd(session.get(), socket.get()) != 1)
    return fail(ErrorCode::io_failed, "TLS: " + openssl_problem());
  // Numbers are names of their own kind in certificates.
  X509_VERIFY_PARAM* const wanted = ::SSL_get0_param(session.get());
  const bool is_number = ::X509_VERIFY_PARAM_set1_ip_asc(wanted, address.host.c_str()) == 1;
  if (!is_number) {
    ::ERR_clear_error();
    ::SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    std::string name = address.host;
    if (::SSL_set1_host(session.get(), name.c_str()) != 1 ||
        ::SSL_ctrl(session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                   name.data()) != 1)
      return fail(ErrorCode::invalid_argument, address.host + " is no name of a host");
  }
  auto made = std::make_unique<EncryptedSocket>(std::move(socket), std::move(context),
                                                std::move(session), address, options, waiting);
  TRY(made->greet());
  return made;
}

}  // namespace reeve::http
