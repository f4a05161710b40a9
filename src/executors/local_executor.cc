#include "executors/local_executor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/ensure.h"
#include "executors/output_file.h"
#include "supervisor/files.h"

namespace reeve::executors {
namespace {

using supervisor::append_message;
using supervisor::IoState;

constexpr std::chrono::milliseconds kRetryFirst{1};
constexpr std::chrono::milliseconds kRetryMax{2000};
/// A first refusal is common (an older supervisor is just ending); this much is a fault.
constexpr std::chrono::milliseconds kRetryQuietly{100};
constexpr int kDetachWaitMilliseconds = 1000;

Result<std::string> absolute_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> resolved(::realpath(path.c_str(), nullptr),
                                                          &::free);
  if (!resolved) return fail_errno(errno, "cannot open the state directory " + path);
  return std::string(resolved.get());
}

supervisor::Hello make_hello() {
  supervisor::Hello hello;
  if (const std::unique_ptr<char, decltype(&::free)> here(::getcwd(nullptr, 0), &::free); here)
    hello.work_directory = here.get();
  for (char** entry = ::environ; *entry != nullptr; ++entry) hello.environment.emplace_back(*entry);
  return hello;
}

}  // namespace

LocalExecutor::LocalExecutor(Options options)
    : options_(std::move(options)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

LocalExecutor::~LocalExecutor() {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::closing;
  }
  wake();
  if (thread_.joinable()) thread_.join();
}

Status LocalExecutor::find_supervisor() {
  if (!wake_) return fail(ErrorCode::exhausted, "no descriptor left for the local executor");
  if (!supervisor::make_directories(options_.state_directory))
    return fail_errno(errno, "cannot make the state directory " + options_.state_directory);
  TRY_ASSIGN(command_.state_directory, absolute_path(options_.state_directory));
  command_.program = options_.program;
  command_.arguments = options_.arguments;
  command_.idle_end = options_.supervisor_idle_end;
  command_.image_bytes_max = options_.image_bytes_max;
  command_.oci_runtime = options_.oci_runtime;
  auto supervisor = find_or_start();
  // One that comes later is found by the executor's thread.
  if (!supervisor && !options_.starts_supervisor) return {};
  if (!supervisor) return tl::unexpected(std::move(supervisor).error());
  const std::lock_guard lock(mutex_);
  greet(*std::move(supervisor));
  return {};
}

Status LocalExecutor::attach(engine::ExecutorSink& sink) {
  ENSURE(sink_ == nullptr);
  sink_ = &sink;
  if (state_ == State::down) TRY(find_supervisor());
  thread_ = std::thread([this] { serve(); });
  return {};
}

Result<SupervisorSocket> LocalExecutor::find_or_start() {
  auto socket = supervisor::connect_in(command_.state_directory);
  if (socket) {
    const std::int64_t pid = supervisor::pid_of_peer(socket->get());
    return SupervisorSocket{*std::move(socket), pid};
  }
  if (socket.error().code != ErrorCode::not_found && socket.error().code != ErrorCode::unavailable)
    return tl::unexpected(std::move(socket).error());
  if (options_.starts_supervisor) return start_supervisor(command_);
  socket = fail(ErrorCode::unavailable,
                "no supervisor works on " + command_.state_directory +
                    ", and this service is not to start one (engine.supervisor): start "
                    "reeve-supervisor.service");
  return tl::unexpected(std::move(socket).error());
}

void LocalExecutor::greet(SupervisorSocket supervisor) {
  socket_ = std::move(supervisor.socket);
  greeted_pid_ = supervisor.pid;
  welcome_until_ = std::chrono::steady_clock::now() + options_.welcome_within;
  state_ = State::greeting;
  out_.clear();
  append_message(out_.bytes(), make_hello());
  is_blocked_ = out_.send(socket_.get()) == IoState::blocked;
}

template <class Message>
void LocalExecutor::stage(const Message& message) {
  const std::lock_guard lock(mutex_);
  append_message(staged_, message);
}

void LocalExecutor::set_capacity(const Resources& capacity) {
  stage(supervisor::Capacity{capacity});
  const std::lock_guard lock(mutex_);
  capacity_ = capacity;
  has_capacity_ = true;
}

void LocalExecutor::start(Launch launch) {
  if (!launch.secrets.empty()) {
    ::prctl(PR_SET_DUMPABLE, 0);  // from now on this process leaves no core file
    supervisor::SecretsFor secrets{launch.token, {}};
    for (auto& [name, value] : launch.secrets)
      secrets.values.push_back({std::move(name), std::move(value)});
    stage(secrets);
  }
  stage(launch);
}

void LocalExecutor::stop(Token token, engine::StopMode mode, Duration grace) {
  stage(supervisor::Stop{token, mode == engine::StopMode::kill, grace});
}

void LocalExecutor::probe(Token token) { stage(supervisor::Probe{token}); }

void LocalExecutor::forget(Token token) { stage(supervisor::Forget{token}); }

void LocalExecutor::enter(const EnterOrder& order) { stage(order); }

void LocalExecutor::send_staged() {
  if (state_ == State::greeting || state_ == State::down) return;
  out_.bytes().append(staged_);
  staged_.clear();
  // A broken socket shows itself to the thread that reads.
  is_blocked_ = out_.send(socket_.get()) == IoState::blocked;
}

void LocalExecutor::flush() {
  bool was_blocked = false;
  bool is_blocked = false;
  {
    const std::lock_guard lock(mutex_);
    if (staged_.empty()) return;
    was_blocked = is_blocked_;
    send_staged();
    is_blocked = is_blocked_;
  }
  // The thread has to watch for room now.
  if (is_blocked && !was_blocked) wake();
}

void LocalExecutor::detach() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::closing) return;
    if (state_ != State::down) {
      append_message(staged_, supervisor::Detach{});
      state_ = State::closing;
      send_staged();
      pollfd room{socket_.get(), POLLOUT, 0};
      while (is_blocked_ && ::poll(&room, 1, kDetachWaitMilliseconds) > 0) send_staged();
    }
    state_ = State::closing;
    socket_.reset();
  }
  wake();
}

std::int64_t LocalExecutor::supervisor_pid() const {
  const std::lock_guard lock(mutex_);
  return supervisor_pid_;
}

void LocalExecutor::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(
      supervisor::write_all(wake_.get(), {reinterpret_cast<const char*>(&one), sizeof(one)}));
}

void LocalExecutor::serve() {
  while (wait_for_events()) {
    bool is_down = false;
    {
      const std::lock_guard lock(mutex_);
      if (state_ == State::closing) return;
      is_down = state_ == State::down;
      if (is_blocked_) is_blocked_ = out_.send(socket_.get()) == IoState::blocked;
    }
    if (is_down) {
      reconnect();
    } else {
      read_messages();
      lose_when_late();
    }
  }
}

int LocalExecutor::milliseconds_to_wait() const {
  if (state_ == State::down) return static_cast<int>(retry_after_.count());
  if (state_ != State::greeting) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(welcome_until_ -
                                                                 std::chrono::steady_clock::now());
  return static_cast<int>(std::max(left, std::chrono::milliseconds(0)).count());
}

/// False: time to end.
bool LocalExecutor::wait_for_events() {
  std::array<pollfd, 2> events{pollfd{wake_.get(), POLLIN, 0}, pollfd{-1, POLLIN, 0}};
  int timeout = -1;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::closing) return false;
    events[1].fd = socket_.get();
    if (is_blocked_) events[1].events = POLLIN | POLLOUT;
    timeout = milliseconds_to_wait();
  }
  ::poll(events.data(), events.size(), timeout);
  if ((events[0].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    while (::read(wake_.get(), &count, sizeof(count)) > 0) continue;
  }
  return true;
}

void LocalExecutor::read_messages() {
  while (true) {
    IoState state{};
    {
      const std::lock_guard lock(mutex_);
      if (state_ == State::closing) return;
      state = supervisor::receive(socket_.get(), scratch_, messages_);
    }
    if (state == IoState::blocked) return;
    if (state == IoState::broken) {
      return lose("the supervisor has gone; what it said is in " +
                  supervisor::state_file(command_.state_directory, supervisor::kMessagesName));
    }
    std::string_view payload;
    supervisor::MessageBuffer::Next next{};
    while ((next = messages_.next(payload)) == supervisor::MessageBuffer::Next::message) {
      auto message = supervisor::decode_from_supervisor(payload);
      if (!message) return lose("the supervisor sent something that is no message");
      if (const auto* welcome = std::get_if<supervisor::Welcome>(&*message);
          welcome != nullptr && !welcome->accepted) {
        return lose(welcome->why_not);
      }
      handle(std::move(*message));
    }
    if (next == supervisor::MessageBuffer::Next::corrupt)
      return lose("the supervisor sent something that is no message");
  }
}

void LocalExecutor::handle(supervisor::FromSupervisor message) {
  if (const auto* welcome = std::get_if<supervisor::Welcome>(&message)) {
    on_welcome(*welcome);
  } else if (const auto* started = std::get_if<supervisor::Started>(&message)) {
    sink_->on_started(started->token, started->at);
  } else if (auto* progress = std::get_if<Progress>(&message)) {
    sink_->on_progress(std::move(*progress));
  } else if (auto* samples = std::get_if<supervisor::Samples>(&message)) {
    sink_->on_load(samples->machine);
    sink_->on_samples(std::move(samples->attempts));
  } else if (auto* ended = std::get_if<supervisor::Ended>(&message)) {
    if (ended->has_output) {
      collect_outputs(supervisor::attempt_path(command_.state_directory, ended->name,
                                               supervisor::AttemptFile::output),
                      ended->end);
    }
    sink_->on_ended(std::move(ended->end));
  } else if (const auto* hold = std::get_if<AttemptHold>(&message)) {
    sink_->on_held(*hold);
  } else if (const auto* answer = std::get_if<supervisor::Answer>(&message)) {
    sink_->on_liveness(answer->token, answer->liveness);
  }
}

void LocalExecutor::on_welcome(const supervisor::Welcome& welcome) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::greeting) return;
    state_ = State::up;
    supervisor_pid_ = welcome.pid;
    retry_after_ = std::chrono::milliseconds(0);
    // What the last supervisor was told of capacity, this one does not know.
    if (has_capacity_) append_message(out_.bytes(), supervisor::Capacity{capacity_});
    send_staged();
  }
  if (std::exchange(told_, Told::up) != Told::up) sink_->on_up();
}

/// One that says nothing is as good as dead, but its lock is not free: only people can help.
void LocalExecutor::lose_when_late() {
  std::string who;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::greeting || std::chrono::steady_clock::now() < welcome_until_) return;
    who = std::to_string(greeted_pid_);
  }
  retry_after_ = kRetryQuietly;  // this is a fault at its first time
  lose("the supervisor (process " + who + ") does not answer; if it is stopped, `kill -CONT " +
       who + "` lets it go on; `kill -KILL " + who +
       "` ends it and all that it runs, and another one is started");
}

/// The connection is of no use any more. What was not sent is dropped with it: after on_up() the
/// engine asks about everything.
void LocalExecutor::lose(std::string why) {
  bool was_up = false;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::closing) return;
    was_up = state_ == State::up;
    state_ = State::down;
    socket_.reset();
    out_.clear();
    if (was_up) staged_.clear();
    is_blocked_ = false;
    supervisor_pid_ = 0;
  }
  messages_.clear();
  retry_after_ =
      was_up ? std::chrono::milliseconds(0) : std::clamp(retry_after_ * 2, kRetryFirst, kRetryMax);
  const bool is_fault = was_up || retry_after_ >= kRetryQuietly;
  if (is_fault && std::exchange(told_, Told::down) != Told::down) sink_->on_down(std::move(why));
}

void LocalExecutor::reconnect() {
  auto supervisor = find_or_start();
  if (!supervisor) return lose(supervisor.error().text());
  const std::lock_guard lock(mutex_);
  if (state_ != State::closing) greet(*std::move(supervisor));
}

}  // namespace reeve::executors
