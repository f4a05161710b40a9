#include "sandbox/cgroup_kill.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <limits>
#include <set>

#include "sandbox/cgroup_files.h"

namespace reeve::sandbox {
namespace {

constexpr std::size_t kTreeMax = 10'000;
constexpr std::size_t kAtOnce = 256;  ///< descriptors that are open together
constexpr int kRoundsMax = 1'000;

using Pids = std::set<pid_t>;

Result<Pids> pids_in(const std::vector<std::string>& directories) {
  Pids pids;
  for (const std::string& directory : directories) {
    auto procs = read_cgroup_file(directory + "/cgroup.procs");
    if (!procs && procs.error().code == ErrorCode::not_found) continue;  // removed meanwhile
    if (!procs) return tl::unexpected(std::move(procs).error());
    for (const std::string_view word : words_of(procs->text)) {
      TRY_ASSIGN(const std::int64_t number, parse_number(word, procs->path));
      if (number == 0 || number > std::numeric_limits<pid_t>::max())
        return fail(ErrorCode::corrupt, procs->path + " names process " + std::string(word) +
                                            ", which this process cannot see; end it from outside");
      pids.insert(static_cast<pid_t>(number));
    }
  }
  pids.erase(::getpid());
  return pids;
}

/// Processes held by descriptors, so that their numbers cannot become another's unnoticed.
class HeldProcesses {
 public:
  HeldProcesses() = default;
  HeldProcesses(const HeldProcesses&) = delete;
  HeldProcesses& operator=(const HeldProcesses&) = delete;
  ~HeldProcesses() {
    for (const Held& one : held_) ::close(one.file);
  }

  /// 0; or errno, ESRCH when it is gone.
  int hold(pid_t pid) {
    const long file = ::syscall(SYS_pidfd_open, pid, 0);
    if (file < 0) return errno;
    held_.push_back({pid, static_cast<int>(file)});
    return 0;
  }
  std::size_t size() const { return held_.size(); }
  /// Kills those that are in `still`, and notes them in `signalled`.
  void kill(const Pids& still, Pids& signalled) const {
    for (const Held& one : held_) {
      if (!still.contains(one.pid)) continue;
      ::syscall(SYS_pidfd_send_signal, one.file, SIGKILL, nullptr, 0);
      signalled.insert(one.pid);
    }
  }

 private:
  struct Held {
    pid_t pid;
    int file;
  };
  std::vector<Held> held_;
};

std::vector<std::string> groups_of_trees(const std::vector<std::string>& directories) {
  std::vector<std::string> all;
  for (const std::string& directory : directories) {
    const std::vector<std::string> tree = groups_of_tree(directory);
    all.insert(all.end(), tree.begin(), tree.end());
  }
  return all;
}

/// True: every process that is there has been signalled.
Result<bool> kill_round(const std::vector<std::string>& directories, Pids& signalled) {
  const std::vector<std::string> groups = groups_of_trees(directories);
  TRY_ASSIGN(const Pids listed, pids_in(groups));
  Pids fresh;
  std::ranges::set_difference(listed, signalled, std::inserter(fresh, fresh.end()));
  if (fresh.empty()) return true;
  HeldProcesses held;
  for (const pid_t pid : fresh) {
    const int error = held.size() < kAtOnce ? held.hold(pid) : EMFILE;
    if (error == ESRCH) signalled.insert(pid);
    if (error == 0 || error == ESRCH) continue;
    if (held.size() > 0) break;  // the others in the next round
    return fail_errno(error, "cannot hold process " + std::to_string(pid) +
                                 " by a descriptor (pidfd_open); end it by hand");
  }
  // A number that is still listed now, with its process held since before, is that process or one
  // that is gone, which no signal reaches.
  TRY_ASSIGN(const Pids still, pids_in(groups));
  held.kill(still, signalled);
  return false;
}

}  // namespace

std::vector<std::string> groups_of_tree(const std::string& directory) {
  std::vector<std::string> tree{directory};
  for (std::size_t i = 0; i < tree.size() && tree.size() < kTreeMax; ++i) {
    const std::string above = tree[i];
    for (const std::string& name : groups_below(above)) tree.push_back(path_below(above, name));
  }
  return tree;
}

Status kill_groups(const std::vector<std::string>& directories) {
  std::vector<std::string> by_hand;
  for (const std::string& directory : directories)
    if (!write_cgroup_file(directory + "/cgroup.kill", "1")) by_hand.push_back(directory);
  for (const std::string& directory : by_hand)
    static_cast<void>(write_cgroup_file(directory + "/pids.max", "0"));
  Pids signalled;
  for (int round = 0; round < kRoundsMax; ++round) {
    TRY_ASSIGN(const bool is_done, kill_round(by_hand, signalled));
    if (is_done) return {};
  }
  return fail(ErrorCode::unavailable, "processes in " + by_hand.front() +
                                          " multiply faster than they can be killed; limit their "
                                          "number (processes), or end them by hand");
}

}  // namespace reeve::sandbox
