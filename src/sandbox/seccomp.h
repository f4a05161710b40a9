// The system calls that an attempt may make: an allow list, compiled to a BPF program. Starts from
// what Debian's container profile allows and takes away what reaches kernel surface that tasks do
// not need. Pure but for the compiling, which is deterministic. Thread-safe.
#pragma once

#include <linux/filter.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reeve::sandbox {

enum class SeccompProfile { standard };

/// A rule of the profile, for documentation and tests. A call that several rules name is allowed if
/// one of them holds.
struct SeccompRule {
  std::string_view syscall;
  std::string_view condition;  ///< "" always; else a clause in Markdown
};
std::span<const SeccompRule> rules_of(SeccompProfile profile);
/// docs/sandbox-syscalls.md, whole.
std::string syscalls_document(SeccompProfile profile);

/// The program for seccomp(SECCOMP_SET_MODE_FILTER). What is not allowed gives EPERM (ENOSYS for
/// clone3 and for calls newer than the list, so that libraries fall back); a foreign architecture
/// (int 0x80, x32) ends the process. Takes a millisecond: compile once, install it often.
Result<std::vector<sock_filter>> compile(SeccompProfile profile);

}  // namespace reeve::sandbox
