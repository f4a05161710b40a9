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

namespace reeve::artifacts {

namespace {

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
  if (errno == EXDEV) {
    return fail(ErrorCode::permission_denied,
                "'" + path + "' leaves the work directory; keep it inside, or write it absolute");
  }
  return fail_errno(errno, "cannot open '" + path + "'");
}

/// The directory that holds the last component.
Result<std::optional<Fd>> open_parent(const std::string& directory, const std::string& parent) {
  if (parent.starts_with('/')) {
    return open_resolved(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  }
  auto base = open_resolved(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  if (!base || !*base || parent.empty()) return base;
  return open_resolved((*base)->get(), parent, O_RDONLY | O_DIRECTORY,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/// Looks first (O_PATH opens nothing: a device does not notice, a fifo does not wait), then opens
/// what it looked at. nullopt: there is nothing.
Result<std::optional<Fd>> open_regular(const Fd& parent, const std::string& name,
                                       bool pass_over_folders) {
  TRY_ASSIGN(auto seen, open_resolved(parent.get(), name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH));
  if (!seen) return seen;
  struct stat status {};
  if (::fstat(seen->get(), &status) != 0) return fail_errno(errno, "cannot read '" + name + "'");
  if (S_ISLNK(status.st_mode)) return refuse_link(name);
  if (S_ISDIR(status.st_mode) && pass_over_folders) return std::nullopt;
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_argument, "'" + name + "' is not a regular file");
  }
  const std::string again = "/proc/self/fd/" + std::to_string(seen->get());
  Fd file(::open(again.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot open '" + name + "'");
  return file;
}

Result<std::vector<std::string>> matching_names(const Fd& parent, const std::string& pattern) {
  const int again = ::openat(parent.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

Result<std::size_t> visit_sources(const std::string& directory, const std::string& path,
                                  const SourceVisit& visit) {
  const auto [parent_path, name] = split(path);
  if (name.empty() || name == "." || name == "..") {
    return fail(ErrorCode::invalid_argument, "'" + path + "' names a directory, not a file");
  }
  TRY_ASSIGN(const auto parent, open_parent(directory, parent_path));
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
