// The tables behind seccomp.h: which system calls the profile allows, on which arguments, and why
// the rest is refused. Owns no resource and makes no system call. Constants; thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sandbox/seccomp.h"

namespace reeve::sandbox {

/// The tables speak of the calls up to this number (futex_requeue, Linux 6.7). Newer ones give
/// ENOSYS: a library that meets it falls back to the older call, which EPERM would not make it do.
inline constexpr std::uint32_t kNewestSyscall = 456;
/// Numbers between these two were never given out on x86_64 when the tables were written.
inline constexpr std::uint32_t kLastBeforeGap = 334;
inline constexpr std::uint32_t kFirstAfterGap = 424;
/// Set in the number of a call of the x32 ABI, which shares its architecture with x86_64.
inline constexpr std::uint32_t kX32Bit = 0x40000000;

/// Holds if the low 32 bits of the argument, masked, equal the value. The kernel reads only these
/// of the arguments that are tested here, so a comparison of all 64 could be dodged or fail
/// falsely.
struct ArgumentTest {
  std::uint32_t index = 0;
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
};

/// The call is allowed if one of the rows that name it holds: all tests of the row.
struct ConditionalCall {
  std::string_view syscall;
  std::string_view condition;
  ArgumentTest first;
  ArgumentTest second = {};  ///< mask 0: there is none
};

/// Calls that are refused, and the reason that docs/sandbox-syscalls.md gives.
struct RefusedCalls {
  std::string_view why;
  std::span<const std::string_view> syscalls;
};

std::span<const std::string_view> unconditional_calls(SeccompProfile profile);
std::span<const ConditionalCall> conditional_calls(SeccompProfile profile);
/// Requests that ioctl is refused; all others are allowed.
std::span<const std::uint32_t> refused_ioctls(SeccompProfile profile);
/// Each call up to kNewestSyscall that is in neither of the other tables, except clone3.
std::span<const RefusedCalls> refused_calls(SeccompProfile profile);

}  // namespace reeve::sandbox
