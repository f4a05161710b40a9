// `reeve watch`: the live view of a run that another process runs, from what is stored.
#include <fmt/format.h>

#include "cli/archive.h"
#include "cli/live_view.h"
#include "cli/plain_lines.h"
#include "cli/poll_clock.h"
#include "cli/run_changes.h"
#include "cli/service_run.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

class Watching {
 public:
  Watching(const Session& session, Archive& archive, RunId run, Signals& signals)
      : session_(session),
        archive_(archive),
        run_(run),
        clock_(signals),
        view_(session.err),
        is_live_(session.surroundings.may_draw() && !session.arguments.has("plain")) {}

  Ended watch() {
    while (true) {
      TRY(look());
      if (followed_.tracker.model().is_over()) break;
      const SignalsTaken taken = clock_.wait();
      if (taken.hung_up || taken.terminations > 0) return kExitTerminated;
      if (taken.interrupts > 0) {
        session_.say(fmt::format("run {} goes on", run_.value));
        return kExitInterrupted;
      }
    }
    for (const Line& line : summary_lines(followed_, session_.err.ascii()))
      session_.err.write_line(line);
    const RunModel& model = followed_.tracker.model();
    if (model.is_interrupted)
      session_.say(fmt::format("no engine runs it; `reeve resume {}` goes on", run_.value));
    const bool good = model.state == core::RunState::succeeded;
    return good || session_.arguments.has("no-exit-status") ? kExitDone : kExitRunUnsuccessful;
  }

 private:
  Status look() {
    clock_.look_begins();
    TRY_ASSIGN(const std::uint64_t version, archive_.history->version());
    const bool has_engine = archive_.engine().has_value();
    if (!version_ || *version_ != version || has_engine != had_engine_) {
      version_ = version;
      had_engine_ = has_engine;
      TRY_ASSIGN(const LoadedRun loaded, archive_.load(run_));
      take_in(loaded.run());
    }
    clock_.look_ends();
    draw();
    return {};
  }

  void take_in(const core::Run& run) {
    followed_.tracker.reset(run);
    if (!is_live_ && run.record.reason.code == ReasonCode::after_run && run.record.reason != said_)
      session_.say(fmt::format("run {} {}", run_.value, describe(run.record.reason)));
    said_ = run.record.reason;
    followed_.failed.clear();
    followed_.failed_count = 0;
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
      RunFollower::note_failure(run, followed_, i);
    const auto happenings = changes_.compare(run, wall_now());
    for (const Happening& happening : happenings) {
      const bool is_bad_end = happening.kind == Happening::Kind::ended &&
                              happening.state != core::TaskState::succeeded &&
                              happening.state != core::TaskState::skipped;
      const bool is_news = is_bad_end || happening.kind == Happening::Kind::held;
      const std::string line = to_text(plain_line(happening), session_.err.colour()) + "\n";
      if (!is_live_) {
        session_.err.write(line);
      } else if (is_news) {
        view_.print_above(line);
      }
    }
  }

  void draw() {
    if (!is_live_) return;
    const TerminalSize size = view_.size();
    const Picture picture = take_picture(followed_.tracker.model(), size.rows);
    view_.draw(render_view(picture, {size.columns, size.rows, session_.err.ascii()}, wall_now()));
  }

  const Session& session_;
  Archive& archive_;
  RunId run_;
  PollClock clock_;
  LiveView view_;
  bool is_live_;
  FollowedRun followed_;
  RunChanges changes_;
  std::optional<std::uint64_t> version_;
  bool had_engine_ = false;
  Reason said_;  ///< of the run, when it was last looked at
};

}  // namespace

Ended watch_run(const Session& session, Archive& archive, RunId run, Signals& signals) {
  return Watching(session, archive, run, signals).watch();
}

Ended command_watch(const Session& session) {
  TRY_ASSIGN(Archive archive, Archive::open(session));
  const auto& words = session.arguments.words;
  TRY_ASSIGN(const RunId run, archive.history->find_run(words.empty() ? "last" : words.front()));
  TRY_ASSIGN(Signals signals, Signals::open());
  return watch_run(session, archive, run, signals);
}

}  // namespace reeve::cli
