#include "sandbox/test_fake_cgroups.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/ensure.h"

namespace reeve::sandbox {

namespace files = std::filesystem;

FakeCgroups::FakeCgroups() {
  std::string pattern = files::temp_directory_path() / "reeve-cgroups-XXXXXX";
  ENSURE(::mkdtemp(pattern.data()) != nullptr);
  ENSURE(::chmod(pattern.c_str(), 0755) == 0);
  root_ = pattern;
}

FakeCgroups::~FakeCgroups() {
  for (const std::string& directory : read_only_) ::chmod(directory.c_str(), 0755);
  std::error_code ignored;
  files::remove_all(root_, ignored);
}

void FakeCgroups::write(std::string_view file, std::string_view text) const {
  files::create_directories(files::path(path(file)).parent_path());
  std::ofstream(path(file)) << text;
}

std::string FakeCgroups::read(std::string_view file) const {
  std::ostringstream text;
  text << std::ifstream(path(file)).rdbuf();
  return text.str();
}

void FakeCgroups::remove(std::string_view file) const { files::remove_all(path(file)); }

void FakeCgroups::replace_by_directory(std::string_view file) const {
  remove(file);
  files::create_directories(path(file));
}

void FakeCgroups::make_read_only(std::string_view directory) {
  read_only_.push_back(path(directory));
  ENSURE(::chmod(read_only_.back().c_str(), 0555) == 0);
}

void FakeCgroups::make_v1() const {
  write(
      "proc/self/cgroup",
      "5:name=systemd:/\n4:memory:/ours\n3:cpu,cpuacct:/ours\n2:pids:/ours\n1:blkio:/ours\n0::/\n");
  write("proc/self/mountinfo",
        "22 1 0:1 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw\n"
        "31 23 0:28 / /cg rw,relatime - tmpfs tmpfs rw,mode=755\n"
        "32 31 0:29 / /cg/memory rw,relatime - cgroup cgroup rw,memory\n"
        "33 31 0:30 / /cg/cpu,cpuacct rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct\n"
        "34 31 0:31 / /cg/pids rw,relatime - cgroup cgroup rw,pids\n"
        "35 31 0:32 / /cg/blkio rw,relatime - cgroup cgroup rw,blkio\n"
        "36 31 0:33 / /cg/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
        "37 31 0:34 / /cg/unified rw,relatime - cgroup2 cgroup2 rw\n");
  write("cg/unified/cgroup.controllers", "");
  make_v1_group("");
}

void FakeCgroups::make_v1_group(std::string_view name) const {
  const std::string below = "/ours" + (name.empty() ? "" : "/reeve." + std::string(name)) + "/";
  const std::string memory = "cg/memory" + below;
  write(memory + "memory.limit_in_bytes", "9223372036854771712\n");
  write(memory + "memory.memsw.limit_in_bytes", "9223372036854771712\n");
  write(memory + "memory.force_empty", "");
  write(memory + "memory.stat", "cache 7\nrss 1\ntotal_cache 70\ntotal_rss 0\ntotal_shmem 0\n");
  write(memory + "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
  const std::string cpu = "cg/cpu,cpuacct" + below;
  write(cpu + "cpu.cfs_quota_us", "-1\n");
  write(cpu + "cpu.cfs_period_us", "100000\n");
  write(cpu + "cpu.shares", "1024\n");
  write(cpu + "cpuacct.usage_user", "0\n");
  write(cpu + "cpuacct.usage_sys", "0\n");
  write(cpu + "cpuacct.stat", "user 0\nsystem 0\n");
  const std::string pids = "cg/pids" + below;
  write(pids + "pids.max", "max\n");
  write(pids + "pids.current", "0\n");
  const std::string blkio = "cg/blkio" + below;
  write(blkio + "blkio.throttle.io_service_bytes", "Total 0\n");
  write(blkio + "blkio.throttle.io_service_bytes_recursive", "Total 0\n");
  for (const std::string& directory : {memory, cpu, pids, blkio})
    write(directory + "cgroup.procs", "");
}

void FakeCgroups::make_v2() const {
  write("proc/self/cgroup", "0::/ours\n");
  write("proc/self/mountinfo", "37 31 0:34 / /cg rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n");
  make_v2_group("cg");
  make_v2_group("cg/ours");
  write("cg/ours/cgroup.procs", std::to_string(::getpid()) + "\n");
  make_v2_group("cg/ours/reeve.self");
}

void FakeCgroups::make_v2_group(std::string_view group) const {
  const std::string below = std::string(group) + "/";
  write(below + "cgroup.controllers", "cpuset cpu io memory pids\n");
  write(below + "cgroup.subtree_control", "cpu io memory pids\n");
  write(below + "cgroup.events", "populated 0\nfrozen 0\n");
  write(below + "cgroup.procs", "");
  write(below + "cgroup.kill", "");
  write(below + "memory.max", "max\n");
  write(below + "memory.swap.max", "max\n");
  write(below + "memory.reclaim", "");
  write(below + "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
  write(below + "memory.stat", "anon 0\nfile 0\nkernel 0\nshmem 0\nslab_reclaimable 0\n");
  write(below + "cpu.max", "max 100000\n");
  write(below + "cpu.weight", "100\n");
  write(below + "cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n");
  write(below + "pids.max", "max\n");
  write(below + "pids.current", "0\n");
  write(below + "io.stat", "");
  for (const std::string_view what : {"cpu", "memory", "io"})
    write(below + std::string(what) + ".pressure",
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
}

AsNobody::AsNobody() : was_root_(::geteuid() == 0) {
  if (was_root_) ENSURE(::seteuid(65534) == 0);
}

AsNobody::~AsNobody() {
  if (was_root_) ENSURE(::seteuid(0) == 0);
}

}  // namespace reeve::sandbox
