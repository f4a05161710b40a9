// Control groups: limits on what an attempt uses, and the account of it. One interface over version
// 2 and version 1. Detects what the machine and this user's rights yield; assumes nothing. Owns the
// directories that it made; never touches others. Never waits. One owner; not thread-safe.
//
// A group is <ours>/reeve.<name> in each hierarchy of version 1, where <ours> is the group that
// this process is in. Under version 2 it is below our own group too, if we are alone in that (this
// process then moves into its leaf reeve.self), and else beside it, if we may write there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reeve::sandbox {

/// Zero: no limit.
struct CgroupLimits {
  std::int64_t memory_bytes = 0;  ///< swap included
  std::int64_t cpu_millicores = 0;
  std::int64_t processes_max = 0;  ///< threads count
  std::int64_t cpu_weight = 0;     ///< 1 to 10,000, when processors are short; 0: as any other, 100
  friend bool operator==(const CgroupLimits&, const CgroupLimits&) = default;
};

/// Since the group was made or last reset. What the machine does not account for stays zero.
struct CgroupUse {
  Duration user_cpu{0};
  Duration system_cpu{0};
  std::int64_t memory_bytes = 0;  ///< now, swap included, without the page cache of files
  std::int64_t processes = 0;     ///< now; threads count
  std::int64_t read_bytes = 0;
  std::int64_t written_bytes = 0;  ///< version 1 misses what the page cache writes later
  std::int64_t oom_kills = 0;
  friend bool operator==(const CgroupUse&, const CgroupUse&) = default;
};

/// How long some process of the group has waited for what it had too little of, in all: pressure
/// stall information of the kernel (Documentation/accounting/psi.rst).
struct CgroupStalls {
  Duration cpu{0};
  Duration memory{0};
  Duration io{0};
  friend bool operator==(const CgroupStalls&, const CgroupStalls&) = default;
};

/// What groups can do here, and why not where they cannot.
struct CgroupAbilities {
  int version = 0;  ///< 0: there are none that may be used
  bool memory = false;
  bool cpu = false;
  bool processes = false;
  bool io = false;
  std::string why_not;  ///< for people, of what is missing: "" if nothing is
};

class Cgroup {
 public:
  /// Removes the group, and groups that its processes made below it. REQUIRES that no process is in
  /// it; what the kernel still holds of dying ones is leaving (Cgroups::remove_leaving).
  virtual ~Cgroup() = default;
  /// unsupported: a limit that this machine cannot hold; the message names it, and nothing is
  /// written. Writes only what differs from the last call. A memory limit below what is in use
  /// fails.
  virtual Status limit(const CgroupLimits& limits) = 0;
  virtual Result<CgroupUse> use() = 0;
  /// Nothing where the kernel does not account for it: version 1, or psi=0. Not since a reset.
  virtual std::optional<CgroupStalls> stalls() = 0;
  /// Makes all counters of use() start from zero, and drops what page cache is charged to it, when
  /// that is more than a few MiB: dropping can take 20 ms, and the kernel does it when it must.
  /// REQUIRES no process of the last attempt.
  virtual Status reset() = 0;
  /// The files into which a process of one thread writes "0" to join the group. When it does so
  /// before it makes others, all of them are in the group at no further cost.
  virtual std::vector<std::string> join_files() const = 0;
  /// SIGKILL to all processes in it and below it. They are not gone when this returns. Where the
  /// kernel has no cgroup.kill, one that is just being forked can be missed: kill again for as long
  /// as use().processes is not zero.
  virtual Status kill() = 0;
};

/// Outlives the groups that it made.
class Cgroups {
 public:
  virtual ~Cgroups() = default;
  virtual const CgroupAbilities& abilities() const = 0;
  /// `name` has no slash. An empty group left there by a dead supervisor is taken over; conflict
  /// when processes are in it, or when a group of that name is alive here.
  virtual Result<std::unique_ptr<Cgroup>> make(const std::string& name) = 0;
  /// Kills and removes the groups whose name starts with `prefix`, which a dead supervisor left;
  /// not those that were made here and are alive. Dying processes may keep a group until the next
  /// sweep.
  virtual void sweep(const std::string& prefix) = 0;
  /// Removes empty groups of anybody whose name ends with a dot and the id of a process that is no
  /// more. A supervisor that was killed leaves such groups, and its state may never be opened
  /// again.
  virtual void remove_abandoned() = 0;
  /// Groups that went away while the kernel still held dying processes of theirs: whoever made them
  /// calls remove_leaving() now and then until there are none.
  virtual bool is_leaving() const = 0;
  virtual void remove_leaving() = 0;

  /// `root` is "/" but in tests, which give a fake tree below it: proc/self/cgroup,
  /// proc/self/mountinfo and the mounted hierarchies. Never fails: abilities() says what there is.
  static std::unique_ptr<Cgroups> detect(const std::string& root = "/");
};

}  // namespace reeve::sandbox
