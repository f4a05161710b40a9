#include "spec/permission.h"

#include <gtest/gtest.h>

namespace reeve::spec {
namespace {

std::shared_ptr<const Workflow> parse_shared(std::string_view source) {  // shared: as parsed
  const Parsed parsed = parse_workflow(source, "f.yaml");
  for (const Diagnostic& diagnostic : parsed.diagnostics) ADD_FAILURE() << diagnostic.text();
  return parsed.workflow ? parsed.workflow : std::make_shared<const Workflow>();
}

std::string refusals(std::string_view source, const SandboxRules& rules = {}) {
  std::string out;
  for (const Diagnostic& diagnostic : check_permission(*parse_shared(source), rules))
    out += diagnostic.text() + "\n";
  return out;
}

constexpr std::string_view kBoth =
    "tasks:\n"
    "  a: {run: x, sandbox: {network: host}}\n"
    "  b: {run: x}\n"
    "finally:\n"
    "  c: {run: x, sandbox: none}\n";
constexpr std::string_view kNetworkRefused =
    "f.yaml:2:34: error: the task 'a' wants the network of this machine, which needs permission: "
    "--allow host-network\n";
constexpr std::string_view kTierRefused =
    "f.yaml:5:24: error: the task 'c' wants to run without a sandbox (tier none), which needs "
    "permission: --allow unsandboxed\n";

TEST(Permission, names_each_task_the_place_and_the_flag) {
  EXPECT_EQ(refusals(kBoth), std::string(kNetworkRefused) + std::string(kTierRefused));
  EXPECT_EQ(refusals(kBoth, {.unsandboxed = Permission::allowed}), kNetworkRefused);
  EXPECT_EQ(refusals(kBoth, {.host_network = Permission::allowed}), kTierRefused);
  EXPECT_EQ(refusals(kBoth, kAllAllowed), "");
  EXPECT_EQ(refusals(kBoth, {.tier = SandboxTier::none}), "");
  EXPECT_EQ(refusals(kBoth, {.tier = SandboxTier::native}), kNetworkRefused);
}

TEST(Permission, finds_the_place_in_defaults_behind_aliases_and_a_byte_order_mark) {
  EXPECT_EQ(refusals("\xEF\xBB\xBF"
                     "defaults: {sandbox: {tier: none}}\njobs: {a: {run: x}}"),
            "f.yaml:1:28: error: the task 'a' wants to run without a sandbox (tier none), which "
            "needs permission: --allow unsandboxed\n");
  EXPECT_EQ(refusals("x-b: &b {sandbox: none}\ntasks: {a: {<<: *b, run: x}}"),
            "f.yaml:1:19: error: the task 'a' wants to run without a sandbox (tier none), which "
            "needs permission: --allow unsandboxed\n");
}

TEST(Permission, is_not_asked_for_what_runs_nothing_or_is_enclosed) {
  EXPECT_EQ(refusals("tasks: {a: {run: x, sandbox: native}}"), "");
  EXPECT_EQ(refusals("defaults: {sandbox: none}\ntasks: {a: {approval: {}}}"), "");
}

TEST(Permission, the_weakest_tier_is_that_of_any_task) {
  EXPECT_EQ(weakest_tier(*parse_shared(kBoth), {}), SandboxTier::none);
  EXPECT_EQ(weakest_tier(*parse_shared(kBoth), {.tier = SandboxTier::native}), SandboxTier::native);
  EXPECT_EQ(weakest_tier(*parse_shared("tasks: {a: {run: x}}"), {}), SandboxTier::native);
  EXPECT_EQ(weakest_tier(*parse_shared("tasks: {a: {run: x}}"), {.tier = SandboxTier::none}),
            SandboxTier::none);
}

}  // namespace
}  // namespace reeve::spec
