// The part of Attempts that ends them: reaping, killing what is left, the outcome.

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/ensure.h"
#include "supervisor/attempts.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

/// How often an attempt that is being cleared is looked at when no child tells of its end.
constexpr Duration kClearingLook = std::chrono::milliseconds(10);
constexpr std::int64_t kBlockBytes = 512;

Duration to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

void add_usage(Usage& usage, const rusage& used) {
  usage.user_cpu += to_duration(used.ru_utime);
  usage.system_cpu += to_duration(used.ru_stime);
  usage.memory_peak_bytes = std::max(usage.memory_peak_bytes, std::int64_t{used.ru_maxrss} * 1024);
  usage.read_bytes += std::int64_t{used.ru_inblock} * kBlockBytes;
  usage.written_bytes += std::int64_t{used.ru_oublock} * kBlockBytes;
  usage.context_switches += std::int64_t{used.ru_nvcsw} + used.ru_nivcsw;
}

namespace {

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

void Attempts::on_child(Instant now) {
  while (true) {
    siginfo_t info{};
    // First a look, then the reaping: as long as it is a zombie, its id and group are its own.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    settle_due_ = true;
    const auto at = by_pid_.find(info.si_pid);
    if (at == by_pid_.end()) {
      reap_adopted(info.si_pid, now);
    } else {
      on_main_exit(*attempts_.at(at->second), now);
    }
  }
}

void Attempts::reap_adopted(pid_t pid, Instant now) {
  const Serial owner = leftovers_.take(pid);
  rusage used{};
  int status = 0;
  ::wait4(pid, &status, 0, &used);
  if (images_.on_child_ended(pid) || links_.on_child_ended(pid)) return;
  places_.on_child_ended(pid);
  if (const Serial user = sandboxes_.on_child_ended(pid); user != kNoSerial)
    on_sandbox_lost(user, now);
  if (Attempt* attempt = find(owner)) add_usage(attempt->usage, used);
}

void Attempts::on_main_exit(Attempt& attempt, Instant now) {
  if (attempt.is_enclosed()) return on_enclosed_exit(attempt, now);
  drain(attempt, now);
  rusage used{};
  ::wait4(attempt.pid, &attempt.wait_status, 0, &used);
  add_usage(attempt.usage, used);
  by_pid_.erase(attempt.pid);
  leftovers_.main_reaped(attempt.pid);
  attempt.limits.clear();
  if (attempt.was_killed || attempt.pipes_at_end()) {
    begin_clearing(attempt);
  } else {
    attempt.phase = Phase::draining;
    attempt.linger_until = now + kLinger;
    arm(attempt);
  }
}

void Attempts::begin_clearing(Attempt& attempt) {
  attempt.phase = Phase::clearing;
  attempt.linger_until = kNoDeadline;
  clearing_.insert(attempt.serial);
  settle_due_ = true;
}

/// REQUIRES leftovers_.look() since the last reaping. Kills what is there.
bool Attempts::is_cleared(Attempt& attempt) {
  if (attempt.is_enclosed()) {
    attempt.leaves_place = attempt.may_share() && attempt.has_ended_plainly() &&
                           by_pid_.contains(attempt.pid) &&
                           events_.is_followed(attempt.launch.batch);
    if (attempt.leaves_place) return true;
    // The kernel has ended all that was in it before its init could be reaped.
    signal_group(attempt, SIGKILL);
    return !by_pid_.contains(attempt.pid);
  }
  if (!attempt.group_is_gone && ::kill(-attempt.pid, SIGKILL) != 0) {
    attempt.group_is_gone = true;
    attempt.left_some_behind = errno == EPERM;
  }
  for (const pid_t pid : leftovers_.of(attempt.serial)) {
    if (::kill(pid, SIGKILL) == 0 || errno != EPERM) continue;
    attempt.left_some_behind = true;
    leftovers_.disown(pid);
  }
  return attempt.group_is_gone && !leftovers_.has_any(attempt.serial) &&
         !leftovers_.has_undecided();
}

void Attempts::settle(Instant now) {
  if (!settle_due_ && settle_at_ > now) return;
  settle_due_ = false;
  settle_at_ = kNoDeadline;
  images_.keep_small([this] { return images_in_use(); });
  if (clearing_.empty() && leftovers_.empty()) return;
  leftovers_.look();
  std::vector<Serial> cleared;
  for (const Serial serial : clearing_)
    if (is_cleared(*attempts_.at(serial))) cleared.push_back(serial);
  for (const Serial serial : cleared) finish(serial, now);
  leftovers_.kill_strays(living_.empty() ? last_serial_ + 1 : *living_.begin());
  if (!clearing_.empty()) settle_at_ = now + kClearingLook;
}

std::vector<pid_t> Attempts::end_strays(Duration patience) { return leftovers_.kill_all(patience); }

Outcome Attempts::final_outcome(const Attempt& attempt, std::string& message) const {
  if (!attempt.failure.empty()) message = attempt.failure;
  const SpawnStep step = attempt.plan.failed_step.load(std::memory_order_acquire);
  if (step != SpawnStep::none) {
    const int error = attempt.plan.failed_error.load(std::memory_order_relaxed);
    if (message.empty()) message = describe_failed_spawn(attempt.plan, step, error);
    return outcome_of_failed_spawn(step, error);
  }
  if (attempt.verdict.kind != OutcomeClass::none) return attempt.verdict;
  return outcome_of_status(attempt.wait_status);
}

void Attempts::finish(Serial serial, Instant now) {
  auto node = attempts_.extract(serial);
  Attempt& attempt = *node.mapped();
  clearing_.erase(serial);
  living_.erase(serial);
  // Whoever could write is gone, so this ends; a process outside that was given the pipe is not
  // waited for.
  drain(attempt, now);
  const Token token = attempt.launch.token;
  by_token_.erase(token);
  attempt.log.finish(attempt.standard_output, LogStream::standard_output, clock_.at(now));
  attempt.log.finish(attempt.standard_error, LogStream::standard_error, clock_.at(now));
  if (attempt.is_enclosed()) {
    collect_enclosed(attempt);
  } else {
    check_output_file(attempt);
    if (!attempt.launch.secrets.empty()) secret_files_.remove(token);
    leftovers_.attempt_ended(serial, attempt.pid, token);
    spawner_.reuse(attempt.plan);
  }

  Ended ended;
  ended.end.token = token;
  ended.end.outcome = final_outcome(attempt, ended.end.message);
  if (attempt.has_refused_output && ended.end.outcome.is_success())
    ended.end.outcome = {OutcomeClass::rejected, 0, {ReasonCode::output_invalid, 0, 0}};
  ended.end.message = attempt.log.masked(std::move(ended.end.message));
  ended.end.usage = attempt.usage;
  ended.end.usage.memory_peak_bytes =
      std::max(attempt.usage.memory_peak_bytes, attempt.meter.memory_peak_bytes());
  ended.end.tier = attempt.launch.sandbox.tier;
  ended.end.usage.output_bytes = attempt.log.total_bytes();
  if (attempt.left_some_behind)
    ended.end.message.append("processes of another user were left behind");
  const bool ran = ended.end.outcome.kind != OutcomeClass::start_failed &&
                   ended.end.outcome.reason.code != ReasonCode::path_not_usable;
  ended.end.started_at = ran ? attempt.started_at : kUnset;
  ended.end.ended_at =
      attempt.program_ended_at != kUnset ? attempt.program_ended_at : clock_.at(now);
  ended.name = attempt.name();
  ended.has_output = exists(attempt.output_path);
  ended.has_progress = exists(attempt.progress_path);
  ended.has_script = !attempt.script_path.empty();
  if (ended.has_progress && attempt.progress_file_read == 0) poll_progress_file(attempt, now);
  tell_progress(attempt, now);
  events_.on_ended(std::move(ended), attempt.launch);
}

}  // namespace reeve::supervisor
