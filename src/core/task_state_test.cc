// The table of transitions is the truth: every row of it is exercised here by a scenario, and the
// document is generated from it.
#include "core/task_state.h"

#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::exited;
using test::outcome;
using test::World;
using enum TaskState;

TEST(TaskStates, names_are_one_to_one) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kTaskStateCount; ++i) names.insert(name(static_cast<TaskState>(i)));
  EXPECT_EQ(names.size(), kTaskStateCount);
  EXPECT_EQ(name(awaiting_approval), "awaiting_approval");
  EXPECT_EQ(name(static_cast<TaskState>(kTaskStateCount)), "unknown");
  EXPECT_EQ(name(RunState::cancelled), "cancelled");
  EXPECT_EQ(name(static_cast<RunState>(99)), "unknown");
}

TEST(TaskStates, final_states_only_lead_back_to_blocked) {
  for (const TaskTransition& row : task_transitions()) {
    EXPECT_TRUE(!is_final(row.from) || row.to == blocked);
    EXPECT_FALSE(row.when.empty());
  }
}

TEST(TaskStates, no_row_is_there_twice_and_only_rows_are_allowed) {
  std::set<std::pair<TaskState, TaskState>> rows;
  for (const TaskTransition& row : task_transitions())
    EXPECT_TRUE(rows.emplace(row.from, row.to).second) << name(row.from) << " " << name(row.to);
  for (std::size_t from = 0; from < kTaskStateCount; ++from) {
    for (std::size_t to = 0; to < kTaskStateCount; ++to) {
      const std::pair pair{static_cast<TaskState>(from), static_cast<TaskState>(to)};
      EXPECT_EQ(is_allowed(pair.first, pair.second), rows.contains(pair));
    }
  }
}

TEST(TaskStates, the_document_is_current) {
  const std::string path = std::string(REEVE_SOURCE_DIR) + "/docs/task-states.md";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), task_states_document()) << "write it anew: the table has changed";
}

constexpr std::string_view kTwo = "tasks: {a: {run: x}, b: {run: x, needs: a}}";
constexpr std::string_view kOne = "tasks: {a: {run: x}}";
constexpr std::string_view kRetried = "tasks: {a: {run: x, retry: {max: 1, on: [exit, rejected]}}}";
constexpr std::string_view kArtifact =
    "tasks: {a: {run: x, artifacts: [{path: out, when: always}], timeout: 1s}}";
constexpr std::string_view kArtifactRetried =
    "tasks: {a: {run: x, artifacts: [{path: out, when: always}], retry: 1}}";
constexpr std::string_view kDeadline =
    "{deadline: 1m, tasks: {a: {run: x}, b: {run: x, needs: a}}}";
constexpr std::string_view kReplaced =
    "{concurrency: {group: g, cancel-in-progress: true}, tasks: {a: {run: x}, b: {run: x, needs: "
    "a}}}";
constexpr std::string_view kApproval = "tasks: {a: {approval: {timeout: 1h}}}";
/// Two of three that fail fast: a[2] or a[1] is taken to a state, then a[0] fails.
constexpr std::string_view kFast =
    "tasks: {a: {run: x, array: 3, fail-fast: true, retry: {max: 1, on: [signal]}}}";

struct Row {
  TaskState from;
  TaskState to;
  std::function<void(World&)> scenario;
};

std::vector<Row> before_it_starts() {
  return {
      {blocked, queued, [](World& w) { w.submit(kOne); }},
      {blocked, awaiting_approval, [](World& w) { w.submit(kApproval); }},
      {blocked, skipped, [](World& w) { w.submit("tasks: {a: {run: x, if: 'false'}}"); }},
      {blocked, failed,
       [](World& w) {
         w.submit(
             "tasks: {a: {run: x, for_each: '${{ inputs.list }}'}}\n"
             "inputs: {list: {}}",
             {.inputs = R"({"list":"[1]"})"});
       }},
      {blocked, timed_out, [](World& w) { w.submit(kDeadline), w.wait(std::chrono::minutes{1}); }},
      {blocked, cancelled, [](World& w) { w.submit(kTwo), w.cancel(); }},
      {blocked, aborted, [](World& w) { w.submit(kReplaced), w.submit(kReplaced); }},
      {queued, starting, [](World& w) { w.submit(kOne); }},
      {queued, succeeded,
       [](World& w) {
         for (int i = 0; i < 2; ++i) w.submit("tasks: {a: {run: x, single_flight: true}}");
         w.succeed("a");
       }},
      {queued, paused, [](World& w) { w.pool(false).submit(kOne), w.pause_task("a"); }},
      {queued, timed_out,
       [](World& w) {
         w.pool(false).submit("tasks: {a: {run: x, timeout: {queue: 1s}}}");
         w.wait(std::chrono::seconds{1});
       }},
      {queued, cancelled, [](World& w) { w.pool(false).submit(kOne), w.cancel(); }},
      {queued, aborted, [](World& w) { w.pool(false).submit(kReplaced), w.submit(kReplaced); }},
      {paused, queued,
       [](World& w) { w.pool(false).submit(kOne), w.pause_task("a").resume_task("a"); }},
      {paused, timed_out,
       [](World& w) {
         w.pool(false).submit(kDeadline), w.pause_task("a").wait(std::chrono::minutes{1});
       }},
      {paused, cancelled, [](World& w) { w.pool(false).submit(kOne), w.pause_task("a").cancel(); }},
      {paused, aborted,
       [](World& w) { w.pool(false).submit(kReplaced), w.pause_task("a").submit(kReplaced); }},
      {awaiting_approval, succeeded, [](World& w) { w.submit(kApproval), w.approve("a"); }},
      {awaiting_approval, failed, [](World& w) { w.submit(kApproval), w.approve("a", false); }},
      {awaiting_approval, timed_out,
       [](World& w) { w.submit(kApproval), w.wait(std::chrono::hours{1}); }},
      {awaiting_approval, cancelled, [](World& w) { w.submit(kApproval), w.cancel(); }},
      {awaiting_approval, aborted,
       [](World& w) {
         constexpr std::string_view kText =
             "{concurrency: {group: g, cancel-in-progress: true}, tasks: {a: {approval: {}}}}";
         w.submit(kText), w.submit(kText);
       }},
  };
}

std::vector<Row> while_it_runs() {
  return {
      {starting, running, [](World& w) { w.submit(kOne), w.started("a"); }},
      {starting, retry_wait, [](World& w) { w.submit(kOne), w.lose("a"); }},
      {starting, failed,
       [](World& w) {
         w.submit(kOne), w.ended("a", {.outcome = outcome(OutcomeClass::rejected), .ran = false});
       }},
      {starting, timed_out,
       [](World& w) {
         w.submit(kOne), w.ended("a", {.outcome = outcome(OutcomeClass::timed_out), .ran = false});
       }},
      {starting, cancelled,
       [](World& w) {
         w.submit(kOne), w.cancel();
         w.ended("a", {.outcome = outcome(OutcomeClass::signalled), .ran = false});
       }},
      {starting, aborted,
       [](World& w) {
         w.submit(kReplaced), w.submit(kReplaced);
         w.ended("a", {.outcome = outcome(OutcomeClass::signalled), .ran = false});
       }},
      {running, validating, [](World& w) { w.submit(kArtifact), w.succeed("a"); }},
      {running, succeeded, [](World& w) { w.submit(kOne), w.succeed("a"); }},
      {running, failed, [](World& w) { w.submit(kOne), w.fail("a"); }},
      {running, retry_wait, [](World& w) { w.submit(kRetried), w.fail("a"); }},
      {running, timed_out,
       [](World& w) {
         w.submit(kOne), w.ended("a", {.outcome = outcome(OutcomeClass::timed_out)});
       }},
      {running, cancelled,
       [](World& w) { w.submit(kOne), w.started("a").cancel().fail("a", 143); }},
      {running, aborted,
       [](World& w) { w.submit(kReplaced), w.started("a").submit(kReplaced), w.fail("a", 143); }},
      {validating, succeeded, [](World& w) { w.submit(kArtifact), w.succeed("a").collected("a"); }},
      {validating, failed,
       [](World& w) { w.submit(kArtifact), w.succeed("a").not_collected("a", "no out"); }},
      {validating, timed_out,
       [](World& w) {
         w.submit(kArtifact), w.ended("a", {.outcome = outcome(OutcomeClass::timed_out)});
         w.collected("a");
       }},
      {validating, retry_wait,
       [](World& w) { w.submit(kArtifactRetried), w.fail("a").collected("a"); }},
      {validating, cancelled, [](World& w) { w.submit(kArtifact), w.succeed("a").cancel(); }},
      {validating, aborted,
       [](World& w) {
         w.submit(
             "tasks: {a: {run: x, array: 2, fail-fast: true, artifacts: [{path: o, when: "
             "success}]}}");
         w.succeed("a[1]").fail("a[0]");
       }},
      {retry_wait, queued,
       [](World& w) { w.submit(kRetried), w.fail("a").wait(std::chrono::seconds{1}); }},
      {retry_wait, paused, [](World& w) { w.submit(kRetried), w.fail("a").pause_task("a"); }},
      {retry_wait, timed_out,
       [](World& w) {
         w.submit("{deadline: 10s, tasks: {a: {run: x, retry: {max: 1, backoff: 1h}}}}");
         w.fail("a").wait(std::chrono::seconds{10});
       }},
      {retry_wait, cancelled, [](World& w) { w.submit(kRetried), w.fail("a").cancel(); }},
      {retry_wait, aborted,
       [](World& w) {
         w.submit(kFast), w.ended("a[1]", {.outcome = outcome(OutcomeClass::signalled)});
         w.fail("a[0]");
       }},
  };
}

std::vector<Row> after_its_end() {
  return {
      {succeeded, blocked,
       [](World& w) { w.submit(kTwo), w.succeed("a").fail("b").retry(RunId{1}, "a"); }},
      {failed, blocked, [](World& w) { w.submit(kOne), w.fail("a").retry(); }},
      {timed_out, blocked,
       [](World& w) {
         w.submit(kOne), w.ended("a", {.outcome = outcome(OutcomeClass::timed_out)}).retry();
       }},
      {cancelled, blocked,
       [](World& w) { w.submit(kTwo), w.started("a").cancel().fail("a").retry(); }},
      {aborted, blocked,
       [](World& w) {
         w.submit(kFast), w.fail("a[0]").fail("a[1]", 143).fail("a[2]", 143).retry();
       }},
      {skipped, blocked, [](World& w) { w.submit(kTwo), w.fail("a").retry(); }},
  };
}

TEST(TaskStates, every_row_of_the_table_is_exercised) {
  std::set<std::pair<TaskState, TaskState>> exercised;
  for (const auto& rows : {before_it_starts(), while_it_runs(), after_its_end()}) {
    for (const Row& row : rows) {
      World w;
      w.strict = false;
      row.scenario(w);
      EXPECT_TRUE(w.transitions().contains({row.from, row.to}))
          << name(row.from) << " " << name(row.to);
      exercised.emplace(row.from, row.to);
    }
  }
  for (const TaskTransition& row : task_transitions()) {
    EXPECT_TRUE(exercised.contains({row.from, row.to}))
        << name(row.from) << " " << name(row.to) << ": add a scenario";
  }
}

}  // namespace
}  // namespace reeve::core
