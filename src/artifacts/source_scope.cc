#include "artifacts/source_scope.h"

#include <unistd.h>

#include "base/sandbox_paths.h"

namespace reeve::artifacts {
namespace {

constexpr unsigned kGroupShift = 3;

}  // namespace

SourceScope scope_of(const std::string& directory, const SandboxRequest& sandbox,
                     const std::string& state_directory) {
  SourceScope scope{.directory = directory,
                    .is_enclosed = sandbox.tier != SandboxTier::none,
                    .places = {},
                    .state_directory = state_directory,
                    .is_other_user = ::geteuid() == 0};
  if (!scope.is_enclosed) return scope;
  const auto add = [&](const std::string& path, bool is_writable) {
    std::string plain = plain_path(path, directory);
    if (!is_own_of_sandbox(plain)) scope.places.push_back({std::move(plain), is_writable});
  };
  // The same path said twice: the sandbox lets the one that may be written win.
  for (const std::string& path : sandbox.readable) add(path, false);
  add(".", true);
  for (const std::string& path : sandbox.writable) add(path, true);
  return scope;
}

Result<SourcePlace> place_of(const SourceScope& scope, const std::string& path,
                             const std::string& said) {
  const SourcePlace* found = nullptr;
  for (const SourcePlace& place : scope.places) {
    if (path != place.path && !is_path_below(path, place.path)) continue;
    if (found == nullptr || place.path.size() >= found->path.size()) found = &place;
  }
  if (found != nullptr) return *found;
  const std::string directory = plain_path(".", scope.directory);
  if (is_own_of_sandbox(directory) && (path == directory || is_path_below(path, directory)))
    return fail(ErrorCode::permission_denied,
                "'" + said + "' went with the sandbox, which has a " + directory +
                    " of its own; let the task work in, or copy it to, a directory of `writable`");
  return fail(ErrorCode::permission_denied,
              "'" + said +
                  "' is neither below the task's work directory nor below a path of `writable` or "
                  "`readable`; let the task copy it there");
}

bool may(unsigned right, const struct stat& file, const Rights& rights) {
  if (rights.is_writable) {
    if (file.st_uid == rights.place.st_uid) return true;  // it could change the mode
    if (file.st_gid == rights.place.st_gid) return (file.st_mode & (right << kGroupShift)) != 0;
  }
  return (file.st_mode & right) != 0;
}

}  // namespace reeve::artifacts
