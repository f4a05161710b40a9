// What the probes of tests/escape share. Each tries one thing that an attempt must not be able to
// do, and says whether it could. A probe runs in a process of its own, and restores what it changed
// in case that it succeeds: the control runs it on the bare machine. No thread rule.
#pragma once

#include <span>
#include <string>

namespace reeve::escape {

enum class Result { escaped, prevented, unclear };

struct Outcome {
  Result result = Result::unclear;
  std::string says;  ///< one line: what was seen, or the error
};

struct Probe {
  const char* name;
  Outcome (*run)();
};

/// The usual answer of a system call: not negative is an escape. EINVAL and EFAULT are unclear:
/// they mean that the probe asked wrongly.
Outcome answer(long result);
Outcome escaped(std::string says);
Outcome prevented(std::string says);
Outcome unclear(std::string says);

/// Opens and closes: nothing is written.
Outcome try_open(const std::string& path, int flags);
std::string error_name(int error);
/// From the environment, where the runner puts what it made for a probe.
std::string setting(const char* name, const char* otherwise);
/// Runs `attempt` in a child that ends with its Result.
Outcome in_child(Outcome (*attempt)());

std::span<const Probe> file_probes();
std::span<const Probe> kernel_probes();
std::span<const Probe> process_probes();
std::span<const Probe> privilege_probes();
std::span<const Probe> socket_probes();
std::span<const Probe> flood_probes();

}  // namespace reeve::escape
