#include "supervisor/run_folders.h"

#include <unistd.h>

#include <cerrno>

#include "supervisor/files.h"

namespace reeve::supervisor {

Result<RunFolders::Folder> RunFolders::open(const Uuid& run) {
  if (const auto known = folders_.find(run); known != folders_.end()) return known->second;
  Folder folder{format_uuid("run", run), run_directory(state_, run)};
  if (!make_directories(folder.path)) {
    const int error = errno;
    auto failure = fail_errno(error, "cannot make the directory " + folder.path);
    errno = error;
    return failure;
  }
  folders_.emplace(run, folder);
  return folder;
}

void RunFolders::clear() {
  for (const auto& [run, folder] : folders_) ::rmdir(folder.path.c_str());
  folders_.clear();
}

}  // namespace reeve::supervisor
