#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/resources.h"
#include "cli/audited_change.h"
#include "cli/backup_reader.h"
#include "cli/backup_state.h"
#include "cli/service_link.h"
#include "cli/session.h"
#include "security/private_file.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/snapshot.h"

namespace reeve::cli {
namespace {

constexpr std::string_view kStagingName = ".restoring";

class NothingKept final : public BackupSink {
 public:
  Status begin(const BackupEntry& /*entry*/) override { return {}; }
  Status data(std::string_view /*piece*/) override { return {}; }
  Status end() override { return {}; }
};

/// Below a directory that nobody else writes, and in which there is no link.
class FilesKept final : public BackupSink {
 public:
  explicit FilesKept(std::string root) : root_(std::move(root)) {}
  Status begin(const BackupEntry& entry) override {
    path_ = root_ + "/" + entry.path;
    if (entry.is_directory) {
      // Its final mode might not let us put anything into it.
      if (::mkdir(path_.c_str(), 0700) != 0) return fail_errno(errno, "cannot make " + path_);
      directories_.emplace_back(path_, entry.mode);
      return {};
    }
    file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file_) return fail_errno(errno, "cannot make " + path_);
    mode_ = entry.mode;
    return {};
  }
  Status data(std::string_view piece) override {
    while (!piece.empty()) {
      const ssize_t written = ::write(file_.get(), piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail_errno(errno, "cannot write " + path_);
      piece.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Status end() override {
    if (!file_) return {};
    if (::fchmod(file_.get(), mode_) != 0) return fail_errno(errno, "cannot write " + path_);
    file_.reset();
    return {};
  }
  /// Once all is there: modes of directories, and everything durable.
  Status settle() {
    for (const auto& [path, mode] : directories_) {
      if (::chmod(path.c_str(), mode) != 0) return fail_errno(errno, "cannot write " + path);
    }
    const Fd root(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root || ::syncfs(root.get()) != 0) return fail_errno(errno, "cannot sync " + root_);
    return {};
  }

 private:
  std::string root_;
  std::string path_;
  Fd file_;
  std::uint32_t mode_ = 0;
  std::vector<std::pair<std::string, std::uint32_t>> directories_;
};

/// Removes what is left of a restore that did not end well.
struct Staging {
  std::string path;
  ~Staging() { remove(); }
  void remove() const {
    std::error_code gone;
    std::filesystem::remove_all(path, gone);
  }
};

Result<std::vector<std::string>> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator each(directory, error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error))
    names.push_back(each->path().filename().string());
  if (error) return fail_errno(error.value(), "cannot list " + directory);
  std::ranges::sort(names);
  return names;
}

/// Nothing but what this command and a lock leave there.
Status check_empty(const StateLayout& layout) {
  TRY_ASSIGN(const auto names, names_in(layout.root));
  for (const std::string& name : names) {
    if (name == ".gitignore" || name == "engine.lock" || name == kStagingName) continue;
    return fail(ErrorCode::conflict,
                fmt::format("{} is not empty (there is {}): restore into a new directory, or move "
                            "what is there away first",
                            layout.root, name));
  }
  return {};
}

Status check_store(const std::string& staging) {
  const std::string path = staging + "/reeve.db";
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return fail(ErrorCode::invalid_argument, "the backup holds no reeve.db");
  TRY(store::sqlite::check_database(path, "reeve.db of the backup"));
  TRY_ASSIGN(auto store,
             store::sqlite::Connection::open(path, store::sqlite::Access::immutable, Duration{0}));
  return store::sqlite::check_ours(store);
}

/// reeve.db last: without it there is no state yet.
Status move_into_place(const std::string& staging, const std::string& root) {
  TRY_ASSIGN(auto names, names_in(staging));
  std::ranges::stable_partition(names, [](const auto& name) { return name != "reeve.db"; });
  for (const std::string& name : names) {
    const std::string to = root + "/" + name;
    if (::renameat2(AT_FDCWD, (staging + "/" + name).c_str(), AT_FDCWD, to.c_str(),
                    RENAME_NOREPLACE) != 0)
      return fail_errno(errno, "cannot put " + to + " there");
  }
  return security::sync_directory_of(root + "/reeve.db");
}

Result<BackupFacts> read_again(int file, const std::string& path, BackupSink& sink) {
  if (::lseek(file, 0, SEEK_SET) != 0) return fail_errno(errno, "cannot read " + path);
  return read_backup(file, path, sink);
}

/// Before anything is read. False: there is no audit log, or the error that is said.
bool note_backup(const Session& session, const StateLayout& layout, const std::string& file,
                 bool with_keys) {
  struct stat found {};
  if (::stat(audit_directory(layout).c_str(), &found) != 0) return false;
  const auto noted = [&]() -> Checked<void> {
    auto change = AuditedChange::begin(layout);
    if (change) {
      TRY(change->make(security::Action::backups_write, security::backup_object(file, with_keys),
                       "", [] { return Status(); }));
      return {};
    }
    if (change.error().code != ErrorCode::conflict) return tl::unexpected(Failure(change.error()));
    TRY_ASSIGN(const auto service, ServiceLink::at_directory(layout));
    TRY(service->post_only("/v1/backups", {{"file", file}, {"with_keys", with_keys}}));
    return {};
  }();
  if (!noted) session.say("this backup is not in the audit log: " + noted.error().message);
  return noted.has_value();
}

std::string absolute_file(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.lexically_normal().string();
}

}  // namespace

Ended command_backup(const Session& session) {
  const std::string& path = session.arguments.words.front();
  TRY_ASSIGN(const StateLayout layout, session.find_state());
  struct stat found {};
  if (::stat(layout.database().c_str(), &found) != 0)
    return tl::unexpected(
        Failure(Error{ErrorCode::not_found, "nothing has been run yet in " + layout.root, {}}));
  TRY_ASSIGN(const OutputChoice output, OutputChoice::from(session.arguments, "backup"));
  TRY_ASSIGN(const auto writer, BackupWriter::create(path));
  const BackupChoice choice{.with_keys = session.arguments.has("with-keys"),
                            .with_logs = session.arguments.has("with-logs")};
  const std::string file = absolute_file(path);
  const bool is_audited = note_backup(session, layout, file, choice.with_keys);
  TRY(write_state(*writer, layout, choice));
  TRY(writer->finish());
  session.say(fmt::format("{} holds the state of {}: {} files, {}{}", path, layout.root,
                          writer->files(), format_bytes(static_cast<std::int64_t>(writer->bytes())),
                          choice.with_keys ? ", with its keys" : ""));
  const JsonObject body{{"file", api::text_json(file)},  {"state", api::text_json(layout.root)},
                        {"files", writer->files()},      {"size_bytes", writer->bytes()},
                        {"with_keys", choice.with_keys}, {"with_logs", choice.with_logs},
                        {"audited", is_audited}};
  return session.print(render_document("backup", body, output, [] { return std::string(); }));
}

Ended command_restore(const Session& session) {
  const std::string& path = session.arguments.words.front();
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    const int error = errno;
    if (error == ENOENT) return tl::unexpected(Failure(3, "there is no file " + path));
    TRY(Status(fail_errno(error, "cannot open " + path)));
  }
  NothingKept nothing;
  TRY(read_again(file.get(), path, nothing));
  if (session.arguments.has("check")) {
    session.say(path + " is as it was written");
    return kExitDone;
  }
  TRY_ASSIGN(const StateLayout layout, session.make_state());
  TRY(check_empty(layout));
  TRY_ASSIGN(const EngineLock lock, EngineLock::take(layout, this_process(session.command_line)));
  TRY(check_empty(layout));
  const Staging staging{fmt::format("{}/{}", layout.root, kStagingName)};
  staging.remove();
  if (::mkdir(staging.path.c_str(), 0700) != 0)
    TRY(Status(fail_errno(errno, "cannot make " + staging.path)));
  FilesKept kept(staging.path);
  TRY_ASSIGN(const BackupFacts facts, read_again(file.get(), path, kept));
  TRY(check_store(staging.path));
  TRY(kept.settle());
  TRY(move_into_place(staging.path, layout.root));
  session.say(fmt::format("{} is as it was when the backup began, at {}: {} files", layout.root,
                          facts.made_at, facts.files));
  return kExitDone;
}

}  // namespace reeve::cli
