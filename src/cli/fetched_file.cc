#include "cli/fetched_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <stdio.h>

#include "api/submission.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kFileNameBytesMax = 255;

tl::unexpected<Error> already_there(const std::string& path) {
  return fail(ErrorCode::conflict,
              fmt::format("'{}' is there already: --force replaces it, -O FILE names another "
                          "place",
                          path));
}

}  // namespace

bool is_harmless_name(std::string_view name) {
  return !name.empty() && name.size() <= kFileNameBytesMax && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte >= 0x20 && byte != 0x7f && c != '/';
         });
}

FetchedFile::~FetchedFile() {
  if (directory_ && !temporary_.empty()) ::unlinkat(directory_.get(), temporary_.c_str(), 0);
}

Result<FetchedFile> FetchedFile::create(const std::string& path, IfThere if_there) {
  FetchedFile out(path, if_there);
  const std::size_t slash = path.rfind('/');
  out.name_ = slash == std::string::npos ? path : path.substr(slash + 1);
  if (out.name_.empty() || out.name_ == "." || out.name_ == "..")
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is no name for a file", path));
  const std::string parent = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  out.directory_ = Fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!out.directory_) return fail_errno(errno, fmt::format("cannot write to '{}'", parent));
  struct stat present {};
  if (::fstatat(out.directory_.get(), out.name_.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISDIR(present.st_mode))
      return fail(ErrorCode::conflict, fmt::format("'{}' is a directory: name a file in it", path));
    if (if_there == IfThere::refuse) return already_there(path);
  }
  std::string temporary = "." + format_uuid("reeve", api::new_uuid(wall_now())) + ".part";
  out.file_ = Fd(::openat(out.directory_.get(), temporary.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!out.file_) return fail_errno(errno, fmt::format("cannot write '{}'", path));
  out.temporary_ = std::move(temporary);
  return out;
}

Status FetchedFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, fmt::format("cannot write '{}'", path_));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status FetchedFile::finish() {
  if (::fsync(file_.get()) != 0) return fail_errno(errno, fmt::format("cannot write '{}'", path_));
  const int in = directory_.get();
  int failed = ::renameat2(in, temporary_.c_str(), in, name_.c_str(),
                           if_there_ == IfThere::replace ? 0 : RENAME_NOREPLACE);
  // A file system that cannot do that can link, which replaces nothing either.
  if (failed != 0 && errno == EINVAL && if_there_ == IfThere::refuse) {
    failed = ::linkat(in, temporary_.c_str(), in, name_.c_str(), 0);
    if (failed == 0) ::unlinkat(in, temporary_.c_str(), 0);
  }
  if (failed != 0 && errno == EEXIST) return already_there(path_);
  if (failed != 0) return fail_errno(errno, fmt::format("cannot write '{}'", path_));
  temporary_.clear();
  return {};
}

}  // namespace reeve::cli
