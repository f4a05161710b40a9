#include "cli/backup_state.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/fd.h"
#include "cli/audited_change.h"
#include "cli/system_clock.h"
#include "cli/version.h"
#include "store/sqlite/snapshot.h"

namespace reeve::cli {
namespace {

bool is_kept(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

struct Unlinked {
  std::string path;
  ~Unlinked() { ::unlink(path.c_str()); }
};

/// A file that went away in the meantime is not part of it; links and the like never are.
Status add_one(BackupWriter& writer, const std::string& root, const std::string& path) {
  const std::string source = root + "/" + path;
  const Fd file(::open(source.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT || errno == ELOOP || errno == ENXIO) return {};
    return fail_errno(errno, "cannot open " + source);
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return fail_errno(errno, "cannot read " + source);
  if (!S_ISREG(found.st_mode)) return {};
  return writer.add_file(path, file.get(), source);
}

/// `from` is copied beside the backup first: its size must be known, and its pages checked.
Status add_database(BackupWriter& writer, const std::string& root, const std::string& name) {
  const std::string from = root + "/" + name;
  if (!is_kept(from)) return {};
  const Unlinked copy{writer.temporary() + ".db"};
  struct stat found {};
  if (::stat(from.c_str(), &found) != 0) return fail_errno(errno, "cannot look at " + from);
  {
    const Fd made(::open(copy.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made) return fail_errno(errno, "cannot write " + copy.path);
    if (::fchmod(made.get(), found.st_mode & 0777) != 0)
      return fail_errno(errno, "cannot write " + copy.path);
  }
  TRY(store::sqlite::copy_database(from, copy.path));
  const Fd file(::open(copy.path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot open " + copy.path);
  return writer.add_file(name, file.get(), copy.path);
}

/// In order of names, what `first` names before all others.
Status add_tree(BackupWriter& writer, const std::string& root, const std::string& top,
                const std::vector<std::string>& first, const std::vector<std::string>& without) {
  std::vector<std::string> left{top};
  const auto is_without = [&](const std::string& path) {
    return std::ranges::find(without, path) != without.end();
  };
  while (!left.empty()) {
    const std::string directory = std::move(left.back());
    left.pop_back();
    struct stat found {};
    if (::lstat((root + "/" + directory).c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) continue;
    TRY(writer.add_directory(directory, found.st_mode));
    if (directory == top) {
      for (const std::string& path : first) TRY(add_one(writer, root, path));
    }
    std::vector<std::string> files;
    std::error_code error;
    std::filesystem::directory_iterator each(root + "/" + directory, error);
    for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
      std::string path = directory + "/" + each->path().filename().string();
      std::error_code unknown;
      if (is_without(path) || std::ranges::find(first, path) != first.end()) continue;
      (each->is_directory(unknown) && !each->is_symlink(unknown) ? left : files)
          .push_back(std::move(path));
    }
    if (error) return fail_errno(error.value(), "cannot list " + root + "/" + directory);
    std::ranges::sort(files);
    for (const std::string& path : files) TRY(add_one(writer, root, path));
  }
  return {};
}

}  // namespace

Status write_state(BackupWriter& writer, const StateLayout& layout, const BackupChoice& choice) {
  const boost::json::object head{
      {"format", "reeve-backup"},           {"version", kBackupVersion},
      {"made_at", format_time(wall_now())}, {"made_by", kVersion},
      {"has_keys", choice.with_keys},       {"has_logs", choice.with_logs}};
  TRY(writer.add_text(std::string(kBackupHeadName), 0600, boost::json::serialize(head) + "\n"));
  // Answers before the runs that they tell of; the audit log, which is written before each change,
  // behind all that it tells of; artifacts behind the runs that name them.
  for (const char* const name : {"answers.db", "security.db", "flags.db", "reeve.db"})
    TRY(add_database(writer, layout.root, name));
  for (const char* const name : {"reeve.toml", "cluster.yaml"})
    TRY(add_one(writer, layout.root, name));
  if (choice.with_keys) {
    for (const char* const name : {"admin.token", "secrets.key"})
      TRY(add_one(writer, layout.root, name));
  }
  // Its head says how far it goes for certain: read before what it speaks of.
  if (is_kept(audit_directory(layout)))
    TRY(add_tree(writer, layout.root, "audit", {"audit/head"}, {"audit/lock"}));
  if (is_kept(layout.artifacts()))
    TRY(add_tree(writer, layout.root, "artifacts", {}, {"artifacts/new"}));
  if (choice.with_logs && is_kept(layout.root + "/logs"))
    TRY(add_tree(writer, layout.root, "logs", {}, {}));
  return {};
}

}  // namespace reeve::cli
