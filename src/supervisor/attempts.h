// The attempts that run: starts them, reads what they write, holds them to their limits, and ends
// each only when nothing of it is left. Decides nothing about order or capacity (Admission), and
// keeps no ends (Ends). Single-threaded: every call comes from the supervisor's loop, with the
// instant of this round.
//
// A pipe joins the epoll set only when its attempt has lived for kPipeRest, and rests again after
// each piece: a short attempt costs no epoll call, single bytes make no flood of frames, and who
// writes as fast as it can is slowed down before it slows down its neighbours.
#pragma once

#include <memory>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/attempt.h"
#include "supervisor/attempt_surroundings.h"
#include "supervisor/batch_places.h"
#include "supervisor/disk_guard.h"
#include "supervisor/protocol.h"
#include "supervisor/run_folders.h"
#include "supervisor/sandboxes.h"
#include "supervisor/secret_files.h"

namespace reeve::supervisor {

class Attempts {
 public:
  using Settings = AttemptSettings;
  Attempts(Settings settings, AttemptEvents& events);

  /// What the next attempts inherit.
  void inherit(const Hello& hello);
  bool is_running(Token token) const { return by_token_.contains(token); }
  Time started_at(Token token) const;
  std::size_t count() const { return attempts_.size(); }

  void start(Launch launch, Instant now);
  void stop(Token token, bool kill, Duration grace, Instant now);
  /// conflict: it does not run (any more). The streams may be closed afterwards.
  Status enter(Token token, const VisitRequest& request);
  void signal_visit(Token token, std::uint32_t number, int signal);
  /// If its sandbox is kept open.
  std::optional<AttemptHold> hold_of(Token token) const;

  void on_readable(Serial serial, PipeKind kind, Instant now);
  /// A sandbox, or a process that fetches an image or connects a sandbox, has something to say.
  void on_sandbox(SandboxNumber number, Instant now);
  void on_image(FetchNumber number, Instant now);
  void on_link(LinkNumber number, Instant now);
  /// A child changed its state: reaps all that ended.
  void on_child(Instant now);
  void on_time(Instant now);
  /// Ends the attempts of which nothing is left. Once per round, after the calls above.
  void settle(Instant now);
  Instant next_deadline();
  /// Before the end, with no attempt left: whatever was adopted goes too.
  std::vector<pid_t> end_strays(Duration patience);
  /// The store of images is being cleaned up.
  bool is_cleaning() const { return images_.is_cleaning(); }
  BatchPlaces& places() { return places_; }
  WallClock& clock() { return clock_; }
  RunFolders& folders() { return folders_; }
  SecretFiles& secret_files() { return secret_files_; }

 private:
  // attempts.cc: start and stop
  int prepare(Attempt& attempt, Additions given, std::string& message);
  int open_pipes(Attempt& attempt);
  void add(std::unique_ptr<Attempt> attempt, Instant now);
  void on_running(Attempt& attempt, Instant now);
  Additions own_variables(Attempt& attempt, const RunFolders::Folder& folder) const;
  void end_unstarted(std::unique_ptr<Attempt> attempt, const Outcome& outcome, std::string message,
                     Instant now);
  void end(Attempt& attempt, bool kill, Duration grace, Instant now);
  void signal_group(const Attempt& attempt, int signal);
  void kill(Attempt& attempt);
  Attempt* find(Serial serial);

  // attempts_image.cc: attempts whose root is an image
  void start_with_image(std::unique_ptr<Attempt> attempt, Instant now);
  void on_image_ready(Serial serial, const SharedImage& image, Instant now);
  void on_image_failed(Attempt& attempt, const Error& error, Instant now);
  static Status use_program_of_image(Attempt& attempt);
  std::unique_ptr<Attempt> take_out(Serial serial);
  std::vector<std::string> images_in_use();

  // attempts_egress.cc: attempts that may reach what they list
  void start_link(std::unique_ptr<Attempt> attempt, Instant now);
  void on_names_pinned(Serial serial, std::string hosts, Instant now);
  bool connect(Attempt& attempt, const Sandbox& sandbox, Instant now);

  // attempts_oci.cc: attempts in the containers of a runtime
  Status check_tier(const SandboxRequest& request) const;
  sandbox::ProgramRequest contain(sandbox::ProgramRequest program, const Sandbox& sandbox,
                                  std::string_view filter) const;
  void on_runtime_failed(Attempt& attempt) const;
  void read_contained_end(Attempt& attempt, const Sandbox& sandbox, Instant now);

  // attempts_sandbox.cc: attempts in sandboxes
  void start_enclosed(std::unique_ptr<Attempt> attempt, Instant now);
  void enclose(std::unique_ptr<Attempt> attempt, Instant now);
  Status prepare_enclosed(Attempt& attempt);
  bool follow(Attempt& attempt, BatchPlace& place);  // in attempts_batch.cc
  bool launch_enclosed(Attempt& attempt, Sandbox& sandbox, Instant now);
  Result<sandbox::ZygoteProcess::Started> start_in(Attempt& attempt, Sandbox& sandbox);

  // attempts_warm.cc: attempts whose program is started ahead
  void prepare_warm(Attempt& attempt);
  void wait_for_warm(Attempt& attempt, Instant now);
  Result<sandbox::ZygoteProcess::Started> hand_over(Attempt& attempt, Sandbox& sandbox);
  void on_warm_failed(Attempt& attempt, Sandbox& sandbox, const sandbox::Reply& reply, Instant now);
  void on_warm_late(Attempt& attempt, Instant now);
  void on_reply(Sandbox& sandbox, const sandbox::Reply& reply, Instant now);
  void on_program_ended(Attempt& attempt, const Sandbox& sandbox, int status, Instant now);
  void on_failed_reply(Attempt& attempt, const Sandbox& sandbox, const sandbox::Reply& reply,
                       Instant now);
  void on_sandbox_lost(Serial user, Instant now);
  void on_enclosed_exit(Attempt& attempt, Instant now);
  void end_preparing(Attempt& attempt, Outcome outcome, std::string message, Instant now);
  void collect_enclosed(Attempt& attempt);

  // attempts_secrets.cc: what attempts are given and must not show
  Status give_secrets(Attempt& attempt, Additions& variables);
  void mask_secrets(Attempt& attempt);
  void check_outputs(Attempt& attempt, std::string_view bytes) const;
  void check_output_file(Attempt& attempt) const;

  // attempts_visits.cc: those who enter, and what is kept open for them
  bool wants_hold(const Attempt& attempt) const;
  void hold(Attempt& attempt, Instant now);

  // attempts_output.cc: pipes and progress
  bool watch(Attempt& attempt, PipeKind kind);
  void rest(Attempt& attempt, PipeKind kind, Instant now);
  void rest_busy(Attempt& attempt, PipeKind kind, Instant begun);
  void wake_resting(Instant now);
  PumpResult pump(Attempt& attempt, PipeKind kind, Instant now);
  void drain(Attempt& attempt, Instant now);
  void note_progress(Attempt& attempt, ProgressLine line, Instant now);
  void tell_progress(Attempt& attempt, Instant now);
  void poll_progress_file(Attempt& attempt, Instant now);

  // attempts_usage.cc, attempts_time.cc: what attempts use while they run, and limits
  void take_samples(Instant now);
  std::optional<ProcessUse> use_of(Attempt& attempt);
  void look_at_disks(Instant now);
  void arm(Attempt& attempt);
  Instant due(const Attempt& attempt) const;
  void on_due(Attempt& attempt, Instant now);
  void on_breach(Attempt& attempt, Breach breach, Instant now);

  // attempts_end.cc: reaping and leftovers
  void on_main_exit(Attempt& attempt, Instant now);
  void reap_adopted(pid_t pid, Instant now);
  void begin_clearing(Attempt& attempt);
  bool is_cleared(Attempt& attempt);
  void finish(Serial serial, Instant now);
  Outcome final_outcome(const Attempt& attempt, std::string& message) const;

  Settings settings_;
  AttemptEvents& events_;
  WallClock clock_;
  RunFolders folders_;
  Spawner spawner_;
  Leftovers leftovers_;
  ImageFetches images_;
  Sandboxes sandboxes_;
  BatchPlaces places_{sandboxes_};
  EgressLinks links_;
  SecretFiles secret_files_;
  // Of the last attempt that was given secrets: the next one mostly has the same.
  std::vector<std::string> masked_values_;
  std::shared_ptr<const MaskPatterns> masks_;  // shared with the attempts that use them
  Fd null_;
  std::shared_ptr<const BaseEnvironment> base_;  // shared with the plans that point into it
  std::shared_ptr<const BaseEnvironment> enclosed_base_;  // shared: as base_
  std::vector<std::string> engine_environment_;
  std::string work_directory_;
  std::vector<char> buffer_;
  Serial last_serial_ = 0;
  std::unordered_map<Serial, std::unique_ptr<Attempt>> attempts_;
  std::unordered_map<Token, Serial> by_token_;
  std::unordered_map<pid_t, Serial> by_pid_;  // of main processes that are not reaped
  std::set<Serial> clearing_;
  std::set<Serial> living_;  // all attempts, in the order of their start
  bool settle_due_ = false;
  Instant settle_at_ = kNoDeadline;
  std::priority_queue<RestingPipe> resting_;
  int busy_pipes_ = 0;  // in resting_
  using Timer = std::pair<Instant, Serial>;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Instant progress_poll_ = kNoDeadline, sample_at_ = kNoDeadline, disks_at_ = kNoDeadline;
  DiskGuard disks_;
};

}  // namespace reeve::supervisor
