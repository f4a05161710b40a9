// The part of Attempts that runs them in sandboxes.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/ensure.h"
#include "supervisor/attempts.h"
#include "supervisor/command.h"
#include "supervisor/files.h"
#include "supervisor/named_artifacts.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

/// Which step of an attempt without a sandbox failed in the same way.
SpawnStep spawn_step_of(const sandbox::Reply& failed) {
  switch (static_cast<sandbox::ProgramStep>(failed.step)) {
    case sandbox::ProgramStep::execute: return SpawnStep::program;
    case sandbox::ProgramStep::directory: return SpawnStep::directory;
    default: return SpawnStep::streams;
  }
}

Status write_output(const std::string& path, std::string_view bytes) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || !write_all(file.get(), bytes)) return fail_errno(errno, "cannot write " + path);
  return {};
}

}  // namespace

void Attempts::start_enclosed(std::unique_ptr<Attempt> attempt, Instant now) {
  attempt->serial = ++last_serial_;
  if (!attempt->launch.sandbox.image.empty()) return start_with_image(std::move(attempt), now);
  enclose(std::move(attempt), now);
}

void Attempts::enclose(std::unique_ptr<Attempt> attempt, Instant now) {
  if (attempt->wants_link()) return start_link(std::move(attempt), now);
  Status prepared = prepare_enclosed(*attempt);
  if (auto place = prepared ? places_.take(*attempt) : std::nullopt) {
    if (follow(*attempt, *place)) {
      Attempt& added = *attempt;
      add(std::move(attempt), now);
      return on_running(added, now);
    }
    places_.give_up(*place);
  }
  Sandbox* sandbox = nullptr;
  if (prepared) {
    auto taken = sandboxes_.take(attempt->launch, attempt->kind(), attempt->serial);
    if (taken)
      sandbox = *taken;
    else
      prepared = tl::unexpected(std::move(taken).error());
  }
  if (!prepared) {
    // What waits needs more than it may have: a cold start would run out of memory, too.
    const ErrorCode code = prepared.error().code;
    const bool is_too_small = attempt->warm && code == ErrorCode::exhausted;
    const Outcome outcome = is_too_small ? ran_out_of_memory(attempt->launch.resources.memory_bytes)
                                         : outcome_of_refusal(code);
    end_unstarted(std::move(attempt), outcome, prepared.error().text(), now);
    return;
  }
  // A program that waits has its pipes already.
  int error = attempt->warm ? 0 : open_pipes(*attempt);
  if (error == 0 && !attempt->warm) error = sandboxes_.give_pipe(attempt->output.get());
  if (error == 0 && !attempt->warm) error = sandboxes_.give_pipe(attempt->errors.get());
  if (error != 0) {
    sandboxes_.give_back(sandbox->number);
    end_unstarted(std::move(attempt), could_not_start(error),
                  "cannot start: " + std::string(std::strerror(error)), now);
    return;
  }
  attempt->phase = Phase::preparing;
  attempt->sandbox = sandbox->number;
  Attempt& added = *attempt;
  add(std::move(attempt), now);
  if (added.may_launch(*sandbox))
    launch_enclosed(added, *sandbox, now);
  else if (added.warm)
    wait_for_warm(added, now);
}

/// Everything that needs no sandbox yet.
namespace {

/// More than so many are not given one by one: a sandbox can be given some sixty paths.
constexpr std::size_t kArtifactsGivenMax = 32;

/// Of the artifacts that are kept, an attempt sees those that its launch names: where the engine is
/// an ordinary user's, tasks are that user and could read the others, too.
void show_artifacts(Launch& launch, const std::string& store) {
  std::vector<std::string> boxes = named_artifacts(launch, store);
  std::erase_if(boxes, [](const std::string& box) {
    struct stat about {};
    return ::stat(box.c_str(), &about) != 0 || !S_ISDIR(about.st_mode);
  });
  if (boxes.size() > kArtifactsGivenMax) boxes = {store};
  std::ranges::move(boxes, std::back_inserter(launch.sandbox.readable));
}

}  // namespace

Status Attempts::prepare_enclosed(Attempt& attempt) {
  const Launch& launch = attempt.launch;
  auto folder = folders_.open(launch.run);
  if (!folder) return tl::unexpected(of_machine(std::move(folder).error()));
  SpawnPlan& plan = attempt.plan;
  Additions own = own_variables(attempt, *folder);
  TRY(give_secrets(attempt, own));
  if (!attempt.script_path.empty()) {
    attempt.own_files.push_back({"script", launch.script});
    attempt.script_path.clear();
  }
  plan.base = enclosed_base_;
  if (attempt.image != nullptr)
    plan.base = std::make_shared<const BaseEnvironment>(
        image_environment(engine_environment_, attempt.image->environment));
  plan.environment = std::make_unique<EnvironmentBlock>(*plan.base, launch.environment, own);
  plan.arguments = command_line(launch, inside_sandbox("script"));
  if (plan.arguments.empty() && attempt.image != nullptr) TRY(use_program_of_image(attempt));
  if (plan.arguments.empty())
    return fail(ErrorCode::invalid_argument, "there is no command to execute");
  plan.candidates = program_candidates(plan.arguments.front(), plan.environment->find("PATH"));
  plan.work_directory = launch.work_directory.empty() ? work_directory_ : launch.work_directory;
  plan.open_files = settings_.open_files;
  plan.standard_input = null_.get();
  show_artifacts(attempt.launch, settings_.state_directory + "/artifacts");
  if (starts_warm(launch)) prepare_warm(attempt);
  return {};
}

sandbox::ProgramRequest program_of(Attempt& attempt) {
  const SpawnPlan& plan = attempt.plan;
  sandbox::ProgramRequest request{
      .arguments = plan.arguments,
      .candidates = plan.candidates,
      .environment = {},
      .files = std::move(attempt.own_files),
      .work_directory =
          attempt.start_directory.empty() ? plan.work_directory : attempt.start_directory,
      .open_files_soft = plan.open_files.rlim_cur,
      .open_files_hard = plan.open_files.rlim_max,
      .stays_open = attempt.launch.hold > Duration{0} || attempt.may_share()};
  for (char* const* entry = plan.environment->pointers(); *entry != nullptr; ++entry)
    request.environment.emplace_back(*entry);
  return request;
}

Result<sandbox::ZygoteProcess::Started> Attempts::start_in(Attempt& attempt, Sandbox& sandbox) {
  const SpawnPlan& plan = attempt.plan;
  sandbox::ProgramRequest request = program_of(attempt);
  if (attempt.is_contained()) request = contain(std::move(request), sandbox, sandboxes_.filter());
  return sandbox.zygote->launch(request,
                                {plan.standard_input, plan.standard_output, plan.standard_error});
}

/// False: it has ended instead.
bool Attempts::launch_enclosed(Attempt& attempt, Sandbox& sandbox, Instant now) {
  auto started = attempt.warm ? hand_over(attempt, sandbox) : start_in(attempt, sandbox);
  if (!started) {
    sandbox.is_broken = true;
    end_preparing(attempt, could_not_start(EIO), started.error().text(), now);
    return false;
  }
  attempt.pid = started->init;
  attempt.files = std::move(started->files);
  attempt.door = std::move(started->door);
  // What they would be on the host says nothing of an image.
  if (attempt.image != nullptr) attempt.plan.candidates.clear();
  leftovers_.add_enclosed(attempt.pid);
  if (attempt.warm) {
    attempt.standard_output.reader = std::move(started->output);
    attempt.standard_error.reader = std::move(started->errors);
  }
  on_running(attempt, now);
  if (attempt.warm) sandboxes_.keep_ahead(attempt.launch, attempt.kind());
  return true;
}

void Attempts::on_sandbox(SandboxNumber number, Instant now) {
  while (Sandbox* const sandbox = sandboxes_.find(number)) {
    const auto reply = sandbox->zygote->receive();
    if (!reply) return;
    on_reply(*sandbox, *reply, now);
  }
}

void Attempts::on_reply(Sandbox& sandbox, const sandbox::Reply& reply, Instant now) {
  Attempt* const attempt = find(sandbox.user);
  switch (reply.kind) {
    case sandbox::ReplyKind::warming: return;
    case sandbox::ReplyKind::made:
    case sandbox::ReplyKind::ready:
      if (attempt == nullptr || attempt->phase != Phase::preparing) return;
      if (attempt->link != kNoLink && !attempt->is_handed_over && !connect(*attempt, sandbox, now))
        return;
      if (attempt->may_launch(sandbox)) launch_enclosed(*attempt, sandbox, now);
      return;
    case sandbox::ReplyKind::failed:
      if (reply.phase != sandbox::Phase::program) sandbox.is_broken = true;
      if (attempt != nullptr && reply.phase == sandbox::Phase::warm)
        on_warm_failed(*attempt, sandbox, reply, now);
      else if (attempt != nullptr)
        on_failed_reply(*attempt, sandbox, reply, now);
      return;
    case sandbox::ReplyKind::ended:
      if (attempt != nullptr && attempt->phase == Phase::running) {
        if (attempt->may_share()) add_usage(attempt->usage, reply);
        on_program_ended(*attempt, sandbox, reply.status, now);
      }
      return;
    case sandbox::ReplyKind::entered:
    case sandbox::ReplyKind::left: events_.on_visit(reply, {}); return;
    case sandbox::ReplyKind::refused:
      events_.on_visit(reply, sandbox.zygote->describe(reply));
      return;
  }
}

void Attempts::on_program_ended(Attempt& attempt, const Sandbox& sandbox, int status, Instant now) {
  attempt.wait_status = status;
  attempt.has_status = true;
  if (attempt.is_contained()) read_contained_end(attempt, sandbox, now);
  drain(attempt, now);
  attempt.limits.clear();
  if (wants_hold(attempt)) return hold(attempt, now);
  attempt.phase = Phase::draining;
  attempt.linger_until = now + kLinger;
  if (attempt.was_killed || attempt.pipes_at_end()) begin_clearing(attempt);
  arm(attempt);
}

void Attempts::on_failed_reply(Attempt& attempt, const Sandbox& sandbox,
                               const sandbox::Reply& reply, Instant now) {
  if (attempt.phase == Phase::preparing) {
    // Somebody may have removed its layers.
    if (attempt.image != nullptr) images_.distrust(attempt.image->digest);
    end_preparing(attempt, could_not_start(reply.error), sandbox.zygote->describe(reply), now);
    return;
  }
  if (reply.phase != sandbox::Phase::program) return;  // of the next attempt's init
  if (attempt.is_contained() && !attempt.has_status) return on_runtime_failed(attempt);
  const SpawnStep step = spawn_step_of(reply);
  if (step == SpawnStep::streams) attempt.failure = sandbox.zygote->describe(reply);
  attempt.plan.failed_error.store(reply.error, std::memory_order_relaxed);
  attempt.plan.failed_step.store(step, std::memory_order_release);
}

/// Its zygote, or the init that was to be its own, has ended. An attempt that runs does not notice.
void Attempts::on_sandbox_lost(Serial user, Instant now) {
  Attempt* attempt = find(user);
  if (attempt == nullptr || attempt->phase != Phase::preparing) return;
  on_sandbox(attempt->sandbox, now);  // it may have said why
  attempt = find(user);
  if (attempt == nullptr || attempt->phase != Phase::preparing) return;
  end_preparing(*attempt, could_not_start(ECHILD), "its sandbox ended before it could begin", now);
}

/// Its init has ended, and the kernel has ended all else that was in the sandbox.
void Attempts::on_enclosed_exit(Attempt& attempt, Instant now) {
  on_sandbox(attempt.sandbox, now);  // what it said last
  drain(attempt, now);
  rusage used{};
  int status = 0;
  ::wait4(attempt.pid, &status, 0, &used);
  // Of a batch it has what all of them used; each was told its own.
  if (!attempt.may_share()) add_usage(attempt.usage, used);
  if (!attempt.has_status) attempt.wait_status = status;
  by_pid_.erase(attempt.pid);
  static_cast<void>(leftovers_.take(attempt.pid));
  attempt.limits.clear();
  begin_clearing(attempt);
}

void Attempts::end_preparing(Attempt& attempt, Outcome outcome, std::string message, Instant now) {
  images_.leave(attempt.serial);
  sandboxes_.give_back(attempt.sandbox);
  end_unstarted(take_out(attempt.serial), outcome, std::move(message), now);
}

/// What the attempt leaves: its REEVE_OUTPUT, and the account of its control group.
void Attempts::collect_enclosed(Attempt& attempt) {
  const std::string bytes = read_regular(attempt.files.get(), "output", kTaskFileBytesMax);
  check_outputs(attempt, bytes);
  if (!bytes.empty() && !attempt.has_refused_output) {
    if (const Status written = write_output(attempt.output_path, bytes); !written)
      attempt.failure = written.error().text();
  }
  links_.stop(attempt.link);
  Sandbox* const sandbox = sandboxes_.find(attempt.sandbox);
  if (sandbox == nullptr) return;
  if (sandbox->group) {
    if (const auto use = sandbox->use()) {
      attempt.usage.user_cpu = std::max(attempt.usage.user_cpu, use->user_cpu);
      attempt.usage.system_cpu = std::max(attempt.usage.system_cpu, use->system_cpu);
      attempt.usage.read_bytes = std::max(attempt.usage.read_bytes, use->read_bytes);
      attempt.usage.written_bytes = std::max(attempt.usage.written_bytes, use->written_bytes);
      // Whichever of its processes went: what it produced without it is not to be trusted.
      if (use->oom_kills > 0 && attempt.verdict.kind == OutcomeClass::none)
        attempt.verdict = ran_out_of_memory(sandbox->memory_bytes_max);
      // A runtime that was killed for it, beside the task, has not failed by itself.
      if (attempt.is_contained() && attempt.verdict.kind == OutcomeClass::out_of_memory) {
        attempt.plan.failed_step.store(SpawnStep::none, std::memory_order_release);
        attempt.failure.clear();
      }
    }
  }
  if (!attempt.leaves_place) return sandboxes_.give_back(attempt.sandbox);
  by_pid_.erase(attempt.pid);
  places_.keep(attempt, *sandbox);
}

}  // namespace reeve::supervisor
