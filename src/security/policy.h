// Who may do what: roles, namespaces and a closed list of actions, and one function that decides.
// Every route of the API and every command names its action; nothing else asks "is this an
// administrator". The table of docs/security.md is made from the tables here. Pure; no thread rule.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::security {

enum class Action : std::uint8_t {
  runs_read,
  runs_submit,
  runs_act,
  runs_approve,
  runs_enter,
  logs_read,
  events_read,
  artifacts_read,
  artifacts_write,
  workflows_read,
  workflows_write,
  schedules_read,
  schedules_write,
  secrets_read,
  secrets_use,
  secrets_write,
  tokens_read,
  tokens_write,
  audit_read,
  queues_read,
  nodes_read,
  flags_read,
  roles_read,
  metrics_read,
  settings_read,
  queues_write,
  nodes_write,
  flags_write,
  roles_write,
  settings_write,
  users_read,
  users_write,
  backups_write,
  audit_copy,
};
inline constexpr std::size_t kActions = 34;

/// What else an action demands than that it is allowed at all.
enum class Reach : std::uint8_t {
  in_namespace,  ///< the object's namespace must be one of the identity's
  shared,        ///< the object belongs to all namespaces: any identity with the action may
  everywhere,    ///< it touches all namespaces: only who has all of them may
};

enum class Role : std::uint8_t { viewer, operator_, developer, admin };
inline constexpr std::size_t kRoles = 4;
std::string_view name(Role role);  ///< "operator"
std::optional<Role> find_role(std::string_view text);

class ActionSet {
 public:
  constexpr ActionSet() = default;
  constexpr ActionSet(std::initializer_list<Action> actions) {
    for (const Action action : actions) add(action);
  }
  static constexpr ActionSet from_bits(std::uint64_t bits) {
    ActionSet set;
    set.bits_ = bits & ((std::uint64_t{1} << kActions) - 1);
    return set;
  }
  static constexpr ActionSet all() { return from_bits(~std::uint64_t{0}); }
  constexpr void add(Action action) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(action); }
  constexpr bool has(Action action) const {
    return ((bits_ >> static_cast<unsigned>(action)) & 1) != 0;
  }
  constexpr bool has_all(ActionSet other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr ActionSet both(ActionSet other) const { return from_bits(bits_ & other.bits_); }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(const ActionSet&, const ActionSet&) = default;

 private:
  std::uint64_t bits_ = 0;
};

/// One row: the order is that of the enumeration.
struct ActionInfo {
  Action action;
  std::string_view name;  ///< "runs.read": in JSON, scopes, the audit log and the documentation
  Reach reach;
  std::array<bool, kRoles> roles;  ///< which built-in roles have it, in the order of Role
  std::string_view meaning;
};
std::span<const ActionInfo> action_table();
std::string_view name(Action action);
/// invalid_argument, with a suggestion, for a name that is in no row.
Result<Action> parse_action(std::string_view text);
Result<ActionSet> parse_actions(std::span<const std::string> names);
std::vector<std::string_view> names(ActionSet actions);
ActionSet actions_of(Role role);
/// What a task may do with the token of its attempt, and only to its own run.
ActionSet attempt_actions();

/// Lower-case letters, digits and inner hyphens, 1 to 63 of them (a DNS label).
bool is_namespace(std::string_view text);
inline constexpr std::string_view kDefaultNamespace = "default";
inline constexpr std::string_view kAllNamespaces = "*";

enum class IdentityKind : std::uint8_t {
  anonymous,  ///< nobody has said who he is
  token,
  user,     ///< a session of the page, or a password
  attempt,  ///< a task of a run
  local,    ///< the other end of the Unix socket
};

/// Who asks, as far as it has been proved. A default one may do nothing.
struct Identity {
  IdentityKind kind = IdentityKind::anonymous;
  std::string subject;  ///< "user:alice", "token:01jd…(ci)", "attempt:run_…/build#1", "local:1000"
  std::string role;     ///< as people call it: for explanations only
  ActionSet actions;
  std::vector<std::string> namespaces;  ///< or the one entry "*"
  std::optional<Uuid> run;              ///< of attempts: nothing else may be touched
  std::uint32_t task = 0;               ///< of attempts: index of the task in its run
  std::uint32_t attempt = 0;            ///< of attempts: number
  Time until = kNever;                  ///< when what proved it ends by itself

  bool has_namespace(std::string_view name) const;
  bool has_all_namespaces() const { return has_namespace({}); }
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// The user of the engine himself, or root, on the Unix socket: an administrator. Others: nobody
/// beyond a name.
Identity local_identity(std::uint32_t peer_user, std::uint32_t own_user);

/// What is to be touched. `name_space` is ignored for actions that are shared or everywhere. `run`
/// must be given for all that belongs to a run, else attempts are refused.
struct Object {
  std::string_view name_space;
  std::optional<Uuid> run;
};

enum class Refusal : std::uint8_t {
  none,
  unauthenticated,  ///< 401
  action,           ///< 403: not with this role or scope
  other_namespace,  ///< 404 for what must not be known to exist, else 403
  not_everywhere,   ///< 403: this needs all namespaces
  other_run,        ///< 403: an attempt asks for what is not its run's
};

struct Decision {
  Refusal refusal = Refusal::none;
  bool allowed() const { return refusal == Refusal::none; }
  friend bool operator==(const Decision&, const Decision&) = default;
};
Decision authorise(const Identity& identity, Action action, const Object& object);
/// A refusal in words: who, what, where, and what would be needed.
std::string explain(const Decision& decision, const Identity& identity, Action action,
                    const Object& object);
/// authorise as a Status: unauthenticated or permission_denied, with the explanation.
Status check(const Identity& identity, Action action, const Object& object);

/// What a token or a user is given. A role (built in, or one that was defined) and, optionally,
/// only some of its actions.
struct Scope {
  std::string role = "viewer";
  std::vector<std::string> namespaces = {std::string(kDefaultNamespace)};
  std::optional<ActionSet> only;
  friend bool operator==(const Scope&, const Scope&) = default;
};
/// Nobody can hand out more than he has. `actions`: those of the scope's role.
Status may_grant(const Identity& granter, const Scope& scope, ActionSet actions);

/// The tables of docs/security.md.
std::string policy_markdown();

}  // namespace reeve::security
