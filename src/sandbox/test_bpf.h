// Runs a filter program as the kernel does, or over every argument at once. Owns nothing; knows the
// instructions that filters of system calls are made of and calls others malformed. Pure;
// thread-safe.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>

namespace reeve::sandbox::test {

using Arguments = std::array<std::uint64_t, 6>;

struct Call {
  std::uint32_t number = 0;
  Arguments arguments{};
  std::uint32_t architecture = 0xc000003e;  ///< AUDIT_ARCH_X86_64
};

/// What the program returns: "allow", "EPERM", "ENOSYS", "kill", or "malformed" with the place.
std::string verdict(std::span<const sock_filter> program, const Call& call);
/// What it can return for some arguments: both ways of each jump that depends on them are taken.
std::set<std::string> verdicts(std::span<const sock_filter> program, std::uint32_t number);

}  // namespace reeve::sandbox::test
