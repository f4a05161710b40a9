#include "artifacts/source_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include <dirent.h>

#include "base/sandbox_paths.h"

namespace reeve::artifacts {

namespace {

constexpr unsigned kEnter = 1;
constexpr unsigned kRead = 4;

struct SplitPath {
  std::string parent;  // "" stands for the directory itself
  std::string name;
};

SplitPath split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool is_glob(std::string_view name) { return name.find_first_of("*?") != std::string_view::npos; }

tl::unexpected<Error> refuse_link(const std::string& path) {
  return fail(ErrorCode::permission_denied,
              "'" + path + "' is, or goes through, a symbolic link; name the file itself");
}

tl::unexpected<Error> refuse_outside(const std::string& path) {
  return fail(ErrorCode::permission_denied,
              "'" + path + "' leaves the work directory; keep it inside, or write it absolute");
}

bool is_absent(int error_number) { return error_number == ENOENT || error_number == ENOTDIR; }

/// nullopt: there is no such file.
Result<std::optional<Fd>> open_resolved(int base, const std::string& path, int flags,
                                        std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = resolve;
  const long number = ::syscall(SYS_openat2, base, path.c_str(), &how, sizeof how);
  if (number >= 0) return Fd(static_cast<int>(number));
  if (is_absent(errno)) return std::nullopt;
  if (errno == ELOOP) return refuse_link(path);
  if (errno == EXDEV && (resolve & RESOLVE_NO_XDEV) != 0)
    return fail(ErrorCode::permission_denied,
                "'" + path +
                    "' is on a file system that is mounted there, which the task does not "
                    "see; give it with `readable` or `writable`");
  if (errno == EXDEV) return refuse_outside(path);
  return fail_errno(errno, "cannot open '" + path + "'");
}

/// A directory that holds files to be opened, and what the task may do there.
struct Parent {
  Fd directory;
  struct stat place {};
  bool is_writable = false;
  bool is_checked = false;  ///< else the engine's own rights count

  bool lets(unsigned right, const struct stat& file) const {
    return !is_checked || may(right, file, {place, is_writable});
  }
};

/// As the engine may.
Result<std::optional<Parent>> open_free_parent(const std::string& directory,
                                               const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  Result<std::optional<Fd>> found;
  if (path.starts_with('/')) {
    found = open_resolved(AT_FDCWD, path, kFlags, RESOLVE_NO_SYMLINKS);
  } else {
    found = open_resolved(AT_FDCWD, directory, kFlags, RESOLVE_NO_SYMLINKS);
    if (found && *found && !path.empty())
      found = open_resolved((*found)->get(), path, kFlags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  }
  if (!found) return tl::unexpected(std::move(found).error());
  if (!*found) return std::nullopt;
  Parent parent;
  parent.directory = **std::move(found);
  return parent;
}

tl::unexpected<Error> out_of_reach(const std::string& path) {
  return fail(ErrorCode::permission_denied,
              "'" + path + "' may not be read by the task itself; let it make a copy");
}

Status look_at(const Fd& file, const std::string& path, struct stat& about) {
  if (::fstat(file.get(), &about) == 0) return {};
  return fail_errno(errno, "cannot look at '" + path + "'");
}

bool is_same(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// From the place down to the directory `inner`, which is relative to it, as the task could go.
Result<std::optional<Parent>> go_down(const SourceScope& scope, Parent parent,
                                      const std::string& inner, const std::string& said) {
  struct stat state {};
  const bool has_state = ::stat(scope.state_directory.c_str(), &state) == 0;
  struct stat here = parent.place;
  std::size_t at = 0;
  while (parent.lets(kEnter, here) && at < inner.size()) {
    const std::size_t end = std::min(inner.find('/', at), inner.size());
    TRY_ASSIGN(auto next, open_resolved(parent.directory.get(), inner.substr(at, end - at),
                                        O_PATH | O_DIRECTORY,
                                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV));
    if (!next) return std::nullopt;
    TRY(look_at(*next, said, here));
    if (has_state && is_same(here, state))
      return fail(ErrorCode::permission_denied,
                  "'" + said + "' is in the engine's own directory, which no task sees");
    parent.directory = *std::move(next);
    at = end + 1;
  }
  if (!parent.lets(kEnter, here)) return out_of_reach(said);
  return parent;
}

/// As the task could: below a place that it was given.
Result<std::optional<Parent>> open_parent(const SourceScope& scope, const std::string& path) {
  const std::string full = plain_path(path, scope.directory);
  const std::string directory = plain_path(".", scope.directory);
  if (!path.starts_with('/') && !is_path_below(full, directory)) return refuse_outside(path);
  TRY_ASSIGN(const SourcePlace place, place_of(scope, full, path));
  // A file that was given by itself is in reach whatever holds for the directory that it is in.
  const bool is_itself = full == place.path;
  TRY_ASSIGN(auto base, open_resolved(AT_FDCWD, is_itself ? split(place.path).parent : place.path,
                                      O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS));
  if (!base) return std::nullopt;
  Parent parent;
  parent.is_writable = place.is_writable;
  parent.is_checked = scope.is_other_user && !is_itself;
  TRY(look_at(*base, path, parent.place));
  parent.directory = *std::move(base);
  std::string inner = is_itself ? "" : split(full.substr(place.path.size() + 1)).parent;
  TRY_ASSIGN(auto found, go_down(scope, std::move(parent), inner, path));
  if (!found) return found;
  found->is_checked = scope.is_other_user;
  if (is_itself && ::fstatat(found->directory.get(), split(full).name.c_str(), &found->place,
                             AT_SYMLINK_NOFOLLOW) != 0)
    return std::nullopt;
  return found;
}

/// Looks first (O_PATH opens nothing: a device does not notice, a fifo does not wait), then opens
/// what it looked at. nullopt: there is nothing.
Result<std::optional<Fd>> open_regular(const Parent& parent, const std::string& name,
                                       bool pass_over_folders) {
  TRY_ASSIGN(auto seen,
             open_resolved(parent.directory.get(), name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH));
  if (!seen) return seen;
  struct stat status {};
  if (::fstat(seen->get(), &status) != 0) return fail_errno(errno, "cannot read '" + name + "'");
  if (S_ISLNK(status.st_mode)) return refuse_link(name);
  if (S_ISDIR(status.st_mode) && pass_over_folders) return std::nullopt;
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_argument, "'" + name + "' is not a regular file");
  }
  if (!parent.lets(kRead, status)) return out_of_reach(name);
  const std::string again = "/proc/self/fd/" + std::to_string(seen->get());
  Fd file(::open(again.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot open '" + name + "'");
  return file;
}

Result<std::vector<std::string>> matching_names(const Parent& parent, const std::string& pattern) {
  struct stat about {};
  TRY(look_at(parent.directory, pattern, about));
  if (!parent.lets(kRead, about)) return out_of_reach(pattern);
  const int again = ::openat(parent.directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return fail_errno(errno, "cannot list the directory of '" + pattern + "'");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again), ::closedir);
  if (stream == nullptr) {
    const Fd unused(again);
    return fail_errno(errno, "cannot list the directory of '" + pattern + "'");
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (!matches_glob(pattern, entry->d_name)) continue;
    if (names.size() == kMatchesMax) {
      return fail(ErrorCode::exhausted,
                  "'" + pattern + "' matches more than " + std::to_string(kMatchesMax) + " files");
    }
    names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;  // the last * seen, and where its run began
  std::size_t run = 0;
  while (in < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      run = in;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == name[in])) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++run;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

Result<std::size_t> visit_sources(const SourceScope& scope, const std::string& path,
                                  const SourceVisit& visit) {
  const auto [parent_path, name] = split(path);
  if (name.empty() || name == "." || name == "..") {
    return fail(ErrorCode::invalid_argument, "'" + path + "' names a directory, not a file");
  }
  TRY_ASSIGN(const auto parent, scope.is_enclosed ? open_parent(scope, path)
                                                  : open_free_parent(scope.directory, parent_path));
  if (!parent) return 0;
  std::vector<std::string> names{name};
  const bool glob = is_glob(name);
  if (glob) {
    TRY_ASSIGN(names, matching_names(*parent, name));
  }
  std::size_t visited = 0;
  for (const std::string& match : names) {
    TRY_ASSIGN(const auto file, open_regular(*parent, match, glob));
    if (!file) continue;
    TRY(visit(*file, match));
    ++visited;
  }
  return visited;
}

}  // namespace reeve::artifacts
