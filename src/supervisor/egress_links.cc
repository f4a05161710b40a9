#include "supervisor/egress_links.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "egress/program.h"
#include "sandbox/parcel.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kTalkBytesMax = 400;

/// An ordinary user's supervisor has its rights in a user namespace where it is not user 0, so that
/// a program that it executes would lose them: these two are to stay.
void keep_rights() {
  constexpr std::uint32_t kKept = (1U << CAP_SYS_ADMIN) | (1U << CAP_NET_ADMIN);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return;
  data[0].inheritable |= kKept & data[0].permitted;
  if (::syscall(SYS_capset, &header, data.data()) != 0) return;
  for (const int one : {CAP_SYS_ADMIN, CAP_NET_ADMIN})
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, one, 0, 0);
}

/// In a pid namespace of its own, where it sees no other process, and nothing outlives it.
pid_t fork_alone() {
  return static_cast<pid_t>(
      ::syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

/// Its parent cannot be asked for from there; if it has ended, so has the socket.
[[noreturn]] void become(char* const* arguments, int socket) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::geteuid() != 0) keep_rights();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (socket == egress::kSupervisorSocket) ::fcntl(socket, F_SETFD, 0);
  if (socket != egress::kSupervisorSocket && ::dup2(socket, egress::kSupervisorSocket) < 0)
    ::_exit(1);
  ::execv("/proc/self/exe", arguments);
  ::_exit(1);
}

}  // namespace

EgressLinks::~EgressLinks() {
  for (const auto& [number, link] : links_)
    if (link.pid > 0) ::kill(link.pid, SIGKILL);
}

Result<LinkNumber> EgressLinks::start(const std::vector<std::string>& entries, Serial who) {
  std::vector<std::string> arguments{"reeve", "supervisor", egress::kEgressWord};
  arguments.insert(arguments.end(), entries.begin(), entries.end());
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  int ends[2];
  // What it says once it is connected is not read: then it must not wait for that either.
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return fail_errno(errno, "egress: cannot make a socket");
  Link link;
  link.socket.reset(ends[0]);
  link.who = who;
  const Fd theirs(ends[1]);
  const LinkNumber number = ++last_number_;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = settings_.tag(number);
  if (::epoll_ctl(settings_.epoll, EPOLL_CTL_ADD, link.socket.get(), &event) != 0)
    return fail_errno(errno, "egress: cannot watch a socket");
  link.pid = fork_alone();
  if (link.pid < 0) return fail_errno(errno, "egress: cannot start the process that connects");
  if (link.pid == 0) become(words.data(), theirs.get());
  leftovers_.add_enclosed(link.pid);
  links_.emplace(number, std::move(link));
  return number;
}

Status EgressLinks::hand_over(LinkNumber number, const Fd& network) {
  const auto at = links_.find(number);
  if (at == links_.end()) return fail(ErrorCode::unavailable, "egress: nobody is there to connect");
  const char byte = 0;
  const int descriptor = network.get();
  return sandbox::send_parcel(at->second.socket.get(), {&byte, sizeof byte}, {&descriptor, 1});
}

void EgressLinks::stop(LinkNumber number) {
  auto node = links_.extract(number);
  if (node.empty() || node.mapped().pid == 0) return;
  ::kill(node.mapped().pid, SIGKILL);
  dying_.insert(node.mapped().pid);
}

Error EgressLinks::why_ended(const Link& link) const {
  std::string said = sanitize_for_terminal(link.talk);
  if (said.empty()) said = "it said nothing";
  return {ErrorCode::unavailable, "egress: slirp4netns could not connect the sandbox: " + said, {}};
}

std::vector<EgressLinks::News> EgressLinks::receive(LinkNumber number) {
  std::vector<News> news;
  const auto at = links_.find(number);
  if (at == links_.end()) return news;
  Link& link = at->second;
  std::string bytes;
  for (;;) {
    bytes.resize(egress::kMessageBytesMax);
    const ssize_t got = ::recv(link.socket.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return news;
    if (got <= 0) break;
    bytes.resize(static_cast<std::size_t>(got));
    if (link.is_connected) continue;
    auto message = egress::read_message(bytes);
    if (auto* talk = std::get_if<egress::Talk>(&message)) {
      link.talk += std::exchange(talk->text, {});
      if (link.talk.size() > kTalkBytesMax) link.talk.erase(0, link.talk.size() - kTalkBytesMax);
    } else if (auto* error = std::get_if<Error>(&message)) {
      news.push_back({link.who, std::move(*error)});
      stop(number);
      return news;
    } else if (auto* pinned = std::get_if<egress::Pinned>(&message)) {
      news.push_back({link.who, std::move(*pinned)});
    } else {
      link.is_connected = true;
      news.push_back({link.who, egress::Connected{}});
      epoll_event event{};  // its end is told all the same
      event.data.u64 = settings_.tag(number);
      ::epoll_ctl(settings_.epoll, EPOLL_CTL_MOD, link.socket.get(), &event);
    }
  }
  if (link.is_connected)
    news.push_back({link.who, Lost{}});
  else
    news.push_back({link.who, why_ended(link)});
  stop(number);
  return news;
}

bool EgressLinks::on_child_ended(pid_t pid) {
  if (dying_.erase(pid) > 0) return true;
  for (auto& [number, link] : links_) {
    if (link.pid != pid) continue;
    link.pid = 0;  // its last words may still be in the socket
    return true;
  }
  return false;
}

}  // namespace reeve::supervisor
