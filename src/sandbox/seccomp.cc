#include "sandbox/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <seccomp.h>

#include "sandbox/seccomp_rules.h"

namespace reeve::sandbox {
namespace {

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

Status checked(int result, std::string_view what) {
  if (result >= 0) return {};
  return fail_errno(-result, "libseccomp: " + std::string(what));
}

Result<int> number_of(std::string_view syscall) {
  const int number =
      seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, std::string(syscall).c_str());
  if (number >= 0) return number;
  return fail(ErrorCode::unsupported, "libseccomp does not know the system call " +
                                          std::string(syscall) +
                                          ": install the version of Debian 12 or a newer one");
}

Status add(const Context& context, std::uint32_t action, std::string_view syscall,
           std::span<const scmp_arg_cmp> comparisons = {}) {
  TRY_ASSIGN(const int number, number_of(syscall));
  return checked(
      seccomp_rule_add_array(context.get(), action, number,
                             static_cast<unsigned>(comparisons.size()), comparisons.data()),
      syscall);
}

scmp_arg_cmp comparison(const ArgumentTest& test) {
  return {.arg = test.index, .op = SCMP_CMP_MASKED_EQ, .datum_a = test.mask, .datum_b = test.value};
}

Status add_rules(const Context& context, SeccompProfile profile) {
  for (const std::string_view syscall : unconditional_calls(profile))
    TRY(add(context, SCMP_ACT_ALLOW, syscall));
  for (const ConditionalCall& call : conditional_calls(profile)) {
    const std::array tests{comparison(call.first), comparison(call.second)};
    const std::size_t count = call.second.mask == 0 ? 1 : 2;
    TRY(add(context, SCMP_ACT_ALLOW, call.syscall, std::span(tests).first(count)));
  }
  TRY(add(context, SCMP_ACT_ALLOW, "ioctl"));  // what of it is refused, the prologue refuses
  // Its flags are in memory, where the filter cannot look; libraries fall back to clone.
  return add(context, SCMP_ACT_ERRNO(ENOSYS), "clone3");
}

Result<Context> open_context() {
  if (seccomp_arch_native() != SCMP_ARCH_X86_64)
    return fail(ErrorCode::unsupported, "the system call profile is written for x86_64 only");
  Context context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!context) return fail(ErrorCode::unsupported, "libseccomp cannot make a filter");
  TRY(checked(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
              "the action for foreign architectures"));
  // A binary tree over the numbers. What is always allowed the kernel finds out once per filter, by
  // running it for each number, so that the tree also makes the installation short.
  TRY(checked(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "the binary tree"));
  return context;
}

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;

sock_filter plain(std::uint16_t code, std::uint32_t operand) { return {code, 0, 0, operand}; }

/// A jump over `if_true` or `if_false` instructions.
sock_filter jump(std::uint16_t test, std::uint32_t operand, std::size_t if_true,
                 std::size_t if_false) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), static_cast<std::uint8_t>(if_true),
          static_cast<std::uint8_t>(if_false), operand};
}

/// What libseccomp has no words for, in front of its program: ranges of numbers, and an argument
/// that must differ in its low 32 bits. What the prologue does not decide goes on to the program,
/// calls of foreign architectures among it.
std::vector<sock_filter> prologue(SeccompProfile profile, std::uint32_t ioctl_number) {
  const std::span<const std::uint32_t> requests = refused_ioctls(profile);
  const std::size_t count = requests.size();
  const auto offset = [](std::size_t bytes) { return static_cast<std::uint32_t>(bytes); };
  std::vector<sock_filter> out{
      plain(kLoad, offset(offsetof(seccomp_data, arch))),
      jump(BPF_JEQ, AUDIT_ARCH_X86_64, 0, 9 + count),
      plain(kLoad, offset(offsetof(seccomp_data, nr))),
      jump(BPF_JGE, kX32Bit, 7 + count, 0),
      jump(BPF_JGT, kNewestSyscall, 4 + count, 0),
      jump(BPF_JEQ, ioctl_number, 2, 0),
      jump(BPF_JGE, kFirstAfterGap, 4 + count, 0),
      jump(BPF_JGT, kLastBeforeGap, 1 + count, 3 + count),
      plain(kLoad, offset(offsetof(seccomp_data, args) + sizeof(std::uint64_t))),
  };
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t left = count - 1 - i;
    out.push_back(jump(BPF_JEQ, requests[i], left + 1, left == 0 ? 2 : 0));
  }
  out.push_back(plain(kReturn, SECCOMP_RET_ERRNO | ENOSYS));
  out.push_back(plain(kReturn, SECCOMP_RET_ERRNO | EPERM));
  return out;
}

struct File {
  int number = -1;
  ~File() {
    if (number >= 0) ::close(number);
  }
};

/// libseccomp writes its program to files only.
Status append_program(const Context& context, std::vector<sock_filter>& out) {
  const File file{::memfd_create("seccomp", MFD_CLOEXEC)};
  if (file.number < 0) return fail_errno(errno, "a file for the system call filter");
  TRY(checked(seccomp_export_bpf(context.get(), file.number), "the program"));
  const off_t bytes = ::lseek(file.number, 0, SEEK_END);
  if (bytes < 0) return fail_errno(errno, "the length of the system call filter");
  const std::size_t own = out.size();
  out.resize(own + static_cast<std::size_t>(bytes) / sizeof(sock_filter));
  if (::pread(file.number, &out[own], static_cast<std::size_t>(bytes), 0) != bytes)
    return fail_errno(errno, "the system call filter cannot be read back");
  return {};
}

}  // namespace

Result<std::vector<sock_filter>> compile(SeccompProfile profile) {
  TRY_ASSIGN(const Context context, open_context());
  TRY(add_rules(context, profile));
  TRY_ASSIGN(const int ioctl_number, number_of("ioctl"));
  std::vector<sock_filter> program = prologue(profile, static_cast<std::uint32_t>(ioctl_number));
  TRY(append_program(context, program));
  if (program.size() > BPF_MAXINSNS)
    return fail(ErrorCode::unsupported, "the system call filter is longer than the kernel accepts");
  return program;
}

}  // namespace reeve::sandbox
