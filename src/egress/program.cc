#include "egress/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/fd.h"
#include "base/text.h"
#include "egress/confine.h"
#include "egress/machine.h"
#include "egress/message.h"
#include "egress/names.h"
#include "egress/pins.h"
#include "egress/tap.h"

namespace reeve::egress {
namespace {

constexpr Duration kResolveLimit = std::chrono::seconds(10);
constexpr int kGuardMillisecondsMax = 10'000;
constexpr std::size_t kComplaintBytesMax = 400;

/// Nobody listens any more: nothing is left to do.
void say(const std::string& message) {
  while (::send(kSupervisorSocket, message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EAGAIN && errno != EINTR) ::_exit(1);
    pollfd waiting{kSupervisorSocket, POLLOUT, 0};
    ::poll(&waiting, 1, -1);
  }
}

Fd receive_namespace() {
  pollfd waiting{kSupervisorSocket, POLLIN, 0};
  while (::poll(&waiting, 1, -1) < 0 && errno == EINTR) continue;
  int descriptor = -1;
  char byte = 0;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)];
  iovec data{&byte, sizeof byte};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(kSupervisorSocket, &message, MSG_CMSG_CLOEXEC) <= 0) return {};
  const cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS)
    std::memcpy(&descriptor, CMSG_DATA(rights), sizeof descriptor);
  return Fd(descriptor);
}

struct Plan {
  Programs programs;
  Pins pins;
  std::string guard;
  bool needs_v6 = false;
};

Result<Plan> make_plan(std::span<const std::string> arguments) {
  Plan plan;
  std::vector<EgressEntry> entries;
  std::vector<std::string> names;
  for (const std::string& argument : arguments) {
    TRY_ASSIGN(EgressEntry entry, parse_egress(argument));
    if (!entry.name.empty()) names.push_back(entry.name);
    entries.push_back(std::move(entry));
  }
  std::ranges::sort(names);
  const auto same = std::ranges::unique(names);
  names.erase(same.begin(), same.end());
  TRY_ASSIGN(plan.programs, find_programs());
  Surroundings surroundings;
  TRY_ASSIGN(surroundings.own, own_addresses());
  surroundings.has_v6 = has_v6();
  if (!names.empty()) {
    TRY_ASSIGN(surroundings.resolved, resolve(names, kResolveLimit));
  }
  TRY_ASSIGN(plan.pins, pin(entries, surroundings));
  plan.guard = guard_text(plan.pins, surroundings.own);
  for (const Allowance& allowance : plan.pins.allowances)
    for (const IpNetwork& network : allowance.networks)
      plan.needs_v6 = plan.needs_v6 || network.family == AddressFamily::v6;
  return plan;
}

/// In the child: prepares the namespace and becomes nft, which reads the guard from its input.
[[noreturn]] void guard_in_child(const Plan& plan, int network, int guard, int answer) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Status done;
  if (::setns(network, CLONE_NEWNET) != 0)
    done = fail_errno(errno, "egress: cannot enter the sandbox's network");
  if (done) done = make_tap(plan.needs_v6);
  if (done) {
    ::dup2(guard, STDIN_FILENO);
    ::dup2(answer, STDOUT_FILENO);
    ::dup2(answer, STDERR_FILENO);
    ::close(kSupervisorSocket);
    ::execl(plan.programs.nft.c_str(), "nft", "-f", "-", nullptr);
    done = fail_errno(errno, "egress: cannot execute " + plan.programs.nft);
  }
  const std::string text = failure_message(done.error());
  ::_exit(::write(answer, text.data(), text.size()) < 0 ? 2 : 1);
}

Result<Fd> text_in_memory(const std::string& text) {
  Fd file(::memfd_create("reeve-guard", MFD_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0)
    return fail_errno(errno, "egress: cannot write the guard's rules");
  return file;
}

/// What the other side of the pipe says until its end, cut short; false: it took too long.
bool read_to_end(int pipe, std::string& text) {
  std::array<char, 1024> buffer;
  for (;;) {
    pollfd waiting{pipe, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, kGuardMillisecondsMax);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = ::read(pipe, buffer.data(), buffer.size());
    if (got <= 0) return true;
    if (text.size() < kComplaintBytesMax) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Status load_guard(const Plan& plan, int network) {
  TRY_ASSIGN(const Fd guard, text_in_memory(plan.guard));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "egress: cannot make a pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "egress: cannot make a process");
  if (child == 0) guard_in_child(plan, network, guard.get(), writer.get());
  writer.reset();
  std::string text;
  const bool is_over = read_to_end(reader.get(), text);
  if (!is_over) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!is_over) return fail(ErrorCode::unavailable, "egress: nft did not end");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (auto message = read_message(text); std::holds_alternative<Error>(message))
    return tl::unexpected(std::get<Error>(std::move(message)));
  text = sanitize_for_terminal(text.substr(0, std::min(text.find('\n'), kComplaintBytesMax)));
  return fail(ErrorCode::unsupported,
              "egress: nft could not load the guard, so the task was not started: " + text);
}

/// A task that opens connections without end takes no more than this of what is nobody's limit.
Status limit_slirp() {
  constexpr rlim_t kConnectionsMax = 1024;
  constexpr rlim_t kMemoryBytesMax = rlim_t{512} << 20;
  constexpr std::pair<__rlimit_resource_t, rlim_t> kLimits[] = {
      {RLIMIT_NOFILE, kConnectionsMax}, {RLIMIT_AS, kMemoryBytesMax}, {RLIMIT_CORE, 0}};
  for (const auto& [resource, most] : kLimits) {
    rlimit found{};
    ::getrlimit(resource, &found);
    const rlim_t value = std::min(found.rlim_max, most);
    const rlimit lowered{value, value};
    if (::setrlimit(resource, &lowered) != 0)
      return fail_errno(errno, "egress: cannot limit slirp4netns");
  }
  return {};
}

/// Its network stays the machine's; the interface in the sandbox's is what it reads and writes.
Status become_slirp(const Plan& plan, int network) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(null.get(), STDOUT_FILENO);
  ::dup2(kSupervisorSocket, STDERR_FILENO);
  // It closes the one that it tells its readiness by.
  const int watched = ::fcntl(kSupervisorSocket, F_DUPFD, kSupervisorSocket + 1);
  if (watched < 0) return fail_errno(errno, "egress: cannot keep a socket");
  TRY(confine(network));
  TRY(limit_slirp());
  std::vector<std::string> words{"slirp4netns",
                                 "--enable-seccomp",
                                 "--disable-host-loopback",
                                 "--disable-dns",
                                 fmt::format("--cidr={}", kSandboxNetworkV4),
                                 fmt::format("--mtu={}", kTapMtu),
                                 fmt::format("--ready-fd={}", kSupervisorSocket),
                                 fmt::format("--exit-fd={}", watched),
                                 "--netns-type=path"};
  // Gives up the rights of root, and what is left in sight. It expects to become user 0, which is
  // not there where the engine is an ordinary user's: then it has rights in a user namespace only.
  if (::geteuid() == 0) words.emplace_back("--enable-sandbox");
  if (plan.needs_v6) words.emplace_back("--enable-ipv6");
  words.emplace_back(kNetworkFile);
  words.emplace_back(kTapName);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(plan.programs.slirp.c_str(), arguments.data());
  return fail_errno(errno, "egress: cannot execute " + plan.programs.slirp);
}

Status connect(std::span<const std::string> arguments) {
  TRY_ASSIGN(const Plan plan, make_plan(arguments));
  const std::string hosts = pinned_message(hosts_text(plan.pins));
  if (hosts.size() > kMessageBytesMax)
    return fail(ErrorCode::exhausted, "egress: the names in `network` have too many addresses");
  say(hosts);
  const Fd network = receive_namespace();
  if (!network) ::_exit(0);  // the attempt has ended
  TRY(load_guard(plan, network.get()));
  return become_slirp(plan, network.get());
}

}  // namespace

int egress_main(std::span<const std::string> arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "reeve-egress");
  const Status done = connect(arguments);
  ENSURE(!done);
  say(failure_message(done.error()));
  // Threads that still ask a resolver end with the process.
  ::_exit(1);
}

}  // namespace reeve::egress
