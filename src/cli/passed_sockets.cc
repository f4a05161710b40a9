#include "cli/passed_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.h"

namespace reeve::cli {
namespace {

constexpr int kFirst = 3;  ///< SD_LISTEN_FDS_START
constexpr int kMost = 64;

std::string text_of_variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

/// -1: no number.
int number_in(const std::string& text) {
  int number = -1;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end ? number : -1;
}

}  // namespace

Result<std::vector<NamedSocket>> take_passed_sockets() {
  const int pid = number_in(text_of_variable("LISTEN_PID"));
  const std::string text = text_of_variable("LISTEN_FDS");
  const std::string names = text_of_variable("LISTEN_FDNAMES");
  if (pid != ::getpid() || text.empty()) return std::vector<NamedSocket>{};
  const int count = number_in(text);
  if (count < 0 || count > kMost)
    return fail(ErrorCode::invalid_argument,
                fmt::format("LISTEN_FDS is {}, and should be the number of sockets, {} at most",
                            sanitize_for_terminal(text), kMost));
  std::vector<NamedSocket> sockets;
  std::size_t begin = 0;
  for (int number = kFirst; number < kFirst + count; ++number) {
    NamedSocket socket;
    // Ours before it is looked at: nothing that we start is to have it.
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("LISTEN_FDS says {}, but descriptor {} is not open", count, number));
    socket.passed.socket = Fd(number);
    TRY_ASSIGN(socket.address, http::listening_address(number));
    const std::size_t end = names.find(':', begin);
    if (begin <= names.size()) socket.name = names.substr(begin, end - begin);
    begin = end == std::string::npos ? names.size() + 1 : end + 1;
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace reeve::cli
