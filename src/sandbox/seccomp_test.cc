// The profile as data: what the compiled program does with each number is a text under review, and
// the conditions are tried on both sides of their edges.
#include "sandbox/seccomp.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <seccomp.h>

#include "sandbox/seccomp_rules.h"
#include "sandbox/test_bpf.h"

namespace reeve::sandbox {
namespace {

using test::Arguments;
using test::verdict;
using test::verdicts;

template <std::size_t N>
using Words = std::array<std::uint64_t, N>;

constexpr std::uint32_t kI386 = 0x40000003;
constexpr std::uint64_t kAbove = 1ULL << 32;  ///< a bit that the kernel cuts off

const std::vector<sock_filter>& program() {
  static const std::vector<sock_filter> kProgram = compile(SeccompProfile::standard).value();
  return kProgram;
}

std::string on(std::uint32_t number, const Arguments& arguments) {
  return verdict(program(), {.number = number, .arguments = arguments});
}

std::string name_of(std::uint32_t number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, static_cast<int>(number)), &std::free);
  return name ? name.get() : "";
}

std::string joined(const std::set<std::string>& verdicts) {
  std::string out = verdicts.size() > 1 ? "conditional:" : "";
  for (const std::string& verdict : verdicts) out.append(out.empty() ? "" : " ").append(verdict);
  return out;
}

std::string read_source(const std::string& path) {
  std::ifstream file(std::string(REEVE_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Compares, and leaves the new text where it can be taken from.
void expect_current(const std::string& path, const std::string& text) {
  const std::string fresh = testing::TempDir() + path.substr(path.rfind('/') + 1);
  const bool is_current = read_source(path) == text;
  if (!is_current) std::ofstream(fresh) << text;
  EXPECT_TRUE(is_current) << path << " says something else than the profile; look at\n  diff "
                          << path << " " << fresh << "\nand copy the second over it if it is meant";
}

TEST(Seccomp, what_the_filter_does_with_each_number_is_as_reviewed) {
  std::string text;
  for (std::uint32_t number = 0; number <= kNewestSyscall; ++number) {
    const std::string name = name_of(number);
    const std::string found = joined(verdicts(program(), number));
    if (name.empty()) {
      EXPECT_EQ(found, "ENOSYS") << number;
    } else {
      text.append(std::to_string(number)).append(" ").append(name).append(": ");
      text.append(found).append("\n");
    }
  }
  expect_current("src/sandbox/seccomp_test_golden.txt", text);
}

TEST(Seccomp, the_document_is_current) {
  expect_current("docs/sandbox-syscalls.md", syscalls_document(SeccompProfile::standard));
}

TEST(Seccomp, every_known_call_is_in_one_table_and_the_filter_obeys_it) {
  std::map<std::string_view, std::string> expected{{"clone3", "ENOSYS"}};
  for (const SeccompRule& rule : rules_of(SeccompProfile::standard)) {
    const bool is_first =
        expected
            .emplace(rule.syscall, rule.condition.empty() ? "allow" : "conditional: EPERM allow")
            .second;
    EXPECT_TRUE(is_first || !rule.condition.empty()) << rule.syscall;
  }
  for (const RefusedCalls& refused : refused_calls(SeccompProfile::standard)) {
    for (const std::string_view syscall : refused.syscalls)
      EXPECT_TRUE(expected.emplace(syscall, "EPERM").second) << syscall;
  }
  for (std::uint32_t number = 0; number <= kNewestSyscall; ++number) {
    const std::string name = name_of(number);
    if (name.empty()) continue;
    EXPECT_EQ(joined(verdicts(program(), number)), expected[name]) << name;
  }
}

TEST(Seccomp, numbers_that_are_newer_than_the_tables_do_not_exist) {
  for (std::uint32_t number = kNewestSyscall + 1; number < 1024; ++number)
    EXPECT_EQ(joined(verdicts(program(), number)), "ENOSYS") << number;
  for (std::uint32_t bit = 1024; bit < kX32Bit; bit *= 2)
    EXPECT_EQ(joined(verdicts(program(), bit | SYS_getpid)), "ENOSYS") << bit;
}

TEST(Seccomp, foreign_architectures_and_x32_numbers_kill) {
  for (std::uint32_t number = 0; number < 1024; ++number) {
    EXPECT_EQ(verdict(program(), {.number = number, .architecture = kI386}), "kill") << number;
    EXPECT_EQ(joined(verdicts(program(), kX32Bit | number)), "kill") << number;
    EXPECT_EQ(joined(verdicts(program(), 0x80000000 | number)), "kill") << number;
  }
  EXPECT_EQ(verdict(program(), {.number = 0, .architecture = 0}), "kill");
  // A tracer sets this number to have a call skipped; the kernel has no call of it.
  EXPECT_EQ(joined(verdicts(program(), 0xffffffff)), "EPERM");
}

TEST(Seccomp, clone_and_unshare_make_no_namespaces) {
  constexpr std::uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                    CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                    CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  EXPECT_EQ(on(SYS_clone, {kThread}), "allow");
  EXPECT_EQ(on(SYS_clone, {17}), "allow");  // SIGCHLD: fork
  EXPECT_EQ(on(SYS_clone, {CLONE_VM | CLONE_VFORK | 17}), "allow");
  EXPECT_EQ(on(SYS_unshare, {CLONE_FS | CLONE_FILES | CLONE_SYSVSEM}), "allow");
  for (const std::uint64_t flag :
       Words<8>{CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                CLONE_NEWPID, CLONE_NEWNET, 0x80 /* CLONE_NEWTIME */}) {
    EXPECT_EQ(on(SYS_clone, {flag}), "EPERM") << flag;
    EXPECT_EQ(on(SYS_clone, {flag | kThread}), "EPERM") << flag;
    EXPECT_EQ(on(SYS_clone, {flag | kAbove}), "EPERM") << flag;
    EXPECT_EQ(on(SYS_unshare, {flag}), "EPERM") << flag;
    EXPECT_EQ(on(SYS_unshare, {flag | CLONE_FS}), "EPERM") << flag;
    EXPECT_EQ(on(SYS_unshare, {flag | kAbove}), "EPERM") << flag;
  }
}

TEST(Seccomp, ioctl_is_judged_by_the_bits_that_the_kernel_reads) {
  for (const std::uint64_t request : Words<3>{TIOCSTI, TIOCLINUX, TIOCSETD}) {
    EXPECT_EQ(on(SYS_ioctl, {0, request}), "EPERM") << request;
    EXPECT_EQ(on(SYS_ioctl, {5, request | kAbove, 7}), "EPERM") << request;
    EXPECT_EQ(on(SYS_ioctl, {5, request | 0xffffffff00000000}), "EPERM") << request;
    EXPECT_EQ(on(SYS_ioctl, {request, request + 1, request}), "allow") << request;
    EXPECT_EQ(on(SYS_ioctl, {request, request - 1}), "allow") << request;
  }
  EXPECT_EQ(on(SYS_ioctl, {1, TIOCGWINSZ}), "allow");
  EXPECT_EQ(on(SYS_ioctl, {1, kAbove}), "allow");
}

TEST(Seccomp, sockets_are_of_four_families) {
  const std::set<std::uint64_t> allowed{1, 2, 10};  // AF_UNIX, AF_INET, AF_INET6
  for (std::uint64_t family = 0; family < 64; ++family) {
    const bool is_allowed = allowed.contains(family);
    for (const std::uint64_t high : {std::uint64_t{0}, kAbove}) {
      EXPECT_EQ(on(SYS_socket, {family | high, 1, 5}), is_allowed ? "allow" : "EPERM") << family;
      EXPECT_EQ(on(SYS_socketpair, {family | high, 1, 0}), family == 1 ? "allow" : "EPERM")
          << family;
    }
  }
  constexpr std::uint64_t kNetlink = 16;
  EXPECT_EQ(on(SYS_socket, {kNetlink, 3, 0}), "allow");
  EXPECT_EQ(on(SYS_socket, {kNetlink, 3, kAbove}), "allow");  // the kernel reads 0 too
  for (std::uint64_t protocol = 1; protocol < 32; ++protocol)
    EXPECT_EQ(on(SYS_socket, {kNetlink, 3, protocol}), "EPERM") << protocol;
}

TEST(Seccomp, a_mode_has_no_set_id_bits) {
  constexpr std::uint32_t kFchmodat2 = 452;
  for (const std::uint64_t mode : Words<4>{0, 0644, 0755, 01777}) {
    EXPECT_EQ(on(SYS_chmod, {04000, mode}), "allow") << mode;
    EXPECT_EQ(on(SYS_fchmod, {3, mode}), "allow") << mode;
    EXPECT_EQ(on(SYS_fchmodat, {3, 04000, mode}), "allow") << mode;
    EXPECT_EQ(on(kFchmodat2, {3, 04000, mode}), "allow") << mode;
  }
  for (const std::uint64_t mode : Words<4>{04755, 02755, 06000, 04000 | kAbove}) {
    EXPECT_EQ(on(SYS_chmod, {0, mode}), "EPERM") << mode;
    EXPECT_EQ(on(SYS_fchmod, {3, mode}), "EPERM") << mode;
    EXPECT_EQ(on(SYS_fchmodat, {3, 0, mode}), "EPERM") << mode;
    EXPECT_EQ(on(kFchmodat2, {3, 0, mode}), "EPERM") << mode;
  }
}

TEST(Seccomp, personality_is_asked_and_set_to_four_values) {
  for (const std::uint64_t value : {0x0U, 0x8U, 0x20000U, 0x20008U, 0xffffffffU})
    EXPECT_EQ(on(SYS_personality, {value}), "allow") << value;
  // READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE, MMAP_PAGE_ZERO, and what is no personality
  for (const std::uint64_t value : {0x400000U, 0x40000U, 0x100000U, 0x1U, 0xfffffffeU})
    EXPECT_EQ(on(SYS_personality, {value}), "EPERM") << value;
}

TEST(Seccomp, the_program_is_the_same_each_time_and_short) {
  const auto again = compile(SeccompProfile::standard).value();
  ASSERT_EQ(again.size(), program().size());
  EXPECT_EQ(std::memcmp(again.data(), program().data(), again.size() * sizeof(sock_filter)), 0);
  EXPECT_LT(again.size(), 512U);  // the kernel accepts 4096; each attempt installs them
}

}  // namespace
}  // namespace reeve::sandbox
