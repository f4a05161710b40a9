#include "api/control_server.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "api/control_methods.h"
#include "api/control_protocol.h"
#include "api/unix_socket.h"

namespace reeve::api {
namespace {

/// Replies on their way from the engine's thread to the server's. Outlives the server in the
/// completions that hold it.
class Mailbox {
 public:
  explicit Mailbox(Fd event) : event_(std::move(event)) {}

  void put(std::uint64_t connection, std::string line) {
    const std::lock_guard lock(mutex_);
    letters_.emplace_back(connection, std::move(line));
    signal();
  }
  std::vector<std::pair<std::uint64_t, std::string>> take() {
    const std::lock_guard lock(mutex_);
    std::uint64_t count = 0;
    // Nothing to read is nothing to do.
    if (::read(event_.get(), &count, sizeof count) < 0) count = 0;
    return std::exchange(letters_, {});
  }
  void signal() const {
    const std::uint64_t one = 1;
    // Full means that it is readable already.
    static_cast<void>(::write(event_.get(), &one, sizeof one) == sizeof one);
  }
  int descriptor() const { return event_.get(); }

 private:
  Fd event_;
  std::mutex mutex_;  // guards letters_
  std::vector<std::pair<std::uint64_t, std::string>> letters_;
};

struct Connection {
  Fd socket;
  std::string in;
  std::string out;
  bool is_closing = false;  ///< when `out` has gone
};

}  // namespace

struct ControlServer::Parts {
  Parts(engine::Engine& engine, ControlOptions chosen)
      : options(std::move(chosen)),
        methods(engine, options.description) {}

  void serve();
  void accept_all();
  void read_from(std::uint64_t id, Connection& connection);
  void take_lines(std::uint64_t id, Connection& connection);
  static void write_to(Connection& connection);
  void deliver_replies();

  ControlOptions options;
  ControlMethods methods;
  Fd listener;
  std::shared_ptr<Mailbox> mailbox;  // shared: completions may be called after the server is gone
  std::atomic<bool> stopping{false};
  std::map<std::uint64_t, Connection> connections;  // the server's thread only, from here on
  std::uint64_t next_connection = 1;
  std::thread thread;
};

void ControlServer::Parts::accept_all() {
  while (true) {
    Fd socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    if (!is_same_user(socket.get()) || connections.size() >= kConnectionsMax) continue;
    connections[next_connection++].socket = std::move(socket);
  }
}

void ControlServer::Parts::take_lines(std::uint64_t id, Connection& connection) {
  std::size_t begin = 0;
  std::size_t end = 0;
  while ((end = connection.in.find('\n', begin)) != std::string::npos) {
    const std::string_view line = std::string_view(connection.in).substr(begin, end - begin);
    begin = end + 1;
    Result<ControlRequest> request = decode_request(line);
    const std::int64_t request_id = request ? request->id : 0;
    Reply reply = [box = mailbox, id, request_id](Result<boost::json::object> result) {
      box->put(id, encode_reply({request_id, std::move(result)}));
    };
    if (request) {
      methods.handle(*request, std::move(reply));
    } else {
      reply(tl::unexpected(std::move(request).error()));
    }
  }
  connection.in.erase(0, begin);
  if (connection.in.size() > kRequestBytesMax) {
    const auto refusal = fail(ErrorCode::invalid_argument, "the request is too long");
    connection.out += encode_reply({0, refusal}) + "\n";
    connection.in.clear();
    connection.is_closing = true;
  }
}

void ControlServer::Parts::read_from(std::uint64_t id, Connection& connection) {
  std::array<char, 16384> chunk{};
  const ssize_t got = ::recv(connection.socket.get(), chunk.data(), chunk.size(), 0);
  if (got > 0) {
    connection.in.append(chunk.data(), static_cast<std::size_t>(got));
    take_lines(id, connection);
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
    connection.out.clear();
    connection.is_closing = true;
  }
}

void ControlServer::Parts::write_to(Connection& connection) {
  const ssize_t sent =
      ::send(connection.socket.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    connection.out.erase(0, static_cast<std::size_t>(sent));
  } else if (errno != EINTR && errno != EAGAIN) {
    connection.out.clear();
    connection.is_closing = true;
  }
}

void ControlServer::Parts::deliver_replies() {
  for (auto& [id, line] : mailbox->take()) {
    const auto found = connections.find(id);
    if (found == connections.end()) continue;
    Connection& connection = found->second;
    // Whoever asks and never reads gets no more.
    if (connection.out.size() + line.size() > 2 * kReplyBytesMax) connection.is_closing = true;
    connection.out += line + "\n";
  }
}

void ControlServer::Parts::serve() {
  std::vector<pollfd> waits;
  std::vector<std::uint64_t> ids;
  while (!stopping) {
    waits.assign({{listener.get(), POLLIN, 0}, {mailbox->descriptor(), POLLIN, 0}});
    ids.assign(2, 0);
    for (const auto& [id, connection] : connections) {
      const bool writes = !connection.out.empty();
      waits.push_back(
          {connection.socket.get(), static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0});
      ids.push_back(id);
    }
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    for (std::size_t i = 2; i < waits.size(); ++i) {
      Connection& connection = connections.at(ids[i]);
      if ((waits[i].revents & POLLOUT) != 0) write_to(connection);
      if ((waits[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_from(ids[i], connection);
    }
    if (waits[0].revents != 0) accept_all();
    deliver_replies();
    std::erase_if(connections, [](const auto& entry) {
      return entry.second.is_closing && entry.second.out.empty();
    });
  }
  // What the engine answered last, a denied approval that ended the run, is still to be told.
  deliver_replies();
  for (auto& [id, connection] : connections)
    if (!connection.out.empty()) write_to(connection);
}

ControlServer::ControlServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<ControlServer>> ControlServer::open(engine::Engine& engine,
                                                           ControlOptions options) {
  auto parts = std::make_unique<Parts>(engine, std::move(options));
  TRY_ASSIGN(parts->listener, listen_at(parts->options.socket_path));
  Fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) return fail_errno(errno, "cannot make an event descriptor");
  parts->mailbox = std::make_shared<Mailbox>(std::move(event));
  Parts& borrowed = *parts;
  parts->thread = std::thread([&borrowed] { borrowed.serve(); });
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(parts)));
}

ControlServer::~ControlServer() {
  parts_->stopping = true;
  parts_->mailbox->signal();
  parts_->thread.join();
  ::unlink(parts_->options.socket_path.c_str());
}

}  // namespace reeve::api
