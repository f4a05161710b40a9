// A small world around a Core for tests: a clock that stands still, an executor that only does what
// the test says, a disk that keeps what finished. A scheduling test takes four lines: make a World,
// submit YAML, succeed("a").fail("b"), expect_run(RunState::failed).
//
// After every step the invariants hold, a recovery from the rows gives the same state, a refused
// request has changed nothing and every task has a reason; or the test fails. So does a start or a
// stop that the test never speaks of. Tasks are named by their labels: "a", "a[2]", "a (x, 1)";
// those of another run than the first as "2/a". Of two attempts that live at once, each is "a#2" by
// its number.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/core.h"
#include "core/recover.h"

namespace reeve::core::test {

Resources cpus(std::int64_t count);
/// Parsed; an error fails the test.
std::shared_ptr<const spec::Workflow> workflow_of(std::string_view yaml);  // shared: as in the core
inline constexpr Outcome kSuccess{OutcomeClass::exited, 0, {}};
Outcome exited(std::int32_t code);
Outcome outcome(OutcomeClass kind);

/// How an attempt ends.
struct Report {
  Outcome outcome = kSuccess;
  std::vector<OutputValue> outputs{};
  std::string message{};
  bool ran = true;
  SandboxTier tier = SandboxTier::none;
  std::uint64_t random = std::uint64_t{1} << 63;  ///< half of any back-off
};

struct Submission {
  std::string inputs{};
  std::int32_t priority = 0;
  RunTexts texts{};
  std::string submitter = "ada";
  std::vector<RunAfter> after{};
};

/// What the executor of this world knows of an attempt.
struct Attempt {
  Token token;
  TaskId task;
  std::string label;
  std::uint32_t number = 0;
  Time started_at = kUnset;
  bool ended = false;
  bool forgotten = false;
  bool collecting = false;
  int stops = 0;
  int kills = 0;
  Duration grace{0};
  AttemptEnded end{};
};

/// A task as it is, or was when its run finished.
struct TaskView {
  Task task;
  std::string message;
};

class World {
 public:
  explicit World(Resources capacity = cpus(4));
  ~World();  ///< starts and stops that the test did not speak of fail it
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Requests. An error of request() leaves everything as it was, which is checked.
  Result<Applied> request(const Event& event);
  RunId submit(std::string_view yaml, const Submission& submission = {});
  RunId submit(std::shared_ptr<const spec::Workflow> workflow, const Submission& submission = {});
  World& cancel(RunId run = RunId{1}, bool kill = false);
  World& cancel_task(std::string_view label);
  World& pause(RunId run = RunId{1});
  World& resume(RunId run = RunId{1});
  World& pause_task(std::string_view label);
  World& resume_task(std::string_view label);
  World& approve(std::string_view label, bool approved = true);
  /// Of a run that finished: it comes back from the disk.
  /// With a `hold`: keeping the sandboxes of what fails open for so long.
  World& retry(RunId run = RunId{1}, std::optional<std::string_view> from = {},
               Duration hold = Duration{0});

  // What the executor reports.
  World& started(std::string_view label);
  World& ended(std::string_view label, const Report& report);
  World& succeed(std::string_view label, std::vector<OutputValue> outputs = {});
  World& fail(std::string_view label, std::int32_t code = 1);
  World& lose(std::string_view label);
  World& held(std::string_view label, std::int32_t code = 1);
  World& collected(std::string_view label, std::vector<OutputValue> files = {});
  World& not_collected(std::string_view label, std::string message);
  World& pool(bool up);
  World& policy(SchedulingPolicy policy);
  World& capacity(Resources capacity);
  World& wait(Duration duration);

  /// The engine stops and comes back from its rows; attempts go on.
  World& restart(bool resume_all = true);
  /// Takes whatever comes: ends all attempts well until nothing is left to do.
  World& run_all();
  /// Whether the executor answers probes by itself.
  bool answers_probes = true;
  /// Whether starts and stops that the test does not speak of are an error.
  bool strict = true;
  /// What attempts take that are not seen to start. Short ones are handed over early ("staged").
  Duration run_time = std::chrono::seconds{1};

  // What is expected.
  World& expect_started(std::vector<std::string> labels);  ///< since the last call, in order
  World& expect_stopped(std::vector<std::string> labels);  ///< "a", or "a kill"
  World& expect(std::string_view label, TaskState state);
  World& expect(std::string_view label, TaskState state, ReasonCode reason);
  World& expect_run(RunState state, RunId run = RunId{1});
  World& expect_run(RunState state, ReasonCode reason, RunId run = RunId{1});
  World& expect_probes(std::vector<std::string> labels);
  World& expect_entered(std::vector<std::string> entries);  ///< "a: sh", since the last call

  const State& state() const { return core_->state(); }
  Core& core() { return *core_; }
  Time now() const { return now_; }
  TaskView view(std::string_view label) const;
  RunRecord record(RunId run = RunId{1}) const;
  TaskId id(std::string_view label) const;
  Attempt& attempt(std::string_view label);  ///< the newest, or that with the number: "a#1"
  std::string why(std::string_view label) const;
  std::map<Token, Attempt>& attempts() { return attempts_; }
  const std::vector<AttemptRecord>& records() const { return records_; }
  const std::set<std::pair<TaskState, TaskState>>& transitions() const { return transitions_; }
  std::uint64_t stale_reports() const { return stale_reports_; }
  std::size_t unfinished() const { return core_->state().run_count(); }
  std::vector<TaskId> progressed() const { return progressed_; }
  std::map<RunId, StoredRun>& disk() { return disk_; }
  const std::map<std::string, TaskView>& finished(RunId run) const {
    return finished_.at(run).tasks;
  }

 private:
  struct Finished {
    RunRecord record;
    std::map<std::string, TaskView> tasks;
  };
  void plan();
  void take_changes();
  void keep_finished();
  void check_state();
  void check_recovery();
  void check_reasons();
  void answer_probes();
  void forget_stops(std::string_view label);
  std::string title(const Attempt& attempt) const;
  void on(const StartAttempt& start);
  void on(const StopAttempt& stop);
  void on(const ProbeAttempt& probe);
  void on(const ForgetAttempt& forget);
  void on(const CollectArtifacts& collect);
  void on(const SetCapacity& set);
  void on(const EnterAttempt& enter);
  std::optional<TaskId> find(std::string_view label) const;
  Attempt& live(std::string_view label);
  void apply(const Event& event);

  Resources capacity_;
  bool lowered_ = false;
  std::unique_ptr<Core> core_;
  Time now_{std::chrono::hours{480'000}};
  std::map<Token, Attempt> attempts_;
  Attempt nobody_;
  std::vector<std::string> starts_;  // not spoken of yet
  std::vector<std::string> stops_;   // not spoken of yet
  std::vector<Token> probes_;        // not answered yet
  std::vector<std::string> entered_;
  std::map<RunId, Finished> finished_;
  std::map<RunId, StoredRun> disk_;
  std::vector<AttemptRecord> records_;
  std::vector<TaskId> progressed_;
  std::set<std::pair<TaskState, TaskState>> transitions_;
  std::uint64_t stale_reports_ = 0;
  std::uint64_t uuids_ = 0;
};

}  // namespace reeve::core::test
