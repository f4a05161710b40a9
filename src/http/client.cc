#include "http/client.h"

#include <charconv>

#include <fmt/format.h>

#include "http/client_socket.h"
#include "http/reply_reader.h"

namespace reeve::http {
namespace {

constexpr std::uint16_t kUsualPort = 7433;
constexpr std::uint16_t kHttpPort = 80;  ///< that Host need not say
constexpr std::uint16_t kHttpsPort = 443;

auto bad_address(std::string_view text) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is no address of a service: http://127.0.0.1:7433, "
                          "https://host:7433 or unix:/path/api.sock is meant",
                          text));
}

/// Without line ends, which would be headers of somebody else's making.
bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

Result<ServerAddress> ServerAddress::parse(std::string_view text) {
  ServerAddress address{.text = std::string(text), .host = {}, .unix_path = {}};
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    address.unix_path = text.substr(kUnix.size());
    while (address.unix_path.starts_with("//")) address.unix_path.erase(0, 1);
    if (!address.unix_path.starts_with('/')) return bad_address(text);
    return address;
  }
  std::string_view rest = text;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!rest.starts_with(scheme)) continue;
    rest.remove_prefix(scheme.size());
    address.is_encrypted = scheme == "https://";
    break;
  }
  if (rest.size() == text.size()) return bad_address(text);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ \t\r\n") != std::string_view::npos) return bad_address(text);
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  address.host = rest.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  address.port = kUsualPort;
  if (colon != std::string_view::npos) {
    const char* const end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + colon + 1, end, address.port);
    if (error != std::errc{} || stop != end || address.port == 0) return bad_address(text);
  }
  if (address.host.empty()) return bad_address(text);
  return address;
}

bool ServerAddress::is_private() const {
  return is_encrypted || !unix_path.empty() || host == "localhost" || host == "::1" ||
         host.starts_with("127.");
}

Client::Client(ServerAddress address, ClientOptions options)
    : address_(std::move(address)),
      options_(std::move(options)) {}
Client::~Client() = default;
// The socket refers to address and options: it does not move along.
Client::Client(Client&& other) noexcept
    : address_(std::move(other.address_)),
      options_(std::move(other.options_)) {
  other.socket_.reset();
}
Client& Client::operator=(Client&& other) noexcept {
  socket_.reset();
  other.socket_.reset();
  address_ = std::move(other.address_);
  options_ = std::move(other.options_);
  return *this;
}

Result<Response> Client::send(const Sent& request) {
  const bool was_open = socket_ != nullptr;
  auto response = exchange(request);
  if (!response) socket_.reset();
  // A connection that was kept may have been closed by the other side meanwhile.
  const bool may_try_again = was_open && request.is_repeatable && !response &&
                             response.error().code == ErrorCode::unavailable;
  if (!may_try_again) return response;
  response = exchange(request);
  if (!response) socket_.reset();
  return response;
}

Result<Response> Client::exchange(const Sent& request) {
  const Waiting waiting = Waiting::from(options_);
  if (socket_) socket_->wait_as(waiting);
  if (!socket_) {
    TRY_ASSIGN(socket_, ClientSocket::connect(address_, options_, waiting));
  }
  const bool is_number = address_.host.find(':') != std::string::npos;
  const std::string host = !address_.unix_path.empty() ? "localhost"
                           : is_number                 ? "[" + address_.host + "]"
                                                       : address_.host;
  const bool is_plain_port =
      address_.port == 0 || address_.port == (address_.is_encrypted ? kHttpsPort : kHttpPort);
  std::string out = fmt::format("{} {} HTTP/1.1\r\nHost: {}{}\r\n", request.method, request.target,
                                host, is_plain_port ? "" : fmt::format(":{}", address_.port));
  for (const Header& header : request.headers) {
    if (!is_one_line(header.name) || !is_one_line(header.value))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the value of {} may not have more than one line", header.name));
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (request.method != "GET" || !request.body.empty())
    out += fmt::format("Content-Length: {}\r\n", request.body.size());
  out.append("\r\n").append(request.body);
  TRY(socket_->write(out));
  ReplyReader reader(request.method != "HEAD", options_.body_bytes_max);
  std::string bytes;
  while (true) {
    bytes.clear();
    TRY_ASSIGN(const bool is_open, socket_->read(bytes));
    if (!is_open) {
      TRY(reader.end());
      break;
    }
    TRY_ASSIGN(const bool is_complete, reader.add(bytes));
    if (is_complete) break;
  }
  if (!reader.keeps_alive()) socket_.reset();
  return reader.take();
}

}  // namespace reeve::http
