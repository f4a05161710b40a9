#include "cli/service_notice.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace reeve::cli {
namespace {

std::string taken_variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::int64_t whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

ServiceNotice ServiceNotice::take_environment() {
  ServiceNotice notice;
  notice.address_ = taken_variable("NOTIFY_SOCKET");
  const std::int64_t microseconds = whole_number(taken_variable("WATCHDOG_USEC"));
  const std::string pid = taken_variable("WATCHDOG_PID");
  if (notice.address_.empty() || notice.address_.size() >= sizeof(sockaddr_un::sun_path)) {
    notice.address_.clear();
    return notice;
  }
  if (notice.address_.front() == '@') notice.address_.front() = '\0';
  notice.socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (microseconds > 0 && (pid.empty() || whole_number(pid) == ::getpid()))
    notice.pause_milliseconds_ =
        static_cast<int>(std::clamp<std::int64_t>(microseconds / 2000, 1, INT_MAX));
  return notice;
}

void ServiceNotice::tell(std::string_view state) const {
  if (!socket_) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  // Also where it is lost, the service works.
  static_cast<void>(::sendto(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), size));
}

}  // namespace reeve::cli
