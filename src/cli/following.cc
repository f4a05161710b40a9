#include "cli/following.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include "cli/cluster_settings.h"
#include "cli/engine_host.h"
#include "cli/resource_list.h"
#include "cli/run_follower.h"
#include "cli/run_report.h"
#include "cli/sandbox_choice.h"
#include "spec/permission.h"

namespace reeve::cli {
namespace {

/// What the engine answers, on its way to this thread.
class Answers {
 public:
  static Result<std::shared_ptr<Answers>> make() {
    // shared: an engine that fails answers after this thread has stopped waiting
    auto answers = std::make_shared<Answers>();
    answers->event_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE));
    if (!answers->event_) return fail_errno(errno, "cannot make an event descriptor");
    return answers;
  }
  void put(std::size_t position, Result<engine::Receipt> receipt) {
    const std::lock_guard lock(mutex_);
    receipts_[position] = std::move(receipt);
    const std::uint64_t one = 1;
    // The counter is far from full.
    static_cast<void>(::write(event_.get(), &one, sizeof one) == sizeof one);
  }
  std::optional<Result<engine::Receipt>> find(std::size_t position) {
    const std::lock_guard lock(mutex_);
    const auto found = receipts_.find(position);
    if (found == receipts_.end()) return std::nullopt;
    return found->second;
  }
  int descriptor() const { return event_.get(); }

 private:
  Fd event_;
  std::mutex mutex_;  // guards receipts_
  std::map<std::size_t, Result<engine::Receipt>> receipts_;
};

/// Hands over events before the engine starts, so that it obeys them before it starts a task; then
/// starts it and waits until they are durable.
Result<std::vector<engine::Receipt>> start_with(EngineHost& host, std::vector<core::Event> events) {
  TRY_ASSIGN(const std::shared_ptr<Answers> answers, Answers::make());  // shared: see there
  for (std::size_t i = 0; i < events.size(); ++i)
    host.engine().submit(std::move(events[i]), [answers, i](Result<engine::Receipt> receipt) {
      answers->put(i, std::move(receipt));
    });
  TRY(host.start());
  std::vector<engine::Receipt> receipts;
  while (receipts.size() < events.size()) {
    if (const auto answer = answers->find(receipts.size()); answer) {
      TRY_ASSIGN(const engine::Receipt receipt, *answer);
      receipts.push_back(receipt);
      continue;
    }
    std::array<pollfd, 2> waits{
        {{answers->descriptor(), POLLIN, 0}, {host.ended_descriptor(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    std::uint64_t one = 0;
    if (waits[0].revents != 0 && ::read(answers->descriptor(), &one, sizeof one) > 0) continue;
    TRY(host.finish());
    return fail(ErrorCode::unavailable, "the engine ended before the request was recorded");
  }
  return receipts;
}

/// The tier is said aloud where people look, in a few words, when it is none.
void say_tier(const Session& session, const FollowingOptions& options, SandboxTier wanted) {
  const bool is_seen = session.surroundings.stderr_is_terminal || !options.is_single;
  if (is_seen && wanted == SandboxTier::none)
    session.say("tasks run without a sandbox (tier none)");
}

RunSessionOptions session_options(const Session& session, const FollowingOptions& options) {
  return {.is_single = options.is_single,
          .is_live = !options.is_plain && !options.is_single && !session.is_quiet() &&
                     session.surroundings.may_draw(),
          .logs = options.logs,
          .log_prefix = options.log_prefix};
}

}  // namespace

Checked<FollowingOptions> FollowingOptions::from(const Session& session) {
  const Arguments& arguments = session.arguments;
  FollowingOptions options;
  options.capacity = machine_capacity();
  if (const std::string* jobs = arguments.find("jobs"); jobs != nullptr) {
    TRY_ASSIGN(options.capacity, parse_capacity("jobs", *jobs));
  }
  options.sandbox = sandbox_rules(arguments);
  options.is_plain = arguments.has("plain");
  options.log_prefix = arguments.has("log-prefix");
  const std::string logs = arguments.value_or("logs", "failed");
  if (logs == "all") options.logs = ShownLogs::all;
  if (logs == "none") options.logs = ShownLogs::none;
  if (arguments.has("output") || arguments.has("json")) {
    TRY_ASSIGN(options.result, OutputChoice::from(arguments, "run"));
  }
  return options;
}

Checked<void> Work::permit(const spec::Workflow& workflow, const SandboxRules& rules) {
  tier = std::min(tier, spec::weakest_tier(workflow, rules));
  return check_permitted(workflow, rules);
}

Ended follow_runs(const Session& session, const StateLayout& layout,
                  const FollowingOptions& options, Work work) {
  TRY_ASSIGN(Signals signals, Signals::open());
  // Outlives the engine, whose thread tells it what happens, also where we leave early.
  TRY_ASSIGN(auto follower, RunFollower::make());
  TRY_ASSIGN(auto policy, engine_policy(session.arguments.find("cluster"), layout));
  TRY_ASSIGN(auto host, EngineHost::open({.layout = layout,
                                          .capacity = options.capacity,
                                          .sandbox = options.sandbox,
                                          .policy = std::move(policy),
                                          .resume = work.resume,
                                          .command_line = session.command_line}));
  RunSession run(session, *host, *follower, signals, layout, session_options(session, options));
  for (const Uuid& uuid : work.runs) run.follow(uuid);
  host->engine().add_observer(*follower);
  say_tier(session, options, work.tier);
  TRY_ASSIGN(const auto receipts, start_with(*host, std::move(work.events)));
  for (const engine::Receipt& receipt : receipts) {
    if (!receipt.existed) continue;
    TRY(host->finish());
    host.reset();
    return report_existing_run(session, layout, receipt.run);
  }
  TRY_ASSIGN(const int status, run.run());
  host.reset();
  if (!options.result) return status;
  return report_runs(session, layout, work.runs, *options.result, status);
}

Ended apply_events(const Session& session, const StateLayout& layout,
                   std::vector<core::Event> events) {
  TRY_ASSIGN(auto policy, engine_policy(nullptr, layout));
  TRY_ASSIGN(auto host, EngineHost::open({.layout = layout,
                                          .capacity = machine_capacity(),
                                          .policy = std::move(policy),
                                          .command_line = session.command_line}));
  TRY(start_with(*host, std::move(events)));
  TRY(host->finish());
  return kExitDone;
}

}  // namespace reeve::cli
