#include "cli/service_run.h"

#include <fmt/format.h>

#include "base/outcome.h"
#include "cli/poll_clock.h"
#include "cli/run_cells.h"
#include "cli/run_report.h"
#include "cli/service_history.h"
#include "cli/service_link.h"
#include "cli/submission.h"

namespace reeve::cli {
namespace {

/// The engine of a service has its own.
constexpr auto kOfEngine =
    std::to_array<std::string_view>({"jobs", "cluster", "sandbox", "allow", "logs", "log-prefix"});

/// The output of the one task of a run, attempt by attempt.
class OutputRelay {
 public:
  OutputRelay(const Session& session, Archive& archive, RunId run)
      : session_(session),
        archive_(archive),
        run_(run) {}

  /// Passes on what is new; true when the run has ended.
  Result<bool> look() {
    TRY_ASSIGN(const std::uint64_t version, archive_.history->version());
    if (!loaded_ || version != version_) {
      TRY_ASSIGN(LoadedRun loaded, archive_.load(run_));
      loaded_.emplace(std::move(loaded));
      version_ = version;  // of before: what changed meanwhile is seen the next time
    }
    const core::Run& run = loaded_->run();
    const std::uint32_t attempts = run.tasks.empty() ? 0 : run.tasks.front().attempt;
    while (attempt_ <= attempts && attempt_ > 0) {
      if (log_ == nullptr) log_ = archive_.log({run_, 0}, run.record.uuid, attempt_);
      pass_on();
      if (attempt_ == attempts) break;
      log_.reset();
      ++attempt_;
    }
    return core::is_final(run.record.state);
  }

  /// That of the task, as `reeve run` gives it.
  int status() const {
    const core::Run& run = loaded_->run();
    if (run.tasks.empty()) return kExitFailed;
    const core::Task& task = run.tasks.front();
    if (run.record.state == core::RunState::succeeded) return kExitDone;
    if (run.record.state == core::RunState::cancelled) return kExitInterrupted;
    return shell_status({task.outcome, task.code, task.reason});
  }

 private:
  void pass_on() {
    log_->read([this](const supervisor::LogFrame& frame) {
      switch (frame.stream) {
        case supervisor::LogStream::standard_output: session_.out.write(frame.bytes); break;
        case supervisor::LogStream::standard_error: session_.err.write(frame.bytes); break;
        case supervisor::LogStream::notice: session_.say(std::string(frame.bytes)); break;
      }
    });
  }

  const Session& session_;
  Archive& archive_;
  const RunId run_;
  std::optional<LoadedRun> loaded_;
  std::uint64_t version_ = 0;
  std::uint32_t attempt_ = 1;
  std::unique_ptr<LogFrames> log_;
};

Ended follow_single(const Session& session, Archive& archive, RunId run, Signals& signals) {
  OutputRelay relay(session, archive, run);
  PollClock clock(signals);
  while (true) {
    clock.look_begins();
    TRY_ASSIGN(const bool is_over, relay.look());
    clock.look_ends();
    if (is_over) return relay.status();
    const SignalsTaken taken = clock.wait();
    if (taken.interrupts + taken.terminations == 0) continue;
    session.say(fmt::format("run {} goes on; `reeve cancel {}` stops it", run.value, run.value));
    return taken.terminations > 0 ? kExitTerminated : kExitInterrupted;
  }
}

}  // namespace

Checked<SubmittedRun> submit_to(const Session& session, ServiceLink& service) {
  for (const std::string_view option : kOfEngine) {
    if (session.arguments.has(option))
      return usage(
          fmt::format("--{} is for an engine of one's own; a service has its own", option));
  }
  TRY_ASSIGN(const JsonObject body, submission_body(session));
  TRY_ASSIGN(JsonObject reply,
             service.post("/v1/runs", body, session.arguments.value_or("idempotency-key", "")));
  Json* const run = reply.if_contains("run");
  const Json* const number =
      run != nullptr && run->is_object() ? run->get_object().if_contains("number") : nullptr;
  if (number == nullptr || !number->is_number())
    return fail(ErrorCode::corrupt, service.name() + " does not say which run it has started");
  if (const Json* warnings = reply.if_contains("warnings"); warnings && warnings->is_array()) {
    for (const Json& warning : warnings->get_array())
      if (warning.is_string()) session.say(std::string(warning.get_string()));
  }
  return SubmittedRun{RunId{number->to_number<std::uint32_t>()}, std::move(run->get_object())};
}

Ended run_at_service(const Session& session) {
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(Signals signals, Signals::open());
  const bool is_single = session.arguments.has_separator && !session.arguments.has("array");
  std::optional<OutputChoice> result;
  if (session.arguments.has("output") || session.arguments.has("json")) {
    if (is_single)
      return usage("run: --output and --json are for workflows; a command's output is passed on");
    TRY_ASSIGN(result, OutputChoice::from(session.arguments, "run"));
  }
  TRY_ASSIGN(const SubmittedRun run, submit_to(session, *archive.service));
  if (is_single) return follow_single(session, archive, run.id, signals);
  TRY_ASSIGN(int status, watch_run(session, archive, run.id, signals));
  if (status == kExitRunUnsuccessful) status = kExitFailed;
  if (!result) return status;
  TRY_ASSIGN(const LoadedRun loaded, archive.load(run.id));
  return session.print(render_document("run", run_document(loaded.run()), *result,
                                       [&] { return run_text(session, loaded); }),
                       status);
}

}  // namespace reeve::cli
