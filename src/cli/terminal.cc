#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>

namespace reeve::cli {
namespace {

constexpr int kColumnsMax = 500;
constexpr int kRowsMax = 500;

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

/// As setlocale(3) would choose, without loading a locale. Nothing set says nothing: UTF-8 is
/// usual.
bool locale_is_ascii() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = variable(name);
    if (value.empty()) continue;
    std::string upper;
    for (const char c : value) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return upper.find("UTF-8") == std::string::npos && upper.find("UTF8") == std::string::npos;
  }
  return false;
}

std::string read_link(const char* path) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = ::readlink(path, buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string current_directory() {
  std::array<char, PATH_MAX> buffer{};
  return ::getcwd(buffer.data(), buffer.size()) == nullptr ? std::string() : buffer.data();
}

}  // namespace

std::string user_name() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr)
    return found->pw_name;
  return std::to_string(::geteuid());
}

TerminalSize terminal_size(int descriptor) {
  winsize size{};
  TerminalSize out;
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return out;
  if (size.ws_col > 0) out.columns = std::min<int>(size.ws_col, kColumnsMax);
  if (size.ws_row > 0) out.rows = std::min<int>(size.ws_row, kRowsMax);
  return out;
}

Surroundings Surroundings::read() {
  Surroundings found;
  found.stdin_is_terminal = ::isatty(STDIN_FILENO) == 1;
  found.stdout_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  found.stderr_is_terminal = ::isatty(STDERR_FILENO) == 1;
  found.no_color = !variable("NO_COLOR").empty();
  const std::string_view terminal = variable("TERM");
  found.terminal_type = std::string(terminal);
  found.is_dumb = terminal.empty() || terminal == "dumb";
  const std::string_view ci = variable("CI");
  found.is_ci = !ci.empty() && ci != "false" && ci != "0";
  found.ascii = locale_is_ascii();
  found.working_directory = current_directory();
  found.program = read_link("/proc/self/exe");
  found.service_url = variable("REEVE_URL");
  found.service_token = variable("REEVE_TOKEN");
  found.service_ca = variable("REEVE_CA");
  found.service_certificate = variable("REEVE_CERTIFICATE");
  found.service_key = variable("REEVE_KEY");
  std::string configuration(variable("XDG_CONFIG_HOME"));
  if (configuration.empty()) configuration = std::string(variable("HOME")) + "/.config";
  found.contexts_file = configuration + "/reeve/contexts.json";
  return found;
}

void Stream::write(std::string_view bytes) {
  while (!bytes.empty() && error_ == 0) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody made our descriptor non-blocking: wait for room.
      pollfd ready{descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
}

void Stream::write_line(std::string_view text) {
  std::string whole(text);
  whole += '\n';
  write(whole);
}

void Stream::write_line(const Line& line) { write_line(to_text(line, colour_)); }

}  // namespace reeve::cli
