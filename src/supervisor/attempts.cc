#include "supervisor/attempts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/ensure.h"
#include "supervisor/command.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

std::int64_t machine_bytes() {
  return std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
}

constexpr std::size_t kReadBytes = 256U << 10;
static_assert(kReadBytes <= kFrameBytesMax);

/// A pipe of which only the reading end is non-blocking: tasks do not expect that of theirs.
int make_output_pipe(Fd& reader, Fd& writer) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  reader.reset(ends[0]);
  writer.reset(ends[1]);
  return ::fcntl(reader.get(), F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

}  // namespace

Attempts::Attempts(Settings settings, AttemptEvents& events)
    : settings_(std::move(settings)),
      events_(events),
      folders_(settings_.state_directory),
      leftovers_(settings_.state_id + "."),
      images_({settings_.state_directory, settings_.epoll, settings_.image_tag,
               settings_.image_bytes_max},
              leftovers_),
      sandboxes_({settings_.state_directory, settings_.state_id, settings_.epoll,
                  settings_.sandbox_tag, images_.layers_directory(), machine_bytes()},
                 leftovers_),
      links_({settings_.epoll, settings_.link_tag}, leftovers_),
      secret_files_(settings_.state_id),
      null_(::open("/dev/null", O_RDWR | O_CLOEXEC)),
      base_(std::make_shared<BaseEnvironment>(std::vector<std::string>{})),
      enclosed_base_(base_),
      buffer_(kReadBytes) {
  secret_files_.clear();
}

void Attempts::inherit(const Hello& hello) {
  base_ = std::make_shared<BaseEnvironment>(hello.environment);
  enclosed_base_ = std::make_shared<BaseEnvironment>(enclosed_environment(hello.environment));
  engine_environment_ = hello.environment;
  work_directory_ = hello.work_directory;
  sandboxes_.prepare(work_directory_);
}

Attempt* Attempts::find(Serial serial) {
  const auto at = attempts_.find(serial);
  return at == attempts_.end() ? nullptr : at->second.get();
}

Time Attempts::started_at(Token token) const {
  const auto at = by_token_.find(token);
  return at == by_token_.end() ? kUnset : attempts_.at(at->second)->started_at;
}

Additions Attempts::own_variables(Attempt& attempt, const RunFolders::Folder& folder) const {
  const Launch& launch = attempt.launch;
  const std::string index = std::to_string(launch.task.index);
  const std::string number = std::to_string(launch.attempt);
  const std::string stem = folder.path + "/" + index + "." + number;
  const auto inside = [&](const char* name, const std::string& path) {
    return attempt.is_enclosed() ? inside_sandbox(name) : path;
  };
  attempt.output_path = stem + ".output";
  attempt.progress_path = stem + ".progress";
  if (needs_script_file(launch)) attempt.script_path = stem + ".script";
  Additions own{
      {std::string(kMarkerVariable), settings_.state_id + "." + std::to_string(launch.token.value)},
      {"REEVE_OUTPUT", inside("output", attempt.output_path)},
      {"REEVE_PROGRESS", inside("progress", attempt.progress_path)},
      {"REEVE_RUN_ID", folder.run_id},
      {"REEVE_ATTEMPT", number}};
  // The engine knows the task's place in its fan-out; without it, the one in the run has to do.
  const auto has_index = [](const auto& entry) { return entry.first == "REEVE_TASK_INDEX"; };
  if (std::ranges::none_of(launch.environment, has_index))
    own.emplace_back("REEVE_TASK_INDEX", index);
  return own;
}

/// Everything before the process: 0, or errno (as what fails here leaves it) and a message.
int Attempts::prepare(Attempt& attempt, Additions given, std::string& message) {
  const Launch& launch = attempt.launch;
  auto folder = folders_.open(launch.run);
  if (!folder) {
    const int error = errno;
    message = folder.error().text();
    return error;
  }
  SpawnPlan& plan = attempt.plan;
  Additions own = own_variables(attempt, *folder);
  std::ranges::move(given, std::back_inserter(own));
  plan.base = base_;
  plan.environment = std::make_unique<EnvironmentBlock>(*base_, launch.environment, own);
  if (!attempt.script_path.empty()) {
    if (const Status written = write_script(attempt.script_path, launch.script); !written) {
      const int error = errno;
      message = written.error().text();
      return error;
    }
  }
  plan.arguments = command_line(launch, attempt.script_path);
  if (plan.arguments.empty()) {
    message = "there is no command to execute";
    return EINVAL;
  }
  plan.candidates = program_candidates(plan.arguments.front(), plan.environment->find("PATH"));
  plan.work_directory = launch.work_directory.empty() ? work_directory_ : launch.work_directory;
  plan.open_files = settings_.open_files;
  plan.standard_input = null_.get();
  return 0;
}

int Attempts::open_pipes(Attempt& attempt) {
  int error = make_output_pipe(attempt.standard_output.reader, attempt.output);
  if (error == 0) error = make_output_pipe(attempt.standard_error.reader, attempt.errors);
  attempt.plan.standard_output = attempt.output.get();
  attempt.plan.standard_error = attempt.errors.get();
  return error;
}

void Attempts::start(Launch launch, Instant now) {
  ENSURE(!is_running(launch.token));
  const AttemptName name{launch.run, launch.task.index, launch.attempt};
  auto attempt =
      std::make_unique<Attempt>(std::move(launch), log_path(settings_.state_directory, name));
  if (const Status possible = check_tier(attempt->launch.sandbox); !possible) {
    Outcome outcome = could_not_start(EOPNOTSUPP);
    outcome.kind = OutcomeClass::rejected;
    end_unstarted(std::move(attempt), outcome, possible.error().text(), now);
    return;
  }
  if (attempt->is_enclosed()) return start_enclosed(std::move(attempt), now);
  Additions given;
  if (const Status status = give_secrets(*attempt, given); !status) {
    end_unstarted(std::move(attempt), outcome_of_refusal(status.error().code),
                  status.error().text(), now);
    return;
  }
  std::string message;
  int error = prepare(*attempt, std::move(given), message);
  if (error == 0) error = open_pipes(*attempt);
  if (error == 0) {
    attempt->pid = spawner_.spawn(attempt->plan);
    if (attempt->pid < 0) error = -attempt->pid;
  }
  if (error != 0) {
    const bool is_in_vain = error == EINVAL && attempt->plan.arguments.empty();
    end_unstarted(
        std::move(attempt),
        is_in_vain ? outcome_of_refusal(ErrorCode::invalid_argument) : could_not_start(error),
        message.empty() ? "cannot start: " + std::string(std::strerror(error)) : message, now);
    return;
  }
  Attempt& added = *attempt;
  add(std::move(attempt), now);
  leftovers_.add_main(added.pid, added.serial, added.launch.token);
  on_running(added, now);
}

/// From now on it is known by its token.
void Attempts::add(std::unique_ptr<Attempt> attempt, Instant now) {
  if (attempt->serial == kNoSerial) attempt->serial = ++last_serial_;
  attempt->started = now;
  by_token_[attempt->launch.token] = attempt->serial;
  living_.insert(living_.end(), attempt->serial);
  attempts_.emplace(attempt->serial, std::move(attempt));
}

void Attempts::on_running(Attempt& attempt, Instant now) {
  attempt.output.reset();
  attempt.errors.reset();
  attempt.phase = Phase::running;
  attempt.started = now;
  attempt.started_at = clock_.at(now);
  attempt.limits = Limits::of(attempt.launch, now);
  by_pid_[attempt.pid] = attempt.serial;
  rest(attempt, PipeKind::standard_output, now);
  rest(attempt, PipeKind::standard_error, now);
  arm(attempt);
  events_.on_started(attempt.launch.token, attempt.started_at);
}

void Attempts::end_unstarted(std::unique_ptr<Attempt> attempt, const Outcome& outcome,
                             std::string message, Instant now) {
  links_.stop(attempt->link);
  if (!attempt->launch.secrets.empty()) secret_files_.remove(attempt->launch.token);
  if (!events_.is_followed(attempt->launch.batch)) places_.close(attempt->launch.batch);
  Ended ended;
  ended.end.token = attempt->launch.token;
  ended.end.outcome = outcome;
  ended.end.ended_at = clock_.at(now);
  ended.end.message = attempt->log.masked(std::move(message));
  ended.name = attempt->name();
  ended.has_script = !attempt->script_path.empty();
  events_.on_ended(std::move(ended), attempt->launch);
}

void Attempts::signal_group(const Attempt& attempt, int signal) {
  if (attempt.is_enclosed()) {
    // To the init, which passes it on; SIGKILL ends it, and with it all. A zombie keeps its id.
    if (by_pid_.contains(attempt.pid)) ::kill(attempt.pid, signal);
    return;
  }
  if (::kill(-attempt.pid, signal) == 0 || errno != ESRCH) return;
  // A child that has not come to setsid(2) yet has no group. One that is reaped is no child.
  if (attempt.phase == Phase::running) ::kill(attempt.pid, signal);
}

void Attempts::kill(Attempt& attempt) {
  attempt.was_killed = true;
  attempt.limits.clear();
  if (attempt.phase == Phase::running) {
    signal_group(attempt, SIGKILL);
  } else if (attempt.phase == Phase::preparing) {
    return;  // stop() has ended it
  } else if (attempt.phase == Phase::draining || attempt.phase == Phase::held) {
    begin_clearing(attempt);
  }
}

void Attempts::stop(Token token, bool kill_now, Duration grace, Instant now) {
  const auto at = by_token_.find(token);
  if (at == by_token_.end()) return;
  Attempt& attempt = *attempts_.at(at->second);
  attempt.was_stopped = true;
  attempt.launch.hold = Duration{0};  // whoever stops it does not want to look at it
  end(attempt, kill_now, grace, now);
}

void Attempts::end(Attempt& attempt, bool kill_now, Duration grace, Instant now) {
  if (attempt.phase == Phase::preparing) {
    const int signal = kill_now ? SIGKILL : SIGTERM;
    end_preparing(attempt,
                  {OutcomeClass::signalled, signal, {ReasonCode::killed_by_signal, 0, signal}}, {},
                  now);
    return;
  }
  if (kill_now || grace <= Duration{0} || attempt.phase != Phase::running) {
    kill(attempt);
    return;
  }
  // Told again, it is only the end of the grace that may come nearer.
  attempt.limits.stop(deadline_after(now, grace));
  signal_group(attempt, SIGTERM);
  signal_group(attempt, SIGCONT);
  arm(attempt);
}

}  // namespace reeve::supervisor
