#include "api/control_client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

#include "api/control_protocol.h"

namespace reeve::api {
namespace {

Error no_answer() {
  return {ErrorCode::unavailable, "the engine does not answer; is its process stopped?", {}};
}

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& path, Duration patience) {
  TRY_ASSIGN(Fd socket, connect_to(path, patience));
  if (!is_same_user(socket.get()))
    return fail(ErrorCode::permission_denied, "the engine belongs to another user");
  return ControlClient(std::move(socket));
}

Status ControlClient::send(std::string_view line) {
  while (!line.empty()) {
    const ssize_t sent = ::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      line.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      has_ended_ = errno == EPIPE || errno == ECONNRESET;
      return tl::unexpected(no_answer());
    }
  }
  return {};
}

Result<std::string> ControlClient::receive() {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + timeout_;
  std::array<char, 16384> chunk{};
  while (true) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (buffer_.size() > kReplyBytesMax)
      return fail(ErrorCode::corrupt, "the engine's reply is too long");
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd ready{socket_.get(), POLLIN, 0};
    const int found = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
    if (found < 0 && errno == EINTR) continue;
    if (found <= 0) return tl::unexpected(no_answer());
    const ssize_t got = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    has_ended_ = got == 0 || (got < 0 && errno == ECONNRESET);
    if (got <= 0) return tl::unexpected(no_answer());
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Result<boost::json::object> ControlClient::call(std::string_view method,
                                                boost::json::object params) {
  const std::int64_t id = next_id_++;
  TRY(send(encode_request({id, std::string(method), std::move(params)}) + "\n"));
  while (true) {
    TRY_ASSIGN(const std::string line, receive());
    TRY_ASSIGN(ControlReply reply, decode_reply(line));
    if (reply.id == id || reply.id == 0) return std::move(reply.result);
  }
}

}  // namespace reeve::api
