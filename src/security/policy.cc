#include "security/policy.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace reeve::security {
namespace {

constexpr auto kInNamespace = Reach::in_namespace;
constexpr auto kShared = Reach::shared;
constexpr auto kEverywhere = Reach::everywhere;

// Which built-in roles have an action. An operator keeps things going but brings nothing in; a
// developer brings work in but does not touch the machines; both read.
constexpr std::array<bool, kRoles> kAll{true, true, true, true};
constexpr std::array<bool, kRoles> kWorking{false, true, true, true};
constexpr std::array<bool, kRoles> kOperating{false, true, false, true};
constexpr std::array<bool, kRoles> kDeveloping{false, false, true, true};
constexpr std::array<bool, kRoles> kAdmin{false, false, false, true};

using enum Action;
constexpr auto kActionTable = std::to_array<ActionInfo>({
    {runs_read, "runs.read", kInNamespace, kAll, "see runs, tasks, attempts, graphs and reasons"},
    {runs_submit, "runs.submit", kInNamespace, kDeveloping, "submit runs"},
    {runs_act, "runs.act", kInNamespace, kWorking, "cancel, pause, resume and retry runs"},
    {runs_approve, "runs.approve", kInNamespace, kWorking, "answer tasks that await approval"},
    {runs_enter, "runs.enter", kInNamespace, kDeveloping, "start commands in sandboxes of tasks"},
    {logs_read, "logs.read", kInNamespace, kAll, "read what tasks print"},
    {events_read, "events.read", kInNamespace, kAll, "follow events"},
    {artifacts_read, "artifacts.read", kInNamespace, kAll, "fetch what tasks hand on"},
    {artifacts_write, "artifacts.write", kInNamespace, kDeveloping, "store and remove artifacts"},
    {workflows_read, "workflows.read", kInNamespace, kAll,
     "see workflows and their versions, lint and plan"},
    {workflows_write, "workflows.write", kInNamespace, kDeveloping, "store and remove workflows"},
    {schedules_read, "schedules.read", kInNamespace, kAll, "see schedules and triggers"},
    {schedules_write, "schedules.write", kInNamespace, kDeveloping, "change schedules, triggers"},
    {secrets_read, "secrets.read", kInNamespace, kWorking, "see names of secrets, never values"},
    {secrets_use, "secrets.use", kInNamespace, kDeveloping,
     "submit workflows whose tasks are given secrets"},
    {secrets_write, "secrets.write", kInNamespace, kDeveloping, "set and remove secrets"},
    {tokens_read, "tokens.read", kInNamespace, kAdmin, "see tokens, never their text"},
    {tokens_write, "tokens.write", kInNamespace, kAdmin,
     "make, rotate and revoke tokens, up to one's own rights"},
    {audit_read, "audit.read", kInNamespace, kAdmin, "read the audit log"},
    {queues_read, "queues.read", kShared, kAll, "see queues, locks, quotas and forecasts"},
    {nodes_read, "nodes.read", kShared, kAll, "see pools and nodes"},
    {flags_read, "flags.read", kShared, kAll, "see and ask feature flags"},
    {roles_read, "roles.read", kShared, kAll, "see roles and what they may"},
    {metrics_read, "metrics.read", kShared, kAll, "read metrics"},
    {settings_read, "settings.read", kEverywhere, kOperating, "see the effective settings"},
    {queues_write, "queues.write", kEverywhere, kAdmin, "change queues, locks and quotas"},
    {nodes_write, "nodes.write", kEverywhere, kOperating, "drain nodes and let them work again"},
    {flags_write, "flags.write", kEverywhere, kAdmin, "change feature flags"},
    {roles_write, "roles.write", kEverywhere, kAdmin, "define and remove roles"},
    {settings_write, "settings.write", kEverywhere, kAdmin, "change settings and reload them"},
    {users_read, "users.read", kEverywhere, kAdmin, "see users"},
    {users_write, "users.write", kEverywhere, kAdmin, "add, change and remove users"},
    {backups_write, "backups.write", kEverywhere, kAdmin, "make and restore backups"},
    {audit_copy, "audit.copy", kEverywhere, kAdmin,
     "fetch the files of the audit log, to prove elsewhere that it is as it was written"},
});
static_assert(kActionTable.size() == kActions);
static_assert([] {
  for (std::size_t i = 0; i < kActions; ++i) {
    if (kActionTable[i].action != static_cast<Action>(i)) return false;
  }
  return true;
}());

constexpr auto kRoleNames =
    std::to_array<std::string_view>({"viewer", "operator", "developer", "admin"});
static_assert(kRoleNames.size() == kRoles);

const ActionInfo& info(Action action) { return kActionTable[static_cast<std::size_t>(action)]; }

/// Whether `object` is in the namespace that is asked for, and of the run.
Refusal refusal_of_place(const Identity& identity, const ActionInfo& action, const Object& object) {
  switch (action.reach) {
    case Reach::shared: return Refusal::none;
    case Reach::everywhere:
      return identity.has_all_namespaces() ? Refusal::none : Refusal::not_everywhere;
    case Reach::in_namespace:
      return !object.name_space.empty() && identity.has_namespace(object.name_space)
                 ? Refusal::none
                 : Refusal::other_namespace;
  }
  return Refusal::action;
}

std::string_view name(Reach reach) {
  switch (reach) {
    case Reach::in_namespace: return "its namespace";
    case Reach::shared: return "any";
    case Reach::everywhere: return "all";
  }
  return "";
}

}  // namespace

std::string_view name(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

std::optional<Role> find_role(std::string_view text) {
  const auto found = std::ranges::find(kRoleNames, text);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<Role>(found - kRoleNames.begin());
}

std::span<const ActionInfo> action_table() { return kActionTable; }

std::string_view name(Action action) { return info(action).name; }

Result<Action> parse_action(std::string_view text) {
  const auto found = std::ranges::find(kActionTable, text, &ActionInfo::name);
  if (found != kActionTable.end()) return found->action;
  std::vector<std::string_view> candidates;
  for (const ActionInfo& row : kActionTable) candidates.push_back(row.name);
  const std::string close = closest_match(text, candidates);
  return fail(ErrorCode::invalid_argument,
              fmt::format("there is no action '{}'{}", sanitize_for_terminal(text.substr(0, 64)),
                          close.empty() ? std::string() : ": did you mean '" + close + "'?"));
}

Result<ActionSet> parse_actions(std::span<const std::string> names) {
  ActionSet set;
  for (const std::string& text : names) {
    TRY_ASSIGN(const Action action, parse_action(text));
    set.add(action);
  }
  return set;
}

std::vector<std::string_view> names(ActionSet actions) {
  std::vector<std::string_view> out;
  for (const ActionInfo& row : kActionTable) {
    if (actions.has(row.action)) out.push_back(row.name);
  }
  return out;
}

ActionSet actions_of(Role role) {
  ActionSet set;
  for (const ActionInfo& row : kActionTable) {
    if (row.roles[static_cast<std::size_t>(role)]) set.add(row.action);
  }
  return set;
}

ActionSet attempt_actions() {
  return {runs_read, logs_read, events_read, artifacts_read, artifacts_write};
}

bool is_namespace(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool Identity::has_namespace(std::string_view wanted) const {
  return std::ranges::any_of(namespaces, [&](const std::string& each) {
    return each == kAllNamespaces || (!wanted.empty() && each == wanted);
  });
}

Identity local_identity(std::uint32_t peer_user, std::uint32_t own_user) {
  Identity identity{.kind = IdentityKind::local, .subject = fmt::format("local:{}", peer_user)};
  if (peer_user != own_user && peer_user != 0) return identity;
  identity.role = name(Role::admin);
  identity.actions = actions_of(Role::admin);
  identity.namespaces = {std::string(kAllNamespaces)};
  return identity;
}

Decision authorise(const Identity& identity, Action action, const Object& object) {
  if (identity.kind == IdentityKind::anonymous) return {Refusal::unauthenticated};
  if (!identity.actions.has(action)) return {Refusal::action};
  const ActionInfo& row = info(action);
  if (identity.kind == IdentityKind::attempt || identity.run) {
    if (row.reach != Reach::in_namespace) return {Refusal::action};
    if (!identity.run || identity.run != object.run) return {Refusal::other_run};
  }
  return {refusal_of_place(identity, row, object)};
}

std::string explain(const Decision& decision, const Identity& identity, Action action,
                    const Object& object) {
  const std::string_view what = name(action);
  switch (decision.refusal) {
    case Refusal::none: return fmt::format("{} may {}", identity.subject, what);
    case Refusal::unauthenticated:
      return fmt::format("{} needs a token: send it as `Authorization: Bearer reeve_...`", what);
    case Refusal::action:
      return fmt::format("{} may not {}{}: ask an administrator for a role that has it",
                         identity.subject, what,
                         identity.role.empty() ? "" : fmt::format(" as {}", identity.role));
    case Refusal::other_namespace:
      return fmt::format("{} may not {} in the namespace '{}'", identity.subject, what,
                         object.name_space);
    case Refusal::not_everywhere:
      return fmt::format(
          "{} concerns all namespaces, and {} has some only: use a token for the namespace *", what,
          identity.subject);
    case Refusal::other_run:
      return fmt::format("{} may {} of its own run only", identity.subject, what);
  }
  return {};
}

Status check(const Identity& identity, Action action, const Object& object) {
  const Decision decision = authorise(identity, action, object);
  if (decision.allowed()) return {};
  return fail(decision.refusal == Refusal::unauthenticated ? ErrorCode::unauthenticated
                                                           : ErrorCode::permission_denied,
              explain(decision, identity, action, object));
}

Status may_grant(const Identity& granter, const Scope& scope, ActionSet actions) {
  if (granter.kind == IdentityKind::anonymous)
    return fail(ErrorCode::unauthenticated, "who gives rights must say who he is: send a token");
  if (granter.run)
    return fail(ErrorCode::permission_denied, "the token of an attempt cannot give rights");
  const ActionSet given = scope.only ? actions.both(*scope.only) : actions;
  if (!granter.actions.has_all(given)) {
    const auto more = names(ActionSet::from_bits(given.bits() & ~granter.actions.bits()));
    return fail(ErrorCode::permission_denied,
                fmt::format("{} may not give what he has not: {}", granter.subject, more.front()));
  }
  for (const std::string& name_space : scope.namespaces) {
    const bool has = name_space == kAllNamespaces ? granter.has_all_namespaces()
                                                  : granter.has_namespace(name_space);
    if (!has)
      return fail(ErrorCode::permission_denied,
                  fmt::format("{} has no rights in the namespace '{}' to give", granter.subject,
                              name_space));
  }
  return {};
}

std::string policy_markdown() {
  std::string out =
      "| action | where | viewer | operator | developer | admin | attempt | what |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const ActionInfo& row : kActionTable) {
    out += fmt::format("| `{}` | {} |", row.name, name(row.reach));
    for (const bool has : row.roles) out += has ? " yes |" : " |";
    out += attempt_actions().has(row.action) ? " own run |" : " |";
    out += fmt::format(" {} |\n", row.meaning);
  }
  return out;
}

}  // namespace reeve::security
