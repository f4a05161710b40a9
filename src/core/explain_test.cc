// "Why?" has an answer for every state; World checks after every step that none lacks one.
#include "core/explain.h"

#include <functional>

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum ReasonCode;

struct WhyCase {
  std::string_view label;
  ReasonCode code;
  std::string_view sentence;
  std::string_view fact;  ///< one of them holds this; "": any
  std::function<void(World&)> scenario;
};

void expect_why(const std::vector<WhyCase>& cases) {
  for (const WhyCase& c : cases) {
    World w(cpus(2));
    w.strict = false;
    c.scenario(w);
    const Explanation why = explain_task(w.state(), w.id(c.label), w.now());
    EXPECT_EQ(name(why.reason.code), name(c.code)) << c.sentence;
    EXPECT_EQ(why.sentence, c.sentence);
    std::string facts;
    for (const std::string& fact : why.facts) facts += fact + "\n";
    EXPECT_NE(facts.find(c.fact), std::string::npos) << facts;
  }
}

constexpr std::string_view kTwoTasks = "tasks: {a: {run: x}, b: {run: x, needs: a}}";

TEST(Explain, what_waits_for_others) {
  expect_why({
      {"b", needs_pending, "waits for 1 of the 1 tasks that it needs", "needs a: 0 of 1 done",
       [](World& w) { w.submit(kTwoTasks); }},
      {"tidy", needs_pending, "waits for the tasks before this phase to be done", "",
       [](World& w) { w.submit("tasks: {a: {run: x}}\nfinally: {tidy: {run: x}}"); }},
      {"ask", approval_pending, "waits for a person to approve it", "",
       [](World& w) { w.submit("tasks: {ask: {approval: {}}}"); }},
      {"a", run_paused, "waits: the run is paused; resume it to go on", "",
       [](World& w) { w.pool(false).submit(kTwoTasks), w.pause(); }},
      {"a", interrupted, "was interrupted when its engine was stopped; `reeve resume` goes on", "",
       [](World& w) { w.pool(false).submit(kTwoTasks), w.restart(false); }},
      {"a", task_paused, "waits: the task is paused; resume it to go on", "",
       [](World& w) { w.pool(false).submit(kTwoTasks), w.pause_task("a"); }},
      {"a", retry_backoff, "waits 500ms before it is tried again after attempt 1",
       "next try in 500ms",
       [](World& w) { w.submit("tasks: {a: {run: x, retry: 1}}"), w.fail("a"); }},
      {"4/a", concurrency_busy, "waits for its concurrency group, which allows 3 at a time", "",
       [](World& w) {
         for (int i = 0; i < 4; ++i)
           w.submit("concurrency: {group: g, limit: 3}\ntasks: {a: {run: x}}");
       }},
  });
}

TEST(Explain, what_waits_for_a_place) {
  expect_why({
      {"2/a", capacity, "waits for cpu: it asks for 1 cpu, and less is free",
       "pool local: 2 cpu of 2 cpu in use; it asks for 1 cpu",
       [](World& w) {
         w.submit("tasks: {t: {run: x, array: 2}}"), w.submit("tasks: {a: {run: x}}");
       }},
      {"a[1]", lock_busy, "waits for a lock: it asks for 1 units, and 1 are in use",
       "lock:l: 1 of 1 in use",
       [](World& w) { w.submit("tasks: {a: {run: x, array: 2, locks: l}}"); }},
      {"a[1]", concurrency_busy, "waits for its concurrency group, which allows 1 at a time",
       "group:g: 1 of 1 in use",
       [](World& w) { w.submit("tasks: {a: {run: x, array: 2, concurrency: g}}"); }},
      {"a[1]", max_parallel, "waits: max_parallel allows 1 tasks of this group at a time", "",
       [](World& w) { w.submit("tasks: {a: {run: x, array: 2, max-parallel: 1}}"); }},
      {"a", executor_down, "waits: the executor of pool 0 does not answer", "",
       [](World& w) { w.pool(false).submit(kTwoTasks); }},
      {"a", unplaceable, "asks for more than any pool could ever give",
       "it asks for 3 cpu; pool local has 2 cpu",
       [](World& w) { w.submit("tasks: {a: {run: x, resources: {cpu: 3}}}"); }},
      {"a", capacity, "waits for cpu: it asks for 1 cpu, and less is free", "this is try 2",
       [](World& w) {
         w.submit("tasks: {a: {run: x, retry: 1}}"), w.fail("a");
         w.submit("tasks: {t: {run: x, array: 2}}"), w.wait(std::chrono::seconds{1});
       }},
  });
}

TEST(Explain, each_kind_of_shortage) {
  for (const auto& [resources, sentence] :
       std::initializer_list<std::pair<std::string, std::string>>{
           {"memory: 1Ki", "waits for memory: it asks for 1 KiB memory, and less is free"},
           {"disk: 1Ki", "waits for disk: it asks for 1 KiB disk, and less is free"},
           {"gpu: 1", "waits for gpu: it asks for 1 gpu, and less is free"},
           {"licenses: {l: 1}", "waits for l: it asks for 1, and less is free"}}) {
    World w(
        {.memory_bytes = 1024, .disk_bytes = 1024, .gpu_milli = 1000, .countables = {{"l", 1}}});
    w.strict = false;
    w.submit("tasks: {a: {run: x, array: 2, resources: {cpu: 0, " + resources + "}}}");
    EXPECT_EQ(w.why("a[1]"), sentence);
  }
}

TEST(Explain, what_waits_its_turn) {
  World w(cpus(2));
  w.strict = false;
  w.run_time = std::chrono::milliseconds{1};
  w.submit("tasks: {t: {run: x, array: 3}}");
  w.submit("tasks: {large: {run: x, resources: {cpu: 2}}, late: {run: x, priority: -1}}");
  Core& core = w.core();
  EXPECT_TRUE(core.apply(Cancel{.run = RunId{1}, .task = 2}, w.now()));
  EXPECT_EQ(w.why("2/large"), "waits for cpu: it asks for 2 cpu, and less is free");
  AttemptEnded end;
  end.end = {.token = w.attempt("t[0]").token, .outcome = test::kSuccess, .ended_at = w.now()};
  EXPECT_TRUE(core.apply(end, w.now()));  // not planned yet
  EXPECT_EQ(w.why("2/late"), "waits its turn: 2 tasks are in front of it");
}

TEST(Explain, each_is_told_its_own_promise_and_keeps_it) {
  World w(cpus(2));
  w.strict = false;
  w.policy({.margin = 1,
            .queues = {},
            .quotas = {},
            .rate_limits = {},
            .windows = {},
            .backfilling = Backfilling::conservative});
  constexpr std::string_view kBig = "tasks: {t: {run: x, resources: {cpu: 2}}}";
  w.submit(kBig);
  w.started("t").wait(std::chrono::seconds{100}).succeed("t");
  for (int i = 0; i < 3; ++i) w.submit(kBig);
  w.started("2/t");
  const auto promise_of = [&](std::string_view label) {
    const Reason reason = explain_task(w.state(), w.id(label), w.now()).reason;
    EXPECT_EQ(name(reason.code), name(promised));
    return Time{Duration{reason.a}};
  };
  const Time third = promise_of("3/t");
  EXPECT_GT(third, w.now() + std::chrono::seconds{80});
  EXPECT_EQ(promise_of("4/t") - third, third - w.now()) << "it is of the same class";
  const Time fourth = promise_of("4/t");
  w.wait(third - w.now()).succeed("2/t").expect("3/t", TaskState::starting);
  EXPECT_EQ(promise_of("4/t"), fourth);
  w.started("3/t").wait(fourth - w.now()).succeed("3/t").expect("4/t", TaskState::starting);
}

TEST(Explain, what_would_start_it_does) {
  const auto facts_of = [](World& w, std::string_view label) {
    std::string all;
    for (const std::string& fact : what_would_start(w.state(), w.id(label), w.now()))
      all += fact + "\n";
    return all;
  };
  {
    World w(cpus(2));
    w.strict = false;
    w.submit("tasks: {t: {run: x, array: 2}}");
    w.submit("tasks: {large: {run: x, resources: {cpu: 2}}}");
    EXPECT_EQ(facts_of(w, "2/large"), "it would start if pool local had 2 cpu more\n");
    w.capacity(cpus(4)).expect("2/large", TaskState::starting);
    EXPECT_EQ(facts_of(w, "2/large"), "") << "it does not wait any more";
  }
  {
    World w(cpus(8));
    w.strict = false;
    w.policy({.queues = {{.name = "default", .running_max = 1, .cap = {}}}});
    w.submit("tasks: {t: {run: x, array: 2}}");
    EXPECT_EQ(facts_of(w, "t[1]"), "it would start if queue default had no limit\n");
    w.policy({});
    w.expect("t[1]", TaskState::starting);
  }
  {
    World w(cpus(8));
    w.strict = false;
    w.submit("tasks: {a: {run: x, array: 2, locks: l}}");
    EXPECT_EQ(facts_of(w, "a[1]"), "it would start if lock:l allowed 2\n");
  }
  {
    World w(cpus(8));
    w.strict = false;
    w.submit("tasks: {a: {run: x, array: 2}}");
    w.pause();
    EXPECT_EQ(facts_of(w, "a[1]"), "") << "it is not in the planner's hands";
  }
}

TEST(Explain, what_is_on_its_way_or_has_ended) {
  expect_why({
      {"a", launching, "is being started by the executor", "was placed on pool 0 after a wait of",
       [](World& w) { w.submit(kTwoTasks); }},
      {"a", launching, "is being started by the executor", "what decided: priority 1h",
       [](World& w) { w.submit("priority: 1\ntasks: {a: {run: x}}"); }},
      {"a", is_running, "is running", "attempts: 1, retries charged: 0",
       [](World& w) { w.submit(kTwoTasks), w.started("a"); }},
      {"a", checking, "has ended; what it produced is being collected and checked", "",
       [](World& w) { w.submit("tasks: {a: {run: x, artifacts: [o]}}"), w.succeed("a"); }},
      {"a", completed, "completed", "", [](World& w) { w.submit(kTwoTasks), w.succeed("a"); }},
      {"a", exit_status, "ended with exit status 7", "it said why",
       [](World& w) {
         w.submit("tasks: {a: {run: x}, c: {run: x}}");
         w.ended("a", {.outcome = test::exited(7), .message = "it said why"});
       }},
      {"a", exit_status, "ended with exit status 1",
       "failed, and counts as done because of continue-on-error",
       [](World& w) {
         w.submit("tasks: {a: {run: x, continue-on-error: true}, c: {run: x}}"), w.fail("a");
       }},
      {"b", need_not_successful, "was skipped: task group 0, which it needs, did not succeed",
       "the need is a: failure",
       [](World& w) {
         w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x}}"), w.fail("a");
       }},
  });
}

TEST(Explain, what_is_not_there) {
  World w;
  EXPECT_EQ(explain_task(w.state(), {RunId{7}, 0}, w.now()).sentence, "it is not in memory");
  EXPECT_EQ(explain_run(w.state(), RunId{7}, w.now()).sentence, "it is not in memory");
}

TEST(Explain, a_run_of_which_nothing_has_begun_is_not_said_to_run) {
  World w(cpus(1));
  w.strict = false;
  w.submit("tasks: {a: {run: x}}");
  w.submit("tasks: {b: {run: x}, c: {run: x, needs: b}}");
  const Explanation why = explain_run(w.state(), RunId{2}, w.now());
  EXPECT_EQ(why.reason, explain_task(w.state(), {RunId{2}, 0}, w.now()).reason);
  EXPECT_EQ(why.sentence, "waits for cpu: it asks for 1 cpu, and less is free");
  EXPECT_EQ(why.facts.size(), 2U);
}

TEST(Explain, a_run_says_what_its_tasks_wait_for) {
  World w(cpus(1));
  w.submit("concurrency: g\ntasks: {a: {run: x}, b: {run: x}, c: {run: x, needs: a}}");
  Explanation why = explain_run(w.state(), RunId{1}, w.now());
  EXPECT_EQ(why.reason.code, is_running);
  ASSERT_EQ(why.facts.size(), 3U);
  EXPECT_EQ(why.facts[1], "b queued: waits for cpu: it asks for 1 cpu, and less is free");
  w.submit("concurrency: g\ntasks: {a: {run: x}}");
  EXPECT_EQ(explain_run(w.state(), RunId{2}, w.now()).reason.code, concurrency_busy);
  w.pause(RunId{2});
  EXPECT_EQ(explain_run(w.state(), RunId{2}, w.now()).reason.code, run_paused);
  w.restart(false);
  EXPECT_EQ(explain_run(w.state(), RunId{2}, w.now()).reason.code, interrupted);
  EXPECT_TRUE(w.core().apply(Cancel{.run = RunId{2}}, w.now()));
  EXPECT_EQ(explain_run(w.state(), RunId{2}, w.now()).reason.code, cancelled_by_person);
  w.strict = false;
}

}  // namespace
}  // namespace reeve::core
