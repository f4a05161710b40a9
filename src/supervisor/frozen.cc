#include "supervisor/frozen.h"

#include <string>

#include "sandbox/cgroup_files.h"
#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

constexpr std::string_view kFreezers = "/sys/fs/cgroup/freezer";
constexpr std::size_t kGroupsBytesMax = 64U << 10;

/// As "/reeve.a1.2/inner"; "" when there is none. A line is "6:freezer:/the/group".
std::string freezer_group_of(pid_t pid) {
  const std::string text =
      read_file_prefix("/proc/" + std::to_string(pid) + "/cgroup", kGroupsBytesMax);
  for (const std::string_view line : sandbox::lines_of(text)) {
    const std::size_t names = line.find(':');
    if (names == std::string_view::npos) continue;
    const std::size_t path = line.find(':', names + 1);
    if (path == std::string_view::npos) continue;
    for (const std::string_view name :
         sandbox::split(line.substr(names + 1, path - names - 1), ','))
      if (name == "freezer") return std::string(line.substr(path + 1));
  }
  return {};
}

}  // namespace

void thaw(pid_t pid, std::string_view prefix) {
  const std::string group = freezer_group_of(pid);
  const std::size_t first = group.find(std::string("/reeve.").append(prefix));
  if (first == std::string::npos) return;
  // A group is frozen while one above it is.
  for (std::size_t end = first; end != std::string::npos;) {
    end = group.find('/', end + 1);
    const std::string directory = std::string(kFreezers).append(group.substr(0, end));
    static_cast<void>(sandbox::write_cgroup_file(directory + "/freezer.state", "THAWED"));
  }
}

}  // namespace reeve::supervisor
