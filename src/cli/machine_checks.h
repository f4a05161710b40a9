// What `reeve doctor` finds out about this machine. Each check looks and changes nothing that
// stays. No state; one thread.
#pragma once

#include <string>
#include <vector>

namespace reeve::cli {

struct MachineCheck {
  enum class Status : std::uint8_t { good, missing, bad };
  std::string name;
  Status status = Status::good;
  std::string value;
  std::string meaning;  ///< what follows from it, or ""
};

/// Kernel, namespaces, control groups and what else encloses tasks.
std::vector<MachineCheck> kernel_checks();
/// Limits of this process.
std::vector<MachineCheck> limit_checks();
/// The directory that holds, or would hold, the state.
std::vector<MachineCheck> disk_checks(const std::string& directory);

}  // namespace reeve::cli
