#include "sandbox/parcel.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/ensure.h"
#include "sandbox/wire.h"

namespace reeve::sandbox {

Status send_parcel(int socket, ParcelBytes bytes, std::span<const int> descriptors) {
  ENSURE(descriptors.size() <= kDescriptorsMax);
  alignas(cmsghdr) char control[CMSG_SPACE(kDescriptorsMax * sizeof(int))] = {};
  iovec data{const_cast<void*>(bytes.data), bytes.size};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return {};
  return fail(ErrorCode::unavailable,
              std::string("cannot reach a sandbox: ") + std::strerror(errno));
}

Result<Fd> blob_in_memory(const std::string& blob) {
  Fd file(::memfd_create("reeve-request", MFD_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot make a file in memory");
  std::string_view rest = blob;
  while (!rest.empty()) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0) return fail_errno(errno, "cannot write a file in memory");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return file;
}

}  // namespace reeve::sandbox
