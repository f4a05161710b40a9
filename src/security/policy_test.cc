#include "security/policy.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::security {
namespace {

using testing::HasSubstr;

/// What is meant, written down a second time: action, who has it (v, o, d, a), and the reach
/// (n: in its namespace, s: shared, e: everywhere), and whether a task has it for its own run (t).
const std::map<std::string_view, std::string_view> kMeant = {
    {"runs.read", "voda n t"},    {"runs.submit", "da n"},        {"runs.act", "oda n"},
    {"runs.approve", "oda n"},    {"runs.enter", "da n"},         {"logs.read", "voda n t"},
    {"events.read", "voda n t"},  {"artifacts.read", "voda n t"}, {"artifacts.write", "da n t"},
    {"workflows.read", "voda n"}, {"workflows.write", "da n"},    {"schedules.read", "voda n"},
    {"schedules.write", "da n"},  {"secrets.read", "oda n"},      {"secrets.use", "da n"},
    {"secrets.write", "da n"},    {"tokens.read", "a n"},         {"tokens.write", "a n"},
    {"audit.read", "a n"},        {"queues.read", "voda s"},      {"nodes.read", "voda s"},
    {"flags.read", "voda s"},     {"roles.read", "voda s"},       {"metrics.read", "voda s"},
    {"settings.read", "oa e"},    {"queues.write", "a e"},        {"nodes.write", "oa e"},
    {"flags.write", "a e"},       {"roles.write", "a e"},         {"settings.write", "a e"},
    {"users.read", "a e"},        {"users.write", "a e"},         {"backups.write", "a e"},
    {"audit.copy", "a e"},
};
constexpr auto kBuiltIn =
    std::to_array<Role>({Role::viewer, Role::operator_, Role::developer, Role::admin});

bool is_meant(std::string_view action, char letter, char reach) {
  const std::string_view row = kMeant.at(action);
  const std::size_t space = row.find(' ');
  return row.substr(0, space).contains(letter) && row[space + 1] == reach;
}

Identity with_role(Role role, std::vector<std::string> namespaces) {
  return {.kind = IdentityKind::token,
          .subject = "token:x",
          .role = std::string(name(role)),
          .actions = actions_of(role),
          .namespaces = std::move(namespaces)};
}

bool may(const Identity& identity, Action action, Object object) {
  const Decision decision = authorise(identity, action, object);
  const Status checked = check(identity, action, object);
  EXPECT_EQ(decision.allowed(), checked.has_value());
  if (!checked) {
    EXPECT_THAT(checked.error().message, HasSubstr(std::string(name(action))));
  }
  return decision.allowed();
}

TEST(SecurityPolicy, every_role_with_every_action_in_its_own_and_in_another_namespace) {
  ASSERT_EQ(kMeant.size(), action_table().size());
  std::size_t cells = 0;
  for (const ActionInfo& row : action_table()) {
    for (const Role role : kBuiltIn) {
      const char letter = name(role).front();
      const bool in_namespace = is_meant(row.name, letter, 'n');
      const bool shared = is_meant(row.name, letter, 's');
      const bool everywhere = is_meant(row.name, letter, 'e');
      const Identity of_one = with_role(role, {"mine", "second"});
      const Identity of_all = with_role(role, {"*"});
      const Identity of_none = with_role(role, {});
      const std::string where = std::string(row.name) + " " + std::string(name(role));
      EXPECT_EQ(may(of_one, row.action, {"mine"}), in_namespace || shared) << where;
      EXPECT_EQ(may(of_one, row.action, {"second"}), in_namespace || shared) << where;
      EXPECT_EQ(may(of_one, row.action, {"other"}), shared) << where;
      EXPECT_EQ(may(of_one, row.action, {""}), shared) << where;
      EXPECT_EQ(may(of_one, row.action, {"*"}), shared) << where;
      EXPECT_EQ(may(of_none, row.action, {"mine"}), shared) << where;
      EXPECT_EQ(may(of_all, row.action, {"other"}), in_namespace || shared || everywhere) << where;
      EXPECT_EQ(may(of_all, row.action, {""}), shared || everywhere) << where;
      cells += 8;
    }
  }
  EXPECT_EQ(cells, kActions * kRoles * 8);
}

TEST(SecurityPolicy, a_custom_role_has_what_was_named_and_nothing_else) {
  for (const ActionInfo& given : action_table()) {
    Identity identity{.kind = IdentityKind::user,
                      .subject = "user:x",
                      .role = "auditor",
                      .actions = {given.action},
                      .namespaces = {"*"}};
    for (const ActionInfo& asked : action_table())
      EXPECT_EQ(may(identity, asked.action, {"mine"}), asked.action == given.action);
  }
}

TEST(SecurityPolicy, nobody_may_do_anything_without_saying_who_he_is) {
  Identity nobody{.actions = ActionSet::all(), .namespaces = {"*"}};
  for (const ActionInfo& row : action_table()) {
    EXPECT_EQ(authorise(nobody, row.action, {"default"}).refusal, Refusal::unauthenticated);
    EXPECT_FALSE(may(Identity{}, row.action, {"default"}));
  }
}

TEST(SecurityPolicy, an_attempt_may_touch_its_own_run_only) {
  const Uuid own = Uuid::from_parts(1, 2, 3);
  const Uuid other = Uuid::from_parts(1, 2, 4);
  Identity attempt{.kind = IdentityKind::attempt,
                   .subject = "attempt:x",
                   .role = "attempt",
                   .actions = attempt_actions(),
                   .namespaces = {"mine"},
                   .run = own};
  for (const ActionInfo& row : action_table()) {
    const bool has = kMeant.at(row.name).ends_with(" t");
    EXPECT_EQ(may(attempt, row.action, {"mine", own}), has) << row.name;
    EXPECT_FALSE(may(attempt, row.action, {"mine", other})) << row.name;
    EXPECT_FALSE(may(attempt, row.action, {"mine"})) << row.name;
    EXPECT_FALSE(may(attempt, row.action, {"other", own})) << row.name;
  }
  attempt.actions = ActionSet::all();  // even then
  EXPECT_FALSE(may(attempt, Action::nodes_read, {"mine", own}));
  EXPECT_FALSE(may(attempt, Action::runs_submit, {"mine", other}));
  attempt.run.reset();
  EXPECT_FALSE(may(attempt, Action::runs_read, {"mine"}));
}

TEST(SecurityPolicy, the_own_user_and_root_are_administrators_on_the_socket) {
  EXPECT_TRUE(may(local_identity(1000, 1000), Action::users_write, {""}));
  EXPECT_TRUE(may(local_identity(0, 1000), Action::users_write, {""}));
  for (const ActionInfo& row : action_table()) {
    EXPECT_FALSE(may(local_identity(1001, 1000), row.action, {"default"}));
    EXPECT_FALSE(may(local_identity(1001, 0), row.action, {"default"}));
  }
  EXPECT_EQ(local_identity(1001, 1000).subject, "local:1001");
}

TEST(SecurityPolicy, nobody_gives_what_he_has_not) {
  const Identity admin = with_role(Role::admin, {"*"});
  const Identity of_one = with_role(Role::admin, {"mine"});
  const Identity developer = with_role(Role::developer, {"mine"});
  const auto give = [](const Identity& who, Role role, std::vector<std::string> namespaces,
                       std::optional<ActionSet> only = {}) {
    return may_grant(who, {std::string(name(role)), std::move(namespaces), only}, actions_of(role))
        .has_value();
  };
  EXPECT_TRUE(give(admin, Role::admin, {"*"}));
  EXPECT_TRUE(give(admin, Role::viewer, {"any"}));
  EXPECT_TRUE(give(of_one, Role::admin, {"mine"}));
  EXPECT_FALSE(give(of_one, Role::viewer, {"*"}));
  EXPECT_FALSE(give(of_one, Role::viewer, {"mine", "other"}));
  EXPECT_FALSE(give(developer, Role::operator_, {"mine"}));  // may drain nodes
  EXPECT_FALSE(give(developer, Role::admin, {"mine"}));
  EXPECT_TRUE(give(developer, Role::admin, {"mine"}, ActionSet{Action::runs_read}));
  EXPECT_FALSE(give(Identity{}, Role::viewer, {"mine"}));
  Identity attempt = admin;
  attempt.run = Uuid::from_parts(1, 2, 3);
  EXPECT_FALSE(give(attempt, Role::viewer, {"mine"}));
}

TEST(SecurityPolicy, actions_have_names_and_misspelt_ones_a_suggestion) {
  std::set<std::string_view> seen;
  for (const ActionInfo& row : action_table()) {
    EXPECT_TRUE(seen.insert(row.name).second);
    EXPECT_EQ(parse_action(row.name).value(), row.action);
    EXPECT_FALSE(row.meaning.empty());
  }
  EXPECT_THAT(parse_action("run.read").error().message, HasSubstr("did you mean 'runs.read'?"));
  EXPECT_THAT(parse_action("\x1b[1m").error().message, HasSubstr("\\x1b"));
  const std::vector<std::string> some = {"logs.read", "runs.read"};
  EXPECT_THAT(names(parse_actions(some).value()), testing::ElementsAre("runs.read", "logs.read"));
}

TEST(SecurityPolicy, names_of_namespaces) {
  for (const std::string_view good : {"a", "0", "team-a", "x1-2--3"})
    EXPECT_TRUE(is_namespace(good));
  for (const std::string_view bad : {"", "-a", "a-", "A", "a_b", "a/b", "*", "..", "a b", "é"})
    EXPECT_FALSE(is_namespace(bad)) << bad;
  EXPECT_TRUE(is_namespace(std::string(63, 'a')));
  EXPECT_FALSE(is_namespace(std::string(64, 'a')));
}

TEST(SecurityPolicy, the_table_of_the_documentation_is_this_one) {
  std::ifstream file(REEVE_SOURCE_DIR "/docs/security.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(policy_markdown())) << "should be:\n" << policy_markdown();
}

}  // namespace
}  // namespace reeve::security
