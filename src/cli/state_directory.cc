#include "cli/state_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

bool is_directory(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

std::string absolute(const std::string& path, const std::string& working_directory) {
  if (path.starts_with('/')) return path;
  return working_directory + "/" + path;
}

/// With links and dots resolved, so that two names of one directory are one.
std::string resolved(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  return ::realpath(path.c_str(), buffer.data()) == nullptr ? path : buffer.data();
}

/// What git must not see: all of it.
void write_git_ignore(const std::string& root) {
  const std::string path = root + "/.gitignore";
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  // A directory without it works as well.
  if (file) static_cast<void>(::write(file.get(), "*\n", 2) == 2);
}

std::string read_whole(int file) {
  std::array<char, 8192> buffer{};
  const ssize_t size = ::pread(file, buffer.data(), buffer.size(), 0);
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

LockHolder read_holder(int file) {
  LockHolder holder;
  boost::system::error_code error;
  const auto value = boost::json::parse(read_whole(file), error);
  if (error || !value.is_object()) return holder;
  const auto& object = value.get_object();
  const auto text = [&](std::string_view key) {
    const auto* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
  };
  if (const auto* pid = object.if_contains("pid"); pid != nullptr && pid->is_int64())
    holder.pid = pid->get_int64();
  holder.host = text("host");
  holder.command = text("command");
  if (const auto at = parse_time(text("started_at"))) holder.started_at = *at;
  return holder;
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string refusal(const StateLayout& layout, const LockHolder& holder) {
  if (holder.pid == 0) return "another engine is starting on " + layout.root;
  return fmt::format(
      "the state directory {} is held by process {} on {} since {} ({}): wait until it ends, "
      "give this one a directory of its own with --state DIR, or, for a service, its place with "
      "--take-over",
      layout.root, holder.pid, holder.host, format_time(holder.started_at),
      sanitize_for_terminal(holder.command));
}

}  // namespace

Result<StateLayout> make_state_directory(const std::string* chosen,
                                         const std::string& working_directory) {
  const std::string root =
      absolute(chosen == nullptr ? std::string(kStateDirectoryName) : *chosen, working_directory);
  if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) {
    const int error = errno;
    return fail_errno(error, fmt::format("cannot make the state directory {} (another place: "
                                         "--state DIR)",
                                         root));
  }
  if (!is_directory(root)) return fail(ErrorCode::invalid_argument, root + " is not a directory");
  if (::access(root.c_str(), W_OK | X_OK) != 0) {
    const int error = errno;
    return fail_errno(error, fmt::format("cannot write to the state directory {} (another place: "
                                         "--state DIR)",
                                         root));
  }
  write_git_ignore(root);
  return StateLayout{resolved(root)};
}

Result<StateLayout> find_state_directory(const std::string* chosen,
                                         const std::string& working_directory) {
  if (chosen != nullptr) {
    const std::string root = absolute(*chosen, working_directory);
    if (!is_directory(root))
      return fail(ErrorCode::not_found, "there is no state directory " + root);
    return StateLayout{resolved(root)};
  }
  std::string place = working_directory;
  while (true) {
    const std::string root = fmt::format("{}/{}", place == "/" ? "" : place, kStateDirectoryName);
    if (is_directory(root)) return StateLayout{resolved(root)};
    const std::size_t slash = place.rfind('/');
    if (place == "/" || slash == std::string::npos) break;
    place.resize(slash == 0 ? 1 : slash);
  }
  return fail(ErrorCode::not_found,
              "nothing has been run here: there is no .reeve in this directory or above it "
              "(`reeve run` makes one; --state DIR names another)");
}

Result<EngineLock> EngineLock::take(const StateLayout& layout, const LockHolder& self) {
  Fd file(::open(layout.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail_errno(errno, "cannot open " + layout.lock());
  // An open file description's lock: unlike flock(2) it can be looked at without being taken.
  struct flock wanted = whole_file(F_WRLCK);
  if (::fcntl(file.get(), F_OFD_SETLK, &wanted) != 0) {
    if (errno == EAGAIN || errno == EACCES)
      return fail(ErrorCode::conflict, refusal(layout, read_holder(file.get())));
    return fail_errno(errno, "cannot lock " + layout.lock());
  }
  const boost::json::object content{{"pid", self.pid},
                                    {"host", self.host},
                                    {"started_at", format_time(self.started_at)},
                                    {"command", self.command}};
  const std::string text = boost::json::serialize(content) + "\n";
  const bool written =
      ::ftruncate(file.get(), 0) == 0 &&
      ::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) return fail_errno(errno, "cannot write " + layout.lock());
  return EngineLock(std::move(file));
}

std::optional<LockHolder> EngineLock::holder(const StateLayout& layout) {
  const Fd file(::open(layout.lock().c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  struct flock held = whole_file(F_RDLCK);
  if (::fcntl(file.get(), F_OFD_GETLK, &held) != 0 || held.l_type == F_UNLCK) return std::nullopt;
  return read_holder(file.get());
}

LockHolder this_process(std::string command) {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return {::getpid(), host.data(), wall_now(), std::move(command)};
}

}  // namespace reeve::cli
