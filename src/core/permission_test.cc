// What is not enclosed needs the permission of the engine that starts it.
#include <gtest/gtest.h>

#include "core/launch.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::World;
using enum TaskState;

constexpr std::string_view kBare = "tasks: {a: {run: x, sandbox: none}, b: {run: x}}";
constexpr SandboxRules kUnsandboxed{.unsandboxed = Permission::allowed};

/// An engine that begins with these rules.
void begin(World& w, const SandboxRules& rules) {
  EXPECT_TRUE(w.request(EngineStarted{.engine = "test", .sandbox = rules}));
}

Result<Applied> submit(World& w, std::string_view yaml) {
  SubmitRun event{.directory = "/work", .submitter = "ada"};
  event.workflow = test::workflow_of(yaml);
  event.workflow_digest = event.workflow->digest;
  return w.request(event);
}

Result<Launch> permitted_launch_of(World& w, std::string_view label) {
  w.strict = false;
  const test::Attempt& attempt = w.attempt(label);
  return render_launch(w.state(),
                       StartAttempt{attempt.task, attempt.number, attempt.token, PoolId{}});
}

TEST(Permission, a_submission_is_refused_without_it) {
  World w;
  const auto refused = submit(w, kBare);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().text(),
            "test.yaml:1:30: error: the task 'a' wants to run without a sandbox (tier none), "
            "which needs permission: --allow unsandboxed");
  EXPECT_FALSE(submit(w, "tasks: {a: {run: x, sandbox: {network: host}}}"));
  EXPECT_EQ(w.unfinished(), 0U);
  begin(w, kUnsandboxed);
  w.submit(kBare);
  EXPECT_EQ(permitted_launch_of(w, "a")->sandbox.tier, SandboxTier::none);
  EXPECT_EQ(permitted_launch_of(w, "b")->sandbox.tier, SandboxTier::native);
}

TEST(Permission, one_tier_for_all_reaches_the_launch) {
  World none;
  begin(none, {.tier = SandboxTier::none});
  none.submit(kBare);
  EXPECT_EQ(permitted_launch_of(none, "b")->sandbox.tier, SandboxTier::none);
  World native;
  begin(native, {.tier = SandboxTier::native});
  native.submit(kBare);
  EXPECT_EQ(permitted_launch_of(native, "a")->sandbox.tier, SandboxTier::native);
}

TEST(Permission, a_retry_is_asked_again) {
  World w;
  begin(w, kUnsandboxed);
  w.submit("tasks: {a: {run: x, sandbox: none}}");
  w.fail("a").expect_run(RunState::failed);
  const Retry retry{.run = RunId{1}, .by = "ada"};
  for (const SandboxRules& rules : {SandboxRules{}, kUnsandboxed}) {
    Core core({{"local", test::cpus(4)}});
    ASSERT_TRUE(core.apply(EngineStarted{.engine = "again", .sandbox = rules}, w.now()));
    ASSERT_TRUE(core.reload(copy_of(w.disk().at(RunId{1}))));
    const auto answer = core.apply(retry, w.now());
    EXPECT_EQ(answer.has_value(), rules == kUnsandboxed);
    EXPECT_TRUE(answer || answer.error().code == ErrorCode::conflict);
  }
}

TEST(Permission, a_run_that_was_held_is_asked_again) {
  World w;
  begin(w, kUnsandboxed);
  w.submit("tasks: {a: {run: x, sandbox: none}}");
  w.pause();
  w.restart();
  const auto refused = w.request(Pause{.run = RunId{1}, .paused = false, .by = "ada"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_TRUE(w.request(Cancel{.run = RunId{1}, .by = "ada"}));
  w.strict = false;
}

TEST(Permission, holds_for_a_launch_that_nobody_asked_for) {
  World w;
  begin(w, kUnsandboxed);
  w.submit("tasks: {a: {run: x, sandbox: none}}");
  w.restart();
  const auto launch = permitted_launch_of(w, "a");
  ASSERT_FALSE(launch);
  EXPECT_EQ(launch.error().text(), "sandbox: it needs permission: --allow unsandboxed");
  test::Attempt& a = w.attempt("a");
  a.ended = true;
  EXPECT_TRUE(w.request(LaunchRejected{a.token, launch.error().text()}));
  w.expect("a", failed, ReasonCode::not_permitted).expect_run(RunState::failed);
}

}  // namespace
}  // namespace reeve::core
