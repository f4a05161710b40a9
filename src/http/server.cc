#include "http/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <map>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include "http/connection.h"
#include "http/loop.h"
#include "http/transport.h"

namespace reeve::http {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<stream_protocol>;

constexpr std::string_view kUnixPrefix = "unix:";
constexpr int kBacklog = 4096;  ///< who waits while nobody accepts, between two processes

struct Listener {
  explicit Listener(asio::io_context& context) : acceptor(context) {}
  Acceptor acceptor;
  std::string address;    ///< as people would type it
  std::string unix_path;  ///< "": TCP
  bool removes_path = false;
};

Result<asio::ip::tcp::endpoint> parse_endpoint(const std::string& address) {
  const auto refuse = [&] {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is no address to listen at: 127.0.0.1:8080, [::1]:8080, "
                            "0.0.0.0:8080 or unix:/path is meant",
                            address));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return refuse();
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const char* const end = address.data() + address.size();
  const auto [stop, bad] = std::from_chars(address.data() + colon + 1, end, port);
  ErrorNumber error;
  const auto ip = asio::ip::make_address(host, error);
  if (error || bad != std::errc{} || stop != end) return refuse();
  return asio::ip::tcp::endpoint(ip, port);
}

std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return fmt::format("{}:{}", endpoint.address().is_v6() ? "[" + host + "]" : host,
                     endpoint.port());
}

Status listen_tcp(Listener& listener, const std::string& address) {
  TRY_ASSIGN(const asio::ip::tcp::endpoint endpoint, parse_endpoint(address));
  ErrorNumber error;
  const stream_protocol::endpoint generic(endpoint);
  listener.acceptor.open(generic.protocol(), error);
  if (!error) listener.acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) listener.acceptor.bind(generic, error);
  if (!error) listener.acceptor.listen(kBacklog, error);
  if (error.value() == EADDRINUSE)
    return fail(ErrorCode::conflict,
                fmt::format("cannot listen at {}: another program listens there; end it, or choose "
                            "another address or port",
                            address));
  if (error) return fail_errno(error.value(), "cannot listen at " + address);
  asio::ip::tcp::endpoint bound;
  const auto found = listener.acceptor.local_endpoint(error);
  if (!error && found.size() <= bound.capacity()) {
    std::memcpy(bound.data(), found.data(), found.size());
    bound.resize(found.size());
  }
  listener.address = endpoint_text(bound);
  return {};
}

Status listen_unix(Listener& listener, const std::string& path) {
  ErrorNumber error;
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(ErrorCode::invalid_argument, fmt::format("the path of a socket must have 1 to {} "
                                                         "bytes: {}",
                                                         sizeof(sockaddr_un::sun_path) - 1, path));
  const stream_protocol::endpoint endpoint{asio::local::stream_protocol::endpoint(path)};
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      return fail(ErrorCode::conflict, path + " exists and is no socket: choose another path");
    asio::io_context context;
    stream_protocol::socket probe(context);
    probe.connect(endpoint, error);
    if (!error) return fail(ErrorCode::conflict, "somebody listens at " + path + " already");
    ::unlink(path.c_str());
  }
  listener.acceptor.open(endpoint.protocol(), error);
  const mode_t before = ::umask(0177);
  if (!error) listener.acceptor.bind(endpoint, error);
  ::umask(before);
  if (!error) listener.acceptor.listen(kBacklog, error);
  if (error) return fail_errno(error.value(), "cannot listen at " + path);
  listener.unix_path = path;
  listener.removes_path = true;
  listener.address = "unix:" + path;
  return {};
}

struct SocketName {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
};

Result<SocketName> name_of_listener(int socket) {
  SocketName name;
  int type = 0;
  int listens = 0;
  socklen_t size = sizeof type;
  const bool is_stream =
      ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
  size = sizeof listens;
  if (!is_stream || ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
      listens == 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&name.address), &name.size) != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("descriptor {}, which was passed to this process, is no stream socket "
                            "that listens",
                            socket));
  return name;
}

/// The path of a name, "" for one that is none: an abstract one, or TCP.
std::string path_of(const SocketName& name) {
  const auto* const local = reinterpret_cast<const sockaddr_un*>(&name.address);
  if (name.address.ss_family != AF_UNIX) return {};
  const std::size_t most = name.size - offsetof(sockaddr_un, sun_path);
  return {local->sun_path, ::strnlen(local->sun_path, most)};
}

Status adopt(Listener& listener, PassedSocket passed) {
  TRY_ASSIGN(const SocketName name, name_of_listener(passed.socket.get()));
  TRY_ASSIGN(listener.address, listening_address(passed.socket.get()));
  listener.unix_path = path_of(name);
  listener.removes_path = passed.removes_path;
  ErrorNumber error;
  const int family = name.address.ss_family;
  listener.acceptor.assign(stream_protocol(family, family == AF_UNIX ? 0 : IPPROTO_TCP),
                           passed.socket.get(), error);
  if (!error) static_cast<void>(passed.socket.release());
  if (!error) listener.acceptor.non_blocking(true, error);
  if (error) return fail_errno(error.value(), "cannot listen at " + listener.address);
  return {};
}

}  // namespace

Result<std::string> listening_address(int socket) {
  TRY_ASSIGN(const SocketName name, name_of_listener(socket));
  const std::string path = path_of(name);
  if (!path.empty()) return "unix:" + path;
  if (name.address.ss_family != AF_INET && name.address.ss_family != AF_INET6)
    return fail(ErrorCode::invalid_argument,
                "a socket that was passed to this process listens neither at TCP nor at a path");
  asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), &name.address,
              std::min<std::size_t>(name.size, endpoint.capacity()));
  endpoint.resize(name.size);
  return endpoint_text(endpoint);
}

std::string canonical_address(const std::string& address) {
  if (address.starts_with(kUnixPrefix)) return address;
  const auto endpoint = parse_endpoint(address);
  return endpoint ? endpoint_text(*endpoint) : address;
}

struct Server::Parts final : ConnectionHost {
  Parts(ServerOptions chosen, Handler called)
      : settings(std::move(chosen)),
        handler(std::move(called)),
        sweep(running->context) {}

  const ServerOptions& options() const override { return settings; }
  const std::shared_ptr<Loop>& loop() const override { return running; }  // shared: see below
  std::string_view date_line() override;
  void handle(Request request, Responder responder) override {
    ++requests;
    handler(std::move(request), std::move(responder));
  }
  void count_refused() override { ++refused; }
  bool is_stopping() const override { return stopping; }
  bool is_lingering() const override { return lingering; }
  void forget(Connection& connection) override;

  void accept(Listener& listener);
  void take(Listener& listener, Socket socket);
  Peer peer_of(const Listener& listener, Socket& socket) const;
  void arm_sweep();
  void begin_stop();

  ServerOptions settings;
  Handler handler;
  std::shared_ptr<Loop> running = std::make_shared<Loop>();  // shared: handles outlive the server
  std::unique_ptr<TlsSettings> tls;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::thread thread;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  // The server's thread only, from here on.
  std::map<Connection*, std::shared_ptr<Connection>> connections;  // shared: with its operations
  asio::steady_timer sweep;
  bool sweeping = false;
  std::atomic<bool> stopping{false};
  std::atomic<bool> lingering{false};
  std::string date;
  std::time_t date_second = 0;
  std::atomic<std::uint64_t> open_connections{0}, requests{0}, refused{0};
};

std::string_view Server::Parts::date_line() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second) {
    date_second = now;
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 64> text{};
    // The C locale: reeve never sets another one.
    std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    date = text.data();
  }
  return date;
}

void Server::Parts::forget(Connection& connection) {
  connections.erase(&connection);
  --open_connections;
  if (stopping && connections.empty()) running->context.stop();
}

Peer Server::Parts::peer_of(const Listener& listener, Socket& socket) const {
  Peer peer{.address = "unix", .user_id = {}, .is_encrypted = false, .certificate = {}};
  if (!listener.unix_path.empty()) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
      peer.user_id = credentials.uid;
    return peer;
  }
  ErrorNumber error;
  const auto remote = socket.remote_endpoint(error);
  asio::ip::tcp::endpoint endpoint;
  if (!error && remote.size() <= endpoint.capacity()) {
    std::memcpy(endpoint.data(), remote.data(), remote.size());
    endpoint.resize(remote.size());
  }
  peer.address = endpoint_text(endpoint);
  peer.is_encrypted = tls != nullptr;
  return peer;
}

void Server::Parts::accept(Listener& listener) {
  listener.acceptor.async_accept(running->context, [this, &listener](ErrorNumber error,
                                                                     Socket socket) {
    if (error == asio::error::operation_aborted || stopping) return;
    if (!error) take(listener, std::move(socket));
    if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space) {
      // Somebody else's descriptors have to be given back first.
      auto pause = std::make_shared<asio::steady_timer>(running->context);  // shared: by its wait
      pause->expires_after(std::chrono::milliseconds{100});
      pause->async_wait([this, pause, &listener](ErrorNumber ended) {
        if (!ended && !stopping) accept(listener);
      });
      return;
    }
    accept(listener);
  });
}

void Server::Parts::take(Listener& listener, Socket socket) {
  if (connections.size() >= settings.limits.connections_max) {
    ++refused;
    constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    // Best effort: whoever is told has to be let go at once. TLS would not understand it.
    if (listener.unix_path.empty() && tls != nullptr) return;
    static_cast<void>(::send(socket.native_handle(), kFull.data(), kFull.size(),
                             MSG_NOSIGNAL | MSG_DONTWAIT) == 0);
    return;
  }
  Peer peer = peer_of(listener, socket);
  const bool is_tcp = listener.unix_path.empty();
  ErrorNumber ignored;
  if (is_tcp) socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto transport = is_tcp && tls ? tls->transport(std::move(socket))
                                 : plain_transport(std::move(socket), *running);
  // shared: by every operation that is under way
  auto connection = std::make_shared<Connection>(*this, std::move(transport), std::move(peer));
  connections.emplace(connection.get(), connection);
  ++open_connections;
  connection->start();
  arm_sweep();
}

/// One timer for all connections, and none while there is nobody.
void Server::Parts::arm_sweep() {
  if (sweeping || connections.empty()) return;
  sweeping = true;
  sweep.expires_after(std::chrono::seconds{1});
  sweep.async_wait([this](ErrorNumber error) {
    sweeping = false;
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<Connection>> all;  // shared: those that end leave the table
    all.reserve(connections.size());
    for (const auto& [key, connection] : connections) all.push_back(connection);
    for (const auto& connection : all) connection->look_at_clock(now);
    arm_sweep();
  });
}

void Server::Parts::begin_stop() {
  stopping = true;
  ErrorNumber ignored;
  for (const auto& listener : listeners) listener->acceptor.close(ignored);
  std::vector<std::shared_ptr<Connection>> all;  // shared: as above
  for (const auto& [key, connection] : connections) all.push_back(connection);
  for (const auto& connection : all) connection->stop();
  if (connections.empty()) return running->context.stop();
  auto limit = std::make_shared<asio::steady_timer>(running->context);  // shared: by its wait
  limit->expires_after(settings.limits.stop_time);
  limit->async_wait([this, limit](ErrorNumber) {
    std::vector<std::shared_ptr<Connection>> late;  // shared: as above
    for (const auto& [key, connection] : connections) late.push_back(connection);
    for (const auto& connection : late) connection->close();
  });
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Server>> Server::open(ServerOptions options, Handler handler) {
  auto parts = std::make_unique<Parts>(std::move(options), std::move(handler));
  if (parts->settings.tls) {
    TRY_ASSIGN(parts->tls, TlsSettings::load(*parts->settings.tls));
  }
  std::map<std::string, PassedSocket> passed;
  for (PassedSocket& each : parts->settings.passed) {
    TRY_ASSIGN(std::string name, listening_address(each.socket.get()));
    passed.insert_or_assign(std::move(name), std::move(each));
  }
  parts->settings.passed.clear();
  for (const std::string& address : parts->settings.addresses) {
    auto listener = std::make_unique<Listener>(parts->running->context);
    if (const auto found = passed.find(canonical_address(address)); found != passed.end()) {
      TRY(adopt(*listener, std::move(found->second)));
      passed.erase(found);
    } else if (address.starts_with(kUnixPrefix)) {
      TRY(listen_unix(*listener, address.substr(kUnixPrefix.size())));
    } else {
      TRY(listen_tcp(*listener, address));
    }
    parts->listeners.push_back(std::move(listener));
  }
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::~Server() {
  stop();
  for (const auto& listener : parts_->listeners)
    if (listener->removes_path) ::unlink(listener->unix_path.c_str());
}

void Server::start() {
  Parts& parts = *parts_;
  parts.work.emplace(parts.running->context.get_executor());
  for (const auto& listener : parts.listeners) parts.accept(*listener);
  parts.thread = std::thread([&parts] { parts.running->context.run(); });
}

Result<std::vector<PassedSocket>> Server::share() const {
  std::vector<PassedSocket> all;
  for (const auto& listener : parts_->listeners) {
    PassedSocket copy{.socket = Fd(::fcntl(listener->acceptor.native_handle(), F_DUPFD_CLOEXEC, 0)),
                      .removes_path = listener->removes_path};
    if (!copy.socket) return fail_errno(errno, "cannot copy the socket of " + listener->address);
    all.push_back(std::move(copy));
  }
  return all;
}

void Server::leave_paths() {
  for (const auto& listener : parts_->listeners) listener->removes_path = false;
}

void Server::stop(Stop how) {
  if (!parts_->thread.joinable()) return;
  Parts& parts = *parts_;
  parts.lingering = how == Stop::linger;
  parts.running->post([&parts] { parts.begin_stop(); });
  // Its last connection, or the time limit, takes away what keeps it running.
  parts.thread.join();
  parts.running->end();
  // What was posted meanwhile is let go of here, and not by whoever holds the last handle.
  parts.running->context.restart();
  parts.running->context.poll();
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> all;
  for (const auto& listener : parts_->listeners) all.push_back(listener->address);
  return all;
}

void Server::post(std::function<void()> call) { parts_->running->post(std::move(call)); }

void Server::after(std::chrono::milliseconds delay, std::function<void()> call) {
  parts_->running->post([parts = parts_.get(), delay, call = std::move(call)] {
    if (parts->stopping) return;
    auto timer = std::make_shared<asio::steady_timer>(parts->running->context);  // by its wait
    timer->expires_after(delay);
    timer->async_wait([parts, timer, call](ErrorNumber error) {
      if (!error && !parts->stopping) call();
    });
  });
}

Server::Counters Server::counters() const {
  return {parts_->open_connections, parts_->requests, parts_->refused};
}

}  // namespace reeve::http
