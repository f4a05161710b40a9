#include "sandbox/trial.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/host.h"
#include "sandbox/seccomp.h"
#include "sandbox/zygote_process.h"

namespace reeve::sandbox {
namespace {

constexpr int kWaitMilliseconds = 10'000;

std::string limits_here() {
  const auto groups = Cgroups::detect();
  const CgroupAbilities& abilities = groups->abilities();
  std::string text;
  const auto add = [&](bool can, std::string_view what) {
    if (can) text.append(text.empty() ? "" : ", ").append(what);
  };
  add(abilities.memory, "memory");
  add(abilities.cpu, "cpu");
  add(abilities.processes, "processes");
  add(abilities.io, "io");
  if (text.empty()) return "limits nothing: " + abilities.why_not;
  return "limits " + text + (abilities.why_not.empty() ? "" : "; " + abilities.why_not);
}

Result<std::string> make_one() {
  TRY_ASSIGN(const std::vector<sock_filter> filter, compile(SeccompProfile::standard));
  std::string limits = limits_here();
  TRY_ASSIGN(Host host, Host::open());
  RootSpec spec{.system = Host::system_entries(), .devices = Host::devices()};
  spec.keeps_groups = !host.is_root();
  TRY_ASSIGN(const auto zygote, ZygoteProcess::start(host, spec,
                                                     {reinterpret_cast<const char*>(filter.data()),
                                                      filter.size() * sizeof(sock_filter)}));
  while (zygote->waiting_init() == 0) {
    pollfd readable{zygote->socket(), POLLIN, 0};
    if (::poll(&readable, 1, kWaitMilliseconds) <= 0)
      return fail(ErrorCode::unavailable, "sandbox: it was not ready in ten seconds");
    const auto reply = zygote->receive();
    if (!reply) return fail(ErrorCode::unavailable, "sandbox: its zygote has gone");
    if (reply->kind == ReplyKind::failed)
      return fail(ErrorCode::unsupported, zygote->describe(*reply));
  }
  return limits;
}

/// The first byte says whether it is an answer or an error.
[[noreturn]] void answer_into(int pipe) {
  const auto made = make_one();
  const std::string text = made ? "+" + *made : "-" + made.error().text();
  ::_exit(::write(pipe, text.data(), text.size()) < 0 ? 1 : 0);
}

}  // namespace

Result<std::string> try_sandbox() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot make a process");
  if (child == 0) answer_into(writer.get());
  writer.reset();
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t got = 0; (got = ::read(reader.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  ::waitpid(child, nullptr, 0);
  if (text.starts_with('+')) return text.substr(1);
  return fail(ErrorCode::unsupported,
              text.empty() ? "sandbox: the process that tried one ended" : text.substr(1));
}

}  // namespace reeve::sandbox
