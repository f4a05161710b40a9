#include "supervisor/supervisor.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/ensure.h"
#include "supervisor/files.h"

namespace reeve::supervisor {
namespace {

/// What an epoll event is about: a kind in the low bits, a number above them.
enum class Tag : std::uint8_t {
  signals,
  listener,
  peer,
  standard_output,
  standard_error,
  sandbox,
  entrance,
  visit,
  image,
  link,
};
constexpr unsigned kTagBits = 4;

/// For what was killed to be gone; an engine waits meanwhile.
constexpr Duration kEndingPatience = std::chrono::seconds(5);

constexpr std::uint64_t make_tag(Tag tag, std::uint64_t number = 0) {
  return (number << kTagBits) | static_cast<std::uint64_t>(tag);
}

Status watch_signals(int epoll, int signals) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = make_tag(Tag::signals);
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &event) != 0)
    return fail_errno(errno, "cannot watch for children");
  return {};
}

Attempts::Settings attempt_settings(const Options& options, const std::string& state_id, int epoll,
                                    const rlimit& open_files) {
  Attempts::Settings settings;
  settings.state_directory = options.state_directory;
  settings.state_id = state_id;
  settings.epoll = epoll;
  settings.tag = [](Serial serial, PipeKind kind) {
    return make_tag(kind == PipeKind::standard_output ? Tag::standard_output : Tag::standard_error,
                    serial);
  };
  settings.open_files = open_files;
  settings.sandbox_tag = [](SandboxNumber number) { return make_tag(Tag::sandbox, number); };
  settings.image_tag = [](FetchNumber number) { return make_tag(Tag::image, number); };
  settings.link_tag = [](LinkNumber number) { return make_tag(Tag::link, number); };
  settings.image_bytes_max = options.image_bytes_max;
  settings.oci_runtime = options.oci_runtime;
  return settings;
}

/// True: there are none.
bool tell_of_endless(const std::vector<pid_t>& pids) {
  if (pids.empty()) return true;
  std::string text = "supervisor: killed, but not gone:";
  for (const pid_t pid : pids) text += " " + std::to_string(pid);
  text +=
      "; see their state in /proc/PID/stack; the next supervisor of this state directory looks "
      "for them again\n";
  static_cast<void>(write_all(STDERR_FILENO, text));
  return false;
}

EngineLink::Settings link_settings(const Options& options, int epoll) {
  EngineLink::Settings settings;
  settings.state_directory = options.state_directory;
  settings.epoll = epoll;
  settings.listener_tag = make_tag(Tag::listener);
  settings.tag = [](PeerId peer) { return make_tag(Tag::peer, peer); };
  return settings;
}

Visits::Settings visit_settings(const Options& options, int epoll) {
  Visits::Settings settings;
  settings.state_directory = options.state_directory;
  settings.epoll = epoll;
  settings.listener_tag = make_tag(Tag::entrance);
  settings.tag = [](std::uint32_t number) { return make_tag(Tag::visit, number); };
  return settings;
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::create(const Options& options,
                                                       const rlimit& open_files) {
  TRY_ASSIGN(StateLock lock, StateLock::take(options.state_directory));
  TRY_ASSIGN(const std::string state_id, load_state_id(options.state_directory));
  bool is_swept = true;
  if (lock.was_left_dirty()) {
    is_swept = tell_of_endless(sweep(state_id + ".", kEndingPatience));
    if (is_swept) lock.mark_clean();
  }
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  sigset_t heard;
  sigemptyset(&heard);
  sigaddset(&heard, SIGCHLD);
  sigaddset(&heard, SIGTERM);
  Fd signals(::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!epoll || !signals) return fail_errno(errno, "cannot watch for events");
  std::unique_ptr<Supervisor> made(new Supervisor(
      options, std::move(lock), state_id, std::move(epoll), std::move(signals), open_files));
  made->is_swept_ = is_swept;
  TRY(made->open_all());
  return made;
}

Supervisor::Supervisor(Options options, StateLock lock, const std::string& state_id, Fd epoll,
                       Fd signals, const rlimit& open_files)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      epoll_(std::move(epoll)),
      signals_(std::move(signals)),
      now_(monotonic_now()),
      running_(attempt_settings(options_, state_id, epoll_.get(), open_files), *this),
      ends_(state_file(options_.state_directory, kSpoolName)),
      link_(link_settings(options_, epoll_.get()), *this),
      visits_(visit_settings(options_, epoll_.get()), running_),
      alone_since_(now_) {}

Status Supervisor::open_all() {
  TRY(watch_signals(epoll_.get(), signals_.get()));
  // What is damaged is told once and not a reason to refuse all else.
  if (const Status loaded = ends_.load(); !loaded)
    static_cast<void>(write_all(STDERR_FILENO, loaded.error().text() + "\n"));
  TRY(link_.listen());
  TRY(visits_.listen());
  if (options_.engine_socket >= 0) TRY(link_.adopt(Fd(options_.engine_socket)));
  return {};
}

Status Supervisor::run() {
  while (!is_over(now_)) TRY(take_part(now_));
  return close_all(now_);
}

/// One round: waits, hears, acts, tells.
Status Supervisor::take_part(Instant& now) {
  constexpr int kEventsMax = 64;
  std::array<epoll_event, kEventsMax> events;
  Instant until =
      std::min({running_.next_deadline(), link_.next_deadline(), visits_.next_deadline()});
  if (!link_.has_peers() && running_.count() == 0 && !options_.stays)
    until = std::min(until, alone_since_ + options_.idle_end);
  timespec timeout{};
  if (until != kNoDeadline) {
    const Duration left = std::max(until - monotonic_now(), Duration{0});
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    timeout.tv_nsec = (left % std::chrono::seconds(1)).count() * 1000;
  }
  const int count = ::epoll_pwait2(epoll_.get(), events.data(), kEventsMax,
                                   until == kNoDeadline ? nullptr : &timeout, nullptr);
  if (count < 0 && errno != EINTR) return fail_errno(errno, "cannot wait for events");
  now = monotonic_now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const bool is_readable = (event.events & ~std::uint32_t{EPOLLOUT}) != 0;
    dispatch(event.data.u64, is_readable, (event.events & EPOLLOUT) != 0, now);
  }
  running_.on_time(now);
  visits_.on_time(now);
  running_.settle(now);
  admit(now);
  // While launches wait, an end told later holds nothing up: the next one runs already.
  link_.flush(waiting_.waiting() > 0 && running_.count() > 0, now);
  if (running_.count() == 0 && ends_.empty()) running_.folders().clear();
  return {};
}

void Supervisor::dispatch(std::uint64_t tag, bool is_readable, bool is_writable, Instant now) {
  const std::uint64_t number = tag >> kTagBits;
  switch (static_cast<Tag>(tag & ((1U << kTagBits) - 1))) {
    case Tag::signals: on_signals(now); return;
    case Tag::listener: link_.on_listener(); return;
    case Tag::peer: link_.on_peer(number, is_readable, is_writable); return;
    case Tag::standard_output: running_.on_readable(number, PipeKind::standard_output, now); return;
    case Tag::entrance: visits_.on_listener(now); return;
    case Tag::visit: visits_.on_peer(static_cast<std::uint32_t>(number), now); return;
    case Tag::sandbox: running_.on_sandbox(number, now); return;
    case Tag::image: running_.on_image(number, now); return;
    case Tag::link: running_.on_link(number, now); return;
    case Tag::standard_error: running_.on_readable(number, PipeKind::standard_error, now); return;
  }
}

void Supervisor::on_signals(Instant now) {
  std::array<signalfd_siginfo, 16> infos;
  while (true) {
    const ssize_t got = ::read(signals_.get(), infos.data(), sizeof(infos));
    if (got <= 0) break;
    const auto count = static_cast<std::size_t>(got) / sizeof(infos[0]);
    for (std::size_t i = 0; i < count; ++i)
      if (infos[i].ssi_signo == SIGTERM) is_hurried_ = true;
  }
  running_.on_child(now);
}

/// Nothing new starts while no engine is there: it may be gone for good.
void Supervisor::admit(Instant now) {
  if (!link_.has_engine()) return;
  while (auto launch = waiting_.admit()) {
    lock_.mark_dirty();
    running_.start(std::move(*launch), now);
  }
}

bool Supervisor::is_over(Instant now) {
  if (link_.has_peers() || running_.count() > 0 || running_.is_cleaning()) return false;
  if (options_.stays) return is_hurried_;
  return was_detached_ || is_hurried_ || now >= alone_since_ + options_.idle_end;
}

/// What waits will not run here: its engine is told so when it comes, and may start it again.
Status Supervisor::close_all(Instant now) {
  while (auto launch = waiting_.remove_first()) {
    Ended ended;
    ended.end.token = launch->token;
    ended.end.outcome = {OutcomeClass::start_failed, 0, {ReasonCode::could_not_start, 0, 0}};
    ended.end.ended_at = running_.clock().at(now);
    ended.end.message = "the supervisor ended before it was its turn";
    ended.name = {launch->run, launch->task.index, launch->attempt};
    ends_.add(std::move(ended));
  }
  // From here on an engine that comes is as one that came later: it tries until the lock is free.
  ::unlink(state_file(options_.state_directory, kSocketName).c_str());
  ::unlink(state_file(options_.state_directory, kEntranceName).c_str());
  link_.stop_listening();
  visits_.stop_listening();
  const bool is_empty = tell_of_endless(running_.end_strays(kEndingPatience));
  running_.secret_files().clear();
  running_.folders().clear();
  Status saved = ends_.save();
  if (is_empty && is_swept_) lock_.mark_clean();
  return saved;
}

Liveness Supervisor::liveness(Token token) const {
  if (waiting_.is_waiting(token)) return Liveness::waiting;
  if (running_.is_running(token)) return Liveness::running;
  return ends_.find(token) != nullptr ? Liveness::ended : Liveness::unknown;
}

void Supervisor::on_hello(Hello hello) {
  running_.inherit(hello);
  running_.clock().follow();
  ends_.for_each([this](const Ended& ended) { link_.tell(ended, now_); });
}

void Supervisor::on_message(FromEngine message) {
  if (auto* launch = std::get_if<Launch>(&message)) on_launch(std::move(*launch));
  if (auto* secrets = std::get_if<SecretsFor>(&message)) on_secrets(std::move(*secrets));
  if (const auto* stop = std::get_if<Stop>(&message)) on_stop(*stop);
  if (const auto* probe = std::get_if<Probe>(&message)) on_probe(probe->token);
  if (const auto* forget = std::get_if<Forget>(&message)) on_forget(forget->token);
  if (auto* enter = std::get_if<EnterOrder>(&message)) visits_.expect(std::move(*enter), now_);
  if (const auto* capacity = std::get_if<Capacity>(&message))
    waiting_.set_capacity(capacity->resources);
}

void Supervisor::on_engine_gone(bool was_clean) {
  was_detached_ = was_clean;
  alone_since_ = now_;
}

void Supervisor::on_launch(Launch launch) {
  const auto secrets = std::exchange(confided_, std::nullopt);
  if (liveness(launch.token) != Liveness::unknown || forgotten_.contains(launch.token)) return;
  if (secrets && secrets->token == launch.token)
    for (const Secret& secret : secrets->values)
      launch.secrets.emplace_back(secret.name, secret.value);
  waiting_.add(std::move(launch));
}

void Supervisor::on_secrets(SecretsFor secrets) {
  ::prctl(PR_SET_DUMPABLE, 0);  // from now on this process leaves no core file
  confided_ = std::move(secrets);
}

void Supervisor::on_stop(const Stop& stop) {
  const auto launch = waiting_.remove(stop.token);
  if (!launch) {
    running_.stop(stop.token, stop.kill, stop.grace, now_);
    return;
  }
  if (!waiting_.is_followed(launch->batch)) running_.places().close(launch->batch);
  const int signal = stop.kill ? SIGKILL : SIGTERM;
  Ended ended;
  ended.end.token = stop.token;
  ended.end.outcome = {OutcomeClass::signalled, signal, {ReasonCode::killed_by_signal, 0, signal}};
  ended.end.ended_at = running_.clock().at(now_);
  ended.name = {launch->run, launch->task.index, launch->attempt};
  link_.tell(ends_.add(std::move(ended)), now_);
}

void Supervisor::on_probe(Token token) {
  const Liveness known = liveness(token);
  if (known == Liveness::ended) {
    link_.tell(*ends_.find(token), now_);
    return;
  }
  // Whoever is told that nobody knows it starts another attempt: this one must not come late.
  if (known == Liveness::unknown) forgotten_.insert(token);
  if (known == Liveness::running) link_.tell(Started{token, running_.started_at(token)}, now_);
  link_.tell(Answer{token, known}, now_);
  if (const auto hold = running_.hold_of(token)) link_.tell(*hold, now_);
}

void Supervisor::on_forget(Token token) {
  const auto ended = ends_.forget(token);
  if (!ended) return;
  forgotten_.insert(token);
  const auto remove = [&](bool is_there, AttemptFile file) {
    if (is_there) ::unlink(attempt_path(options_.state_directory, ended->name, file).c_str());
  };
  remove(ended->has_output, AttemptFile::output);
  remove(ended->has_progress, AttemptFile::progress);
  remove(ended->has_script, AttemptFile::script);
}

void Supervisor::on_started(Token token, Time at) { link_.tell(Started{token, at}, now_); }

void Supervisor::on_progress(Progress progress) {
  if (!link_.is_congested()) link_.tell(progress, now_);
}

void Supervisor::on_samples(Samples samples) {
  if (link_.is_congested()) return;
  samples.machine = machine_.look(link_.engine_process());
  link_.tell(samples, now_);
}

void Supervisor::on_hold(const AttemptHold& hold) { link_.tell(hold, now_); }

void Supervisor::on_visit(const sandbox::Reply& reply, std::string why) {
  visits_.on_reply(reply, why);
}

void Supervisor::on_ended(Ended ended, const Launch& launch) {
  visits_.on_attempt_ended(ended.end.token);
  waiting_.release(launch.resources, launch.batch);
  link_.tell(ends_.add(std::move(ended)), now_);
}

}  // namespace reeve::supervisor
