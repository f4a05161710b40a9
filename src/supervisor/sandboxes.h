// The sandboxes of a supervisor: each a zygote with its control group, composed for one shape (work
// directory, what else is given, network, program that is started ahead) and lent to one attempt at
// a time. Composes new ones as they are needed and keeps some for the next attempts of their shape.
// One owner; not thread-safe.
//
//   composing ──ready──► free ──take──► lent ──give_back──► free, or dying when it is broken
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/launch.h"
#include "sandbox/cgroup.h"
#include "sandbox/cgroup_directories.h"
#include "sandbox/host.h"
#include "sandbox/zygote_process.h"
#include "supervisor/clock.h"
#include "supervisor/image_fetches.h"
#include "supervisor/leftovers.h"
#include "supervisor/warm.h"

namespace reeve::supervisor {

using SandboxNumber = std::uint64_t;
inline constexpr SandboxNumber kNoSandbox = 0;
/// Version 1 only.
inline constexpr std::string_view kDeviceGroups = "/sys/fs/cgroup/devices";

struct Sandbox {
  SandboxNumber number = kNoSandbox;
  std::string shape;
  SharedImage image;          ///< null: its root is the host's
  std::string bundle_config;  ///< tier oci
  std::string device_group;   ///< tier oci, control groups of version 1: a directory that it leaves
  std::unique_ptr<sandbox::ZygoteProcess> zygote;
  std::unique_ptr<sandbox::Cgroup> group;  ///< none where the machine has no control groups
  std::int64_t memory_bytes_max = 0;       ///< of the group; 0: no limit
  Resources room;                          ///< that its limits are for
  Serial user = kNoSerial;                 ///< the attempt that it is lent to
  Instant free_since{};                    ///< where a program is started ahead
  bool is_broken = false;
  bool serves_once = false;  ///< its network has been connected for one attempt
  /// Of those of a batch that it has had before the one that it has: not the latter's.
  sandbox::CgroupUse used_before;
  sandbox::CgroupUse used;  ///< with it, when it was last asked

  /// What its attempt has used; nothing where no group counts.
  std::optional<sandbox::CgroupUse> use();
  /// What was used so far is not the next attempt's. At no cost, other than a reset of the group.
  void count_anew() { used_before = used; }
};

/// The path in a sandbox of one of the attempt's own files.
inline std::string inside_sandbox(std::string_view name) {
  return std::string(sandbox::kFilesDirectory).append("/").append(name);
}

class Sandboxes {
 public:
  /// What a sandbox is made for, beside the request of the launch.
  struct Kind {
    std::string work_directory;
    SharedImage image;                  ///< null: none
    const WarmProgram* warm = nullptr;  ///< what is started ahead; null: nothing
    std::string hosts;                  ///< with network egress: the text of its /etc/hosts
  };
  struct Settings {
    std::string state_directory;
    std::string state_id;
    int epoll = -1;
    std::function<std::uint64_t(SandboxNumber)> tag;  ///< epoll data of a zygote's replies
    std::string layers_directory;                     ///< of images
    std::int64_t machine_bytes = 0;                   ///< of physical memory
  };
  /// `leftovers` is told of each zygote, which it must not take for one; it outlives this.
  Sandboxes(Settings settings, Leftovers& leftovers)
      : settings_(std::move(settings)),
        leftovers_(leftovers) {}
  ~Sandboxes();
  Sandboxes(const Sandboxes&) = delete;
  Sandboxes& operator=(const Sandboxes&) = delete;

  /// Lends a sandbox of the shape that the launch asks for, with the launch's limits: one with an
  /// init that waits if there is one, else one that is being composed; with network egress it is a
  /// new one, of no use to another. exhausted: the program that
  /// waits in it takes more memory than the launch may have.
  Result<Sandbox*> take(const Launch& launch, const Kind& kind, Serial user);
  /// Whether another attempt of this launch's kind could run in it, within the limits that it has.
  static bool suits(const Sandbox& sandbox, const Launch& launch, const Kind& kind);
  /// Sees that one waits for the next attempt of a kind for which a program is started ahead.
  void keep_ahead(const Launch& launch, const Kind& kind);
  /// When on_time() is due.
  Instant next_deadline() const {
    return groups_ && groups_->is_leaving() ? std::min(drop_at_, settle_at_) : drop_at_;
  }
  /// Ends programs that were started ahead and that nobody has used for a while.
  void on_time(Instant now);
  Sandbox* find(SandboxNumber number);
  /// Of system calls, compiled.
  std::string_view filter() const { return filter_; }
  /// REQUIRES that no process of the attempt is left.
  void give_back(SandboxNumber number);
  /// Makes the attempts' user the owner of a pipe's end, so that `> /dev/stdout` can open it.
  /// 0, or errno. REQUIRES a sandbox that was taken.
  int give_pipe(int end) const;
  /// For an attempt of this launch's kind that will come soon.
  void prepare(const std::string& work_directory);
  /// Digests of the images whose roots are in use; ends those that are only kept for later.
  std::vector<std::string> retire_spare_images();
  /// A child of this process was reaped. Gives the attempt whose sandbox is of no more use to it,
  /// if it has not begun.
  Serial on_child_ended(pid_t pid);

 private:
  Result<sandbox::Host*> host();
  Result<sandbox::RootSpec> spec_of(const SandboxRequest& request, const Kind& kind) const;
  Result<Sandbox*> compose(std::string shape, const SandboxRequest& request, const Kind& kind);
  Status start(Sandbox& sandbox, const sandbox::RootSpec& spec, const Kind& kind);
  bool set_free(Sandbox& sandbox);
  void trim();
  void prepare_bundle(Sandbox& sandbox, sandbox::RootSpec& spec) const;
  Status hold_to_limits(Sandbox& sandbox, const Launch& launch);
  void retire(SandboxNumber number);

  Settings settings_;
  Leftovers& leftovers_;
  std::optional<sandbox::Host> host_;
  std::optional<Error> why_no_host_;
  std::unique_ptr<sandbox::Cgroups> groups_;
  sandbox::GroupParents device_groups_{{std::string(kDeviceGroups)}};  // those that runtimes make
  std::string filter_;
  SandboxNumber last_number_ = 0;
  std::map<SandboxNumber, std::unique_ptr<Sandbox>> sandboxes_;
  Instant drop_at_ = kNoDeadline;
  Instant settle_at_{};                        ///< when groups that are leaving are tried again
  std::list<std::unique_ptr<Sandbox>> dying_;  // until their processes are reaped
};

}  // namespace reeve::supervisor
