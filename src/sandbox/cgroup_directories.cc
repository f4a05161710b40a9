#include "sandbox/cgroup_directories.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "base/ensure.h"
#include "sandbox/cgroup_files.h"
#include "sandbox/cgroup_kill.h"

namespace reeve::sandbox {
namespace {

constexpr std::size_t kNameBytesMax = 200;

std::string group_in(const std::string& parent, std::string_view name) {
  return path_below(parent, "reeve.").append(name);
}

/// Of the group and those that its processes made below it. 0 or errno; ENOENT counts as removed.
int remove_group(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return 0;
  const std::vector<std::string> tree = groups_of_tree(directory);
  for (std::size_t i = tree.size(); i > 1; --i) ::rmdir(tree[i - 1].c_str());
  return ::rmdir(directory.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

/// A new group, where cpuset is mounted in the same hierarchy, has no processor to run on.
Status copy_cpuset(const std::string& parent, const std::string& directory) {
  for (const char* const file : {"/cpuset.cpus", "/cpuset.mems"}) {
    if (!cgroup_file_exists(directory + file)) continue;
    TRY_ASSIGN(const CgroupText ours, read_cgroup_file(parent + file));
    TRY(write_cgroup_file(directory + file, ours.text));
  }
  return {};
}

Result<bool> has_processes(const std::string& directory) {
  TRY_ASSIGN(const CgroupText procs, read_cgroup_file(directory + "/cgroup.procs"));
  return !words_of(procs.text).empty();
}

/// True: it was there, empty, and could not be replaced by a new one.
Result<bool> make_or_take_over(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0) return false;
  if (errno != EEXIST) return fail_errno(errno, "cannot make the control group " + directory);
  if (remove_group(directory) == 0 && ::mkdir(directory.c_str(), 0755) == 0) return false;
  TRY_ASSIGN(const bool is_in_use, has_processes(directory));
  if (is_in_use)
    return fail(ErrorCode::conflict, "the control group " + directory +
                                         " has processes of somebody else in it; end them, or "
                                         "remove it with the supervisor that made it");
  return true;
}

Status check_name(const std::string& name) {
  const bool is_odd = name.find_first_of(std::string_view("/\n\0", 3)) != std::string::npos;
  const std::string directory = "reeve." + name;
  if (name.empty() || name.size() > kNameBytesMax || is_odd || directory == kSelfGroup ||
      directory == kTrialGroup)
    return fail(ErrorCode::invalid_argument,
                "a control group's name has 1 to 200 bytes, no slash or line feed, and is neither "
                "self nor trial");
  return {};
}

bool is_of_dead_process(std::string_view name) {
  const std::string_view digits = name.substr(name.rfind('.') + 1);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return error == std::errc() && end == digits.data() + digits.size() && pid > 0 &&
         ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

Result<std::unique_ptr<GroupDirectories>> GroupParents::make(const std::string& name) {
  TRY(check_name(name));
  if (alive_.contains(name))
    return fail(ErrorCode::conflict, "the control group " + name + " is in use; choose another");
  alive_.insert(name);
  std::unique_ptr<GroupDirectories> group(new GroupDirectories(*this, name));
  for (const std::string& parent : directories_) {
    const std::string directory = group_in(parent, name);
    leaving_.erase(directory);
    TRY_ASSIGN(const bool is_taken_over, make_or_take_over(directory));
    group->is_taken_over_ = group->is_taken_over_ || is_taken_over;
    group->paths_.push_back(directory);
    TRY(copy_cpuset(parent, directory));
  }
  return group;
}

void GroupParents::sweep(const std::string& prefix) {
  const std::string start = "reeve." + prefix;
  for (const std::string& parent : directories_) {
    for (const std::string& name : groups_below(parent)) {
      if (!name.starts_with(start) || name == kSelfGroup || name == kTrialGroup) continue;
      if (alive_.contains(name.substr(std::string_view("reeve.").size()))) continue;
      const std::string directory = path_below(parent, name);
      // What cannot be killed or removed now is there for the next sweep.
      if (remove_group(directory) == 0) continue;
      static_cast<void>(kill_groups({directory}));
      static_cast<void>(remove_group(directory));
    }
  }
}

void GroupParents::remove_abandoned() {
  for (const std::string& parent : directories_) {
    for (const std::string& name : groups_below(parent)) {
      if (!name.starts_with("reeve.") || !is_of_dead_process(name)) continue;
      // One with processes in it, or that was removed by somebody else just now, stays or is gone.
      static_cast<void>(remove_group(path_below(parent, name)));
    }
  }
}

void GroupParents::remove_leaving() {
  std::erase_if(leaving_, [](const std::string& directory) {
    if (remove_group(directory) == 0) return true;
    static_cast<void>(kill_groups({directory}));  // whoever is in it was to be gone
    return remove_group(directory) == 0;
  });
}

GroupDirectories::GroupDirectories(GroupParents& parents, const std::string& name)
    : parents_(parents),
      name_(name) {}

GroupParents::~GroupParents() { ENSURE(alive_.empty()); }

GroupDirectories::~GroupDirectories() {
  for (const std::string& directory : paths_) {
    if (remove_group(directory) != 0) parents_.leaving_.insert(directory);
  }
  parents_.alive_.erase(name_);
}

std::vector<std::string> GroupDirectories::files(std::string_view name) const {
  std::vector<std::string> files;
  files.reserve(paths_.size());
  for (const std::string& directory : paths_) files.push_back(path_below(directory, name));
  return files;
}

Status GroupDirectories::kill() const { return kill_groups(paths_); }

Status try_to_make_group_in(const std::string& directory) {
  const std::string trial = path_below(directory, kTrialGroup);
  // Somebody else may be trying at this moment: to find the group there, or gone, is as good.
  if (::mkdir(trial.c_str(), 0755) != 0 && errno != EEXIST)
    return fail_errno(errno, "no write access to " + directory);
  ::rmdir(trial.c_str());
  return {};
}

}  // namespace reeve::sandbox
