#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/seccomp.h"
#include "sandbox/seccomp_rules.h"

namespace reeve::sandbox {
namespace {

constexpr std::size_t kColumnsMax = 99;

/// Names in code quotes, a comma between two, lines broken.
std::string wrapped(std::span<const std::string_view> names) {
  std::string out;
  std::size_t column = 0;
  for (const std::string_view name : names) {
    const std::size_t needed = name.size() + 3;
    const bool breaks = column != 0 && column + 1 + needed > kColumnsMax;
    if (column != 0) out += breaks ? "\n" : " ";
    column = (breaks || column == 0 ? 0 : column + 1) + needed;
    out.append("`").append(name).append(name == names.back() ? "`" : "`,");
  }
  return out + "\n";
}

}  // namespace

std::string syscalls_document(SeccompProfile profile) {
  std::string out =
      "# System calls in the sandbox\n\n"
      "Generated from the tables in `src/sandbox/seccomp_rules.cc`; a test keeps the two equal.\n"
      "`src/sandbox/seccomp_test_golden.txt` says what the compiled filter does with each "
      "number.\n\n"
      "A call that is not listed as allowed fails with `EPERM`. `clone3` and the calls that are "
      "newer\n"
      "than the tables fail with `ENOSYS`, so that libraries fall back to older ones. A call of a\n"
      "foreign architecture (`int 0x80`, x32) ends the process with `SIGSYS`.\n\n"
      "## Allowed\n\n";
  std::vector<std::string_view> always;
  std::string conditional = "| call | if |\n|---|---|\n";
  for (const SeccompRule& rule : rules_of(profile)) {
    if (rule.condition.empty()) {
      always.push_back(rule.syscall);
    } else {
      conditional.append("| `").append(rule.syscall).append("` | ");
      conditional.append(rule.condition).append(" |\n");
    }
  }
  out += wrapped(always);
  out += "\n## Allowed on a condition\n\n";
  out += "The conditions look at the low 32 bits of an argument, as the kernel does.\n\n";
  out += conditional;
  out += "\n## Refused, and why\n";
  for (const RefusedCalls& refused : refused_calls(profile)) {
    out.append("\n").append(refused.why).append(":\n\n").append(wrapped(refused.syscalls));
  }
  return out;
}

}  // namespace reeve::sandbox
