#include "executors/secret_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"

namespace reeve::executors {
namespace {

std::string folder_of(const std::string& state_directory, Token token) {
  return state_directory + "/secrets/" + std::to_string(token.value);
}

Status write_private(const std::string& path, std::string_view value) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const Fd file(::open(path.c_str(), kFlags, 0600));
  if (!file) return fail_errno(errno, "cannot make " + path);
  while (!value.empty()) {
    const ssize_t written = ::write(file.get(), value.data(), value.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, "cannot write " + path);
    value.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Status write_secrets(const std::string& state_directory, Launch& launch) {
  const std::string folder = folder_of(state_directory, launch.token);
  for (const std::string& path : {state_directory + "/secrets", folder}) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno(errno, "cannot make " + path);
  }
  for (const auto& [name, value] : launch.secrets) {
    const std::string path = folder + "/" + name;
    TRY(write_private(path, value));
    launch.environment.emplace_back("REEVE_SECRET_" + name, path);
  }
  launch.secrets.clear();
  return {};
}

void remove_secrets(const std::string& state_directory, Token token) {
  // The folder of all secrets is there only if some attempt had one: usually one failed call.
  if (::access((state_directory + "/secrets").c_str(), F_OK) != 0) return;
  std::error_code ignored;  // what is left is removed with the state directory
  std::filesystem::remove_all(folder_of(state_directory, token), ignored);
}

}  // namespace reeve::executors
