#include "sandbox/zygote_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "base/ensure.h"
#include "sandbox/parcel.h"

namespace reeve::sandbox {
namespace {

constexpr int kZygoteSocket = 3;

/// In the child, which shares this memory until it executes.
[[noreturn]] __attribute__((noinline)) void become_zygote(int image, int socket) {
  static const char* const kArguments[] = {"reeve-zygote", nullptr};
  static const char* const kEnvironment[] = {nullptr};
  if (socket == kZygoteSocket) ::fcntl(socket, F_SETFD, 0);
  if (socket != kZygoteSocket && ::dup2(socket, kZygoteSocket) < 0) ::_exit(1);
  ::syscall(SYS_execveat, image, "", const_cast<char* const*>(kArguments),
            const_cast<char* const*>(kEnvironment), AT_EMPTY_PATH);
  ::_exit(1);
}

}  // namespace

Result<std::unique_ptr<ZygoteProcess>> ZygoteProcess::start(Host& host, const RootSpec& spec,
                                                            std::string_view filter,
                                                            const ProgramRequest* warm) {
  if (spec.paths.size() + 3 > kDescriptorsMax - 1)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a sandbox may be given {} paths at most", kDescriptorsMax - 4));
  std::unique_ptr<ZygoteProcess> zygote(new ZygoteProcess);
  zygote->plan_ = plan_sandbox(spec);
  zygote->is_warm_ = warm != nullptr;
  std::vector<Fd> trees;
  TRY_ASSIGN(const int user_namespace, host.user_namespace(spec.inside_id));
  std::vector<int> descriptors{user_namespace};
  for (const GivenPath& path : spec.paths) {
    TRY_ASSIGN(Fd tree, host.open_path(path));
    descriptors.push_back(tree.get());
    trees.push_back(std::move(tree));
  }
  if (!spec.layers.empty()) {
    TRY_ASSIGN(Fd tree, host.open_layers(spec.layers_directory));
    descriptors.push_back(tree.get());
    trees.push_back(std::move(tree));
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno(errno, "cannot make a socket for a zygote");
  zygote->socket_.reset(ends[0]);
  const Fd theirs(ends[1]);
  if (::fcntl(zygote->socket_.get(), F_SETFL, O_NONBLOCK) != 0)
    return fail_errno(errno, "cannot set up a socket");
  const pid_t pid = ::vfork();
  if (pid == 0) become_zygote(host.zygote_image(), theirs.get());
  if (pid < 0) return fail_errno(errno, "cannot start a zygote");
  zygote->pid_ = pid;
  TRY(zygote->send(encode_plan(zygote->plan_, filter, warm), descriptors.data(),
                   descriptors.size()));
  return zygote;
}

ZygoteProcess::~ZygoteProcess() { kill(); }

void ZygoteProcess::kill() {
  if (next_init_ > 0) ::kill(next_init_, SIGKILL);
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  socket_.reset();
}

Status ZygoteProcess::send(const std::string& blob, const int* descriptors,
                           std::size_t count) const {
  TRY_ASSIGN(const Fd file, blob_in_memory(blob));
  std::vector<int> all{file.get()};
  all.insert(all.end(), descriptors, descriptors + count);
  const Header header{.blob_bytes = static_cast<std::uint32_t>(blob.size()),
                      .descriptors = static_cast<std::uint32_t>(all.size())};
  return send_parcel(socket_.get(), {&header, sizeof header}, all);
}

Result<ZygoteProcess::Started> ZygoteProcess::launch(const ProgramRequest& request,
                                                     const ProgramStreams& streams) {
  ENSURE(waiting_init() != 0);
  TRY_ASSIGN(auto ends, make_door());
  const int descriptors[] = {streams.input, streams.output, streams.errors, ends.second.get()};
  TRY(send(encode_request(request), descriptors, std::size(descriptors)));
  return Started{
      std::exchange(next_init_, 0), std::move(files_), Door(std::move(ends.first)), {}, {}};
}

Result<ZygoteProcess::Started> ZygoteProcess::hand_over(const HandOver& attempt) {
  ENSURE(is_warm_ && waiting_init() != 0);
  TRY_ASSIGN(auto ends, make_door());
  const int door = ends.second.get();
  TRY(send(encode_hand_over(attempt), &door, 1));
  is_used_ = true;
  return Started{std::exchange(next_init_, 0), std::move(files_), Door(std::move(ends.first)),
                 std::move(warm_output_), std::move(warm_errors_)};
}

Status ZygoteProcess::go_on() {
  if (!std::exchange(is_used_, false)) return {};
  const Header header;
  return send_parcel(socket_.get(), {&header, sizeof header}, {});
}

std::string ZygoteProcess::take_warm_output() {
  constexpr std::size_t kShownMax = 2048;
  std::string text;
  for (const Fd* const pipe : {&warm_output_, &warm_errors_}) {
    char buffer[4096];
    ssize_t got = 0;
    while (*pipe && (got = ::read(pipe->get(), buffer, sizeof buffer)) > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
      if (text.size() > kShownMax) text.erase(0, text.size() - kShownMax);
    }
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<Fd> ZygoteProcess::network() const {
  Fd found(::open(fmt::format("/proc/{}/ns/net", pid_).c_str(), O_RDONLY | O_CLOEXEC));
  if (!found) return fail_errno(errno, "cannot open the network of a sandbox");
  return found;
}

std::optional<Reply> ZygoteProcess::receive() {
  Reply reply;
  int descriptors[2] = {-1, -1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)];
  iovec data{&reply, sizeof reply};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  if (got != static_cast<ssize_t>(sizeof reply)) return std::nullopt;
  const cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS)
    std::memcpy(descriptors, CMSG_DATA(rights),
                std::min(rights->cmsg_len - CMSG_LEN(0), sizeof descriptors));
  keep(reply, Fd(descriptors[0]), Fd(descriptors[1]));
  return reply;
}

void ZygoteProcess::keep(const Reply& reply, Fd first, Fd second) {
  switch (reply.kind) {
    case ReplyKind::made: next_init_ = reply.pid; break;
    case ReplyKind::warming:
      warm_output_ = std::move(first);
      warm_errors_ = std::move(second);
      break;
    case ReplyKind::ready:
      files_ = std::move(first);
      form_ = static_cast<WarmForm>(reply.status);
      break;
    default: break;
  }
}

namespace {

std::string describe_warm(const Reply& failed) {
  const auto step = static_cast<WarmStep>(failed.step);
  const std::string who = "the warm program";
  if (step == WarmStep::ended) {
    const int status = failed.status;
    if (WIFSIGNALED(status))
      return fmt::format("{} was killed by signal {} before it was used", who, WTERMSIG(status));
    return fmt::format("{} exited with status {} before it was used", who, WEXITSTATUS(status));
  }
  if (step == WarmStep::answer)
    return who + " wrote something other than `ready` or `ready sh` to descriptor 4";
  if (step == WarmStep::alone)
    return who + " left processes behind, which would go on beside the attempt";
  if (step == WarmStep::start)
    return fmt::format("{}: cannot {}: {}", who, name(static_cast<ProgramStep>(failed.status)),
                       std::strerror(failed.error));
  return fmt::format("{}: cannot {}: {}", who, name(step), std::strerror(failed.error));
}

}  // namespace

std::string ZygoteProcess::describe(const Reply& failed) const {
  if (failed.phase == Phase::warm) return describe_warm(failed);
  std::string_view step = "?";
  if (failed.phase == Phase::program) {
    step = name(static_cast<ProgramStep>(failed.step));
  } else {
    const auto& steps = failed.phase == Phase::root ? plan_.root : plan_.attempt;
    if (failed.step < steps.size()) step = steps[failed.step].name;
  }
  return fmt::format("sandbox: cannot {}: {}", step, std::strerror(failed.error));
}

bool ZygoteProcess::forget(pid_t pid) {
  if (pid == pid_) {
    pid_ = 0;
  } else if (pid == next_init_) {
    next_init_ = 0;
  } else {
    return false;
  }
  return true;
}

}  // namespace reeve::sandbox
