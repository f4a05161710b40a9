// Every route x every role x own and other namespace, over the pure policy: what is expected is
// written down once more here, and a route without an expectation fails.
#include <algorithm>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "api/route.h"

namespace reeve::api {
namespace {

using security::Identity;
using security::Refusal;

/// Of an action: where (n in its namespace, s shared, e everywhere), and who: viewer, operator,
/// developer, admin; + attempts of the run.
const std::map<std::string_view, std::string_view> kWho{
    {"runs.read", "n voda+"},      {"runs.submit", "n da"},    {"runs.act", "n oda"},
    {"runs.approve", "n oda"},     {"logs.read", "n voda+"},   {"events.read", "n voda+"},
    {"workflows.read", "n voda"},  {"secrets.read", "n oda"},  {"secrets.write", "n da"},
    {"tokens.read", "n a"},        {"tokens.write", "n a"},    {"audit.read", "n a"},
    {"artifacts.read", "n voda+"}, {"metrics.read", "s voda"}, {"queues.read", "s voda"},
    {"queues.write", "e a"},       {"nodes.read", "s voda"},   {"flags.read", "s voda"},
    {"roles.read", "s voda"},      {"settings.read", "e oa"},  {"flags.write", "e a"},
    {"roles.write", "e a"},        {"settings.write", "e a"},  {"users.read", "e a"},
    {"users.write", "e a"},        {"nodes.write", "e oa"},    {"audit.copy", "e a"},
    {"backups.write", "e a"}};

/// "" is everybody, "known" is who says who he is.
const std::map<std::string_view, std::string_view> kRoutesExpected{
    {"livez", ""},
    {"readyz", ""},
    {"version", ""},
    {"openapi", ""},
    {"workflowSchema", ""},
    {"logIn", ""},
    {"logOut", "known"},
    {"getSession", "known"},
    {"getSignOn", ""},
    {"beginSignOn", ""},
    {"finishSignOn", ""},
    {"exchangeToken", ""},
    {"whoami", "known"},
    {"submitRun", "runs.submit"},
    {"submitRuns", "runs.submit"},
    {"listRuns", "runs.read"},
    {"getRun", "runs.read"},
    {"cancelRun", "runs.act"},
    {"retryRun", "runs.act"},
    {"pauseRun", "runs.act"},
    {"resumeRun", "runs.act"},
    {"approveTask", "runs.approve"},
    {"getGraph", "runs.read"},
    {"listStoredRuns", "runs.read"},
    {"getStoredRun", "runs.read"},
    {"listStoredAttempts", "runs.read"},
    {"getStoredLog", "logs.read"},
    {"getTimeline", "runs.read"},
    {"explainRun", "runs.read"},
    {"diffRuns", "runs.read"},
    {"listTasks", "runs.read"},
    {"getTask", "runs.read"},
    {"getAttempt", "runs.read"},
    {"getTaskLog", "logs.read"},
    {"getAttemptLog", "logs.read"},
    {"listRunArtifacts", "artifacts.read"},
    {"listTaskArtifacts", "artifacts.read"},
    {"getArtifact", "artifacts.read"},
    {"streamTaskLog", "logs.read"},
    {"streamEvents", "events.read"},
    {"streamRunEvents", "events.read"},
    {"lintWorkflow", "workflows.read"},
    {"planWorkflow", "workflows.read"},
    {"listWorkflows", "workflows.read"},
    {"getWorkflow", "workflows.read"},
    {"listWorkflowVersions", "workflows.read"},
    {"getWorkflowVersion", "workflows.read"},
    {"listQueues", "queues.read"},
    {"listPools", "nodes.read"},
    {"listNodes", "nodes.read"},
    {"listUse", "runs.read"},
    {"drainNode", "nodes.write"},
    {"resumeNode", "nodes.write"},
    {"listLocks", "queues.read"},
    {"metrics", "metrics.read"},
    {"listQuotas", "queues.read"},
    {"getQuota", "queues.read"},
    {"getQuotaHistory", "queues.read"},
    {"setQuota", "queues.write"},
    {"removeQuota", "queues.write"},
    {"listTokens", "tokens.read"},
    {"createToken", "tokens.write"},
    {"rotateToken", "tokens.write"},
    {"revokeToken", "tokens.write"},
    {"listSecrets", "secrets.read"},
    {"setSecret", "secrets.write"},
    {"removeSecret", "secrets.write"},
    {"listFlags", "flags.read"},
    {"getFlag", "flags.read"},
    {"getFlagHistory", "flags.read"},
    {"askFlag", "flags.read"},
    {"setFlag", "flags.write"},
    {"removeFlag", "flags.write"},
    {"listRoles", "roles.read"},
    {"setRole", "roles.write"},
    {"removeRole", "roles.write"},
    {"listUsers", "users.read"},
    {"setUser", "users.write"},
    {"removeUser", "users.write"},
    {"listAudit", "audit.read"},
    {"verifyAudit", "audit.read"},
    {"exportAudit", "audit.read"},
    {"noteBackup", "backups.write"},
    {"listAuditFiles", "audit.copy"},
    {"getAuditFile", "audit.copy"},
    {"getConfig", "settings.read"},
    {"reloadConfig", "settings.write"},
    {"getSetting", "settings.read"},
    {"getSettingHistory", "settings.read"},
    {"setSetting", "settings.write"},
    {"unsetSetting", "settings.write"}};

struct Who {
  char letter = 'v';
  security::Role role = security::Role::viewer;
};
constexpr auto kEverybody = std::to_array<Who>({{'v', security::Role::viewer},
                                                {'o', security::Role::operator_},
                                                {'d', security::Role::developer},
                                                {'a', security::Role::admin}});

bool is_allowed(std::string_view expected, char letter, bool has_all, bool is_own) {
  if (expected.find(letter, 2) == std::string_view::npos) return false;
  if (expected[0] == 'e') return has_all;
  return expected[0] == 's' || has_all || is_own;
}

TEST(RouteTable, has_an_expectation_for_every_route_and_no_other) {
  std::vector<std::string_view> wanted;
  for (const auto& [id, action] : kRoutesExpected) wanted.push_back(id);
  std::vector<std::string_view> found;
  for (const Route& route : route_table()) found.push_back(route.id);
  std::ranges::sort(found);
  EXPECT_EQ(found, wanted);
}

TEST(RouteTable, every_route_every_role_own_and_other_namespace) {
  int decisions = 0;
  for (const Route& route : route_table()) {
    const auto wanted = kRoutesExpected.find(route.id);
    ASSERT_NE(wanted, kRoutesExpected.end()) << route.id;
    if (route.audience != Audience::allowed) {
      EXPECT_EQ(wanted->second, route.audience == Audience::known ? "known" : "") << route.id;
      continue;
    }
    ASSERT_EQ(wanted->second, security::name(route.action)) << route.id;
    const std::string_view expected = kWho.at(wanted->second);
    EXPECT_EQ(security::authorise({}, route.action, {"own", {}}).refusal, Refusal::unauthenticated);
    for (const Who& who : kEverybody) {
      for (const bool has_all : {false, true}) {
        Identity identity{.kind = security::IdentityKind::token, .subject = "token:x"};
        identity.actions = security::actions_of(who.role);
        identity.namespaces = {has_all ? "*" : "own"};
        for (const bool is_own : {true, false}) {
          const security::Object object{is_own ? "own" : "other", Uuid{}};
          EXPECT_EQ(security::authorise(identity, route.action, object).allowed(),
                    is_allowed(expected, who.letter, has_all, is_own))
              << route.id << " by " << who.letter << has_all << is_own;
          ++decisions;
        }
      }
    }
  }
  EXPECT_EQ(decisions, 16 * (static_cast<int>(route_table().size()) - 13));
}

TEST(RouteTable, a_custom_role_has_its_actions_and_no_more) {
  for (const Route& route : route_table()) {
    if (route.audience != Audience::allowed) continue;
    for (const security::ActionInfo& action : security::action_table()) {
      Identity identity{.kind = security::IdentityKind::token, .subject = "token:x"};
      identity.actions = {action.action};
      identity.namespaces = {"*"};
      EXPECT_EQ(security::authorise(identity, route.action, {"own", {}}).allowed(),
                route.action == action.action)
          << route.id;
    }
  }
}

TEST(RouteTable, an_attempt_reaches_its_own_run_and_nothing_else) {
  Identity attempt{.kind = security::IdentityKind::attempt, .subject = "attempt:x"};
  attempt.actions = security::attempt_actions();
  attempt.namespaces = {"own"};
  attempt.run = Uuid::from_parts(1, 2, 3);
  for (const Route& route : route_table()) {
    if (route.audience != Audience::allowed) continue;
    const bool may = kWho.at(security::name(route.action)).ends_with('+');
    const auto decide = [&](const Uuid& run) {
      return security::authorise(attempt, route.action, {"own", run}).allowed();
    };
    EXPECT_EQ(decide(*attempt.run), may) << route.id;
    EXPECT_FALSE(decide(Uuid::from_parts(1, 2, 4))) << route.id;
  }
}

TEST(RouteTable, what_changes_something_is_audited_and_takes_a_key_when_posted) {
  for (const Route& route : route_table()) {
    if (route.audience != Audience::allowed || route.method == "GET") continue;
    const bool only_reads = route.action == security::Action::workflows_read;
    EXPECT_EQ(route.changes, !only_reads) << route.id;
    const bool takes_key = std::ranges::any_of(
        route.parameters, [](const Parameter& each) { return each.name == "Idempotency-Key"; });
    EXPECT_EQ(takes_key, route.changes) << route.id;
  }
}

}  // namespace
}  // namespace reeve::api
