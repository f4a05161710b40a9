#include "sandbox/zygote/link.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>

#include <string.h>

namespace reeve::sandbox::zygote {

namespace {

/// Bytes that came, or -1. `count`: descriptors that came with them.
ssize_t receive_from(int socket, iovec data, int (&descriptors)[kDescriptorsMax], int& count) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = -1;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  count = 0;
  if (got < 0 || (message.msg_flags & MSG_CTRUNC) != 0) return -1;
  const cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS) return got;
  const std::size_t bytes = rights->cmsg_len - CMSG_LEN(0);
  ::memcpy(descriptors, CMSG_DATA(rights), bytes);
  count = static_cast<int>(bytes / sizeof(int));
  return got;
}

}  // namespace

int receive(Header& header, int (&descriptors)[kDescriptorsMax]) {
  int count = 0;
  const ssize_t got = receive_from(kSocket, {&header, sizeof header}, descriptors, count);
  return got == static_cast<ssize_t>(sizeof header) ? count : -1;
}

int receive_at(int door, DoorMessage& message, int (&descriptors)[kDescriptorsMax]) {
  int count = 0;
  const ssize_t got = receive_from(door, {&message, sizeof message}, descriptors, count);
  return got == static_cast<ssize_t>(sizeof message) ? count : -1;
}

void send_reply(const Reply& reply, int first, int second) {
  const int descriptors[] = {first, second};
  const std::size_t bytes = (first < 0 ? 0 : second < 0 ? 1 : 2) * sizeof(int);
  iovec data{const_cast<Reply*>(&reply), sizeof reply};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)] = {};
  if (bytes > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    ::memcpy(CMSG_DATA(rights), descriptors, bytes);
  }
  // If the supervisor has gone there is nobody to tell, and the kernel ends this process.
  static_cast<void>(::sendmsg(kSocket, &message, MSG_NOSIGNAL) > 0);
}

BlobReader map_blob(int descriptor, std::size_t bytes) {
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapped == MAP_FAILED) return {nullptr, 0};
  return {static_cast<const char*>(mapped), bytes};
}

}  // namespace reeve::sandbox::zygote
