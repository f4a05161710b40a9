// The life of `reeve run`, `resume` and `retry` from the start of the engine to the end of the
// runs: waits for signals, for what the engine says and for output, and shows it. One thread,
// main's.
#pragma once

#include <string>
#include <vector>

#include "cli/engine_host.h"
#include "cli/live_view.h"
#include "cli/plain_lines.h"
#include "cli/run_follower.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/task_output.h"

namespace reeve::cli {

enum class ShownLogs : std::uint8_t { failed, all, none };

struct RunSessionOptions {
  bool is_single = false;  ///< one command: its output and status are passed on
  bool is_live = false;    ///< the live view instead of lines
  ShownLogs logs = ShownLogs::failed;
  bool log_prefix = false;
};

class RunSession {
 public:
  RunSession(const Session& session, EngineHost& host, RunFollower& follower, Signals& signals,
             const StateLayout& layout, RunSessionOptions options);

  /// Before the engine starts: what is to be followed.
  void follow(const Uuid& run);
  /// Until all is over. The exit status, or the failure of the engine.
  Ended run();

 private:
  enum class Stop : std::uint8_t { not_asked, asked, killed, abandoned };

  bool wait();
  void obey_signals();
  void escalate();
  void cancel_runs();
  void take_in_happenings();
  void show(const Happening& happening);
  void pass_on(const TaskOutput::Text& text);
  void print(const std::vector<Line>& lines);
  void redraw();
  void quote_output(const Happening& happening);
  void mention_others();
  Uuid uuid_of(RunId run) const;
  Ended end();
  int exit_status(const std::vector<const FollowedRun*>& runs) const;
  int status_of(const FollowedRun& run) const;
  int single_status(const FollowedRun& run) const;
  void say_why(const FollowedRun& run) const;

  const Session& session_;
  EngineHost& host_;
  RunFollower& follower_;
  Signals& signals_;
  const StateLayout layout_;
  RunSessionOptions options_;
  LiveView view_;
  TaskOutput output_;
  std::map<RunId, Uuid> uuids_;
  Stop stop_ = Stop::not_asked;
  Stop ordered_ = Stop::not_asked;  ///< what the engine was told of it
  bool by_termination_ = false;     ///< SIGTERM, not Ctrl-C
  bool is_headless_ = false;        ///< the terminal is gone
  bool engine_ended_ = false;
  bool mentioned_others_ = false;
  bool said_waiting_ = false;
  std::size_t quoted_ = 0;  ///< failed tasks whose output was shown
};

}  // namespace reeve::cli
