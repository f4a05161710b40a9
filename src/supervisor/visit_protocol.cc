#include "supervisor/visit_protocol.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/codec.h"
#include "sandbox/parcel.h"

namespace reeve::supervisor {
namespace {

template <class T>
std::string encoded(const T& message) {
  std::string bytes;
  Writer writer(bytes);
  encode(writer, message);
  return bytes;
}

template <class T>
std::optional<T> decoded(std::string_view bytes) {
  Reader reader(bytes);
  T message;
  if (!decode(reader, message) || !reader.at_end()) return std::nullopt;
  return message;
}

Status send_text(int socket, const std::string& bytes, std::span<const int> descriptors) {
  return sandbox::send_parcel(socket, {bytes.data(), bytes.size()}, descriptors);
}

}  // namespace

std::string encode_knock(const Knock& knock) { return encoded(knock); }

std::optional<Knock> decode_knock(std::string_view bytes) {
  Reader reader(bytes);
  Knock foreign;
  if (!decode(reader, foreign.version)) return std::nullopt;
  if (foreign.version != kProtocolVersion) return foreign;
  return decoded<Knock>(bytes);
}

std::string encode_news(const VisitNews& news) { return encoded(news); }

std::optional<VisitNews> decode_news(std::string_view bytes) {
  auto news = decoded<VisitNews>(bytes);
  if (!news || news->state > VisitState::refused) return std::nullopt;
  return news;
}

Status send_knock(int socket, const Knock& knock, const std::array<int, 3>& streams) {
  return send_text(socket, encode_knock(knock), streams);
}

Result<ReceivedKnock> receive_knock(int socket) {
  ReceivedKnock received;
  std::array<char, kVisitMessageBytesMax> bytes{};
  std::array<int, 3> descriptors{-1, -1, -1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)];
  iovec data{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  // Not the whole buffer: what aligns it has room for a fourth, which the kernel would fill in.
  message.msg_controllen = CMSG_LEN(sizeof descriptors);
  const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got <= 0) return fail(ErrorCode::unavailable, "it has gone");
  std::size_t count = 0;
  for (const cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(each))) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    count = std::min((each->cmsg_len - CMSG_LEN(0)) / sizeof(int), descriptors.size());
    std::memcpy(descriptors.data(), CMSG_DATA(each), count * sizeof(int));
  }
  for (std::size_t i = 0; i < count; ++i) received.streams[i].reset(descriptors[i]);
  auto knock = decode_knock({bytes.data(), static_cast<std::size_t>(got)});
  if (!knock || count != descriptors.size() || (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0)
    return fail(ErrorCode::invalid_argument, "it sent something that is no message");
  received.knock = std::move(*knock);
  return received;
}

Status send_news(int socket, const VisitNews& news) {
  return send_text(socket, encode_news(news), {});
}

Result<VisitNews> receive_news(int socket) {
  std::array<char, kVisitMessageBytesMax> bytes{};
  ssize_t got = -1;
  do {
    got = ::recv(socket, bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return fail(ErrorCode::unavailable, "the supervisor has gone");
  auto news = decode_news({bytes.data(), static_cast<std::size_t>(got)});
  if (!news) return fail(ErrorCode::corrupt, "the supervisor sent something that is no message");
  return *std::move(news);
}

}  // namespace reeve::supervisor
