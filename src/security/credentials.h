// Tokens, users, sessions and defined roles: STATE/security.db, and all of it that requests need in
// memory, so that recognising somebody takes a microsecond and no disk. Only hashes of tokens and
// sessions and argon2id hashes of passwords are stored. A change is durable before it is answered,
// and holds for the next request. Thread-safe. Passwords take about a tenth of a second and 64 MiB:
// call what takes one on a thread that may block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "security/attempt_token.h"
#include "security/login_limit.h"
#include "security/policy.h"

namespace reeve::security {

/// How names of those begin whom an identity provider vouches for; no user's name has a colon.
inline constexpr std::string_view kOidcPrefix = "oidc:";

struct TokenRecord {
  std::uint64_t id = 0;  ///< format_token_id shows it
  std::string label;
  std::string subject;  ///< "oidc:…": it acts as him, who signed on; "": as itself
  Scope scope;
  std::string created_by;
  Time created_at = kUnset;
  Time expires_at = kNever;
  Time last_used_at = kUnset;  ///< to about five minutes
  Time revoked_at = kUnset;
};
/// The only moment at which the text of a token exists outside its owner's hands.
struct NewToken {
  TokenRecord record;
  std::string text;
};
struct TokenRequest {
  std::string label;  ///< 1 to 100 bytes
  Scope scope;
  Time expires_at = kNever;
  std::string subject = {};  ///< as in TokenRecord; it must then end
};

struct UserRecord {
  std::string name;  ///< 1 to 64 of a-z 0-9 . _ - @
  Scope scope;
  Time created_at = kUnset;
  bool disabled = false;
};

struct RoleRecord {
  std::string name;
  ActionSet actions;
};

struct NewSession {
  std::string cookie;  ///< "reeve_…": HttpOnly, Secure, SameSite=Strict
  std::string csrf;    ///< the page sends it back with every change, in a header
  Time expires_at = kUnset;
};
struct SessionIdentity {
  Identity identity;
  std::string csrf;  ///< what must have been sent; compare with same_secret()
  Time expires_at = kUnset;
};

struct CredentialOptions {
  Duration session_idle = std::chrono::hours{1};
  Duration session_life = std::chrono::hours{12};
  LoginLimits logins;
  /// Cost of passwords. Tests take the lowest that libsodium has (1, 8192).
  std::uint64_t password_passes = 2;
  std::size_t password_memory_bytes = std::size_t{64} << 20;
};

class Credentials {
 public:
  /// Makes the file (0600) when there is none. corrupt, unsupported (from a newer Reeve), conflict.
  static Result<std::unique_ptr<Credentials>> open(const std::string& path,
                                                   CredentialOptions options = {});
  ~Credentials();

  /// Who has this token (API or attempt). unauthenticated, never saying which part was wrong.
  Result<Identity> authenticate(std::string_view text, Time now);

  /// `by`: the subject of who asks; the caller has checked may_grant() with actions_of_role(). With
  /// a subject: of too many such tokens the oldest are revoked, and ended ones are forgotten.
  Result<NewToken> create_token(const TokenRequest& request, std::string_view by, Time now);
  /// A new one with the same scope and, if that one ends, as long a life; the old one goes on for
  /// `overlap`. conflict: it has ended, or is that of somebody who signed on.
  Result<NewToken> rotate_token(std::uint64_t id, Duration overlap, std::string_view by, Time now);
  Status revoke_token(std::uint64_t id, Time now);
  std::vector<TokenRecord> tokens() const;
  std::optional<TokenRecord> find_token(std::uint64_t id) const;
  /// Stores what has been used since the last call. Call it every five minutes and at the end.
  Status write_last_used();

  /// For the environment of an attempt.
  std::string attempt_token(const AttemptGrant& grant) const;

  Status add_user(const UserRecord& user, std::string_view password, Time now);
  Status set_password(std::string_view name, std::string_view password);  ///< ends its sessions
  Status set_user(const UserRecord& user);  ///< scope and disabled; ends its sessions
  Status remove_user(std::string_view name);
  /// Id of a token, by its text, if it is of somebody who signed on.
  std::optional<std::uint64_t> sign_on_token(std::string_view text) const;
  /// Ends sessions and tokens of whoever signed on by the name "oidc:SUBJECT", whatever his e-mail
  /// is; "oidc:" alone: of all. Gives how many there were.
  Result<std::size_t> end_sign_on(std::string_view name, Time now);
  /// Who vouches for people from now on, and for what, in any words: if they are other words than
  /// the last time, also before a restart, what he vouched for until then ends.
  Status trust(std::string_view who, Time now);
  std::vector<UserRecord> users() const;

  /// `from`: the address. exhausted: too many failures, with how long to wait; unauthenticated.
  /// The time it takes does not tell whether there is such a user.
  Result<NewSession> log_in(std::string_view name, std::string_view password, std::string_view from,
                            Time now);
  /// For those whom somebody else has vouched for (single sign-on, "oidc:…"), and whose name is in
  /// no list of users: the scope is the caller's.
  Result<NewSession> open_session(const UserRecord& user, Time now);
  Result<SessionIdentity> session(std::string_view cookie, Time now);
  Status close_session(std::string_view cookie);

  Status define_role(const RoleRecord& role);
  /// conflict while a token or a user has it.
  Status remove_role(std::string_view name);
  std::vector<RoleRecord> roles() const;  ///< the defined ones, not those that are built in
  /// not_found, with a suggestion.
  Result<ActionSet> actions_of_role(std::string_view role) const;

 private:
  friend Result<bool> make_admin_token(Credentials& credentials, const std::string& path, Time now);
  struct State;
  explicit Credentials(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// In constant time for texts of equal length.
bool same_secret(std::string_view a, std::string_view b);

/// First start: makes an administrator's token without an end and writes it to `path` (0600). Does
/// nothing, and gives false, when there has ever been a token. A token that lies there already is
/// taken on (a start that was interrupted); a symbolic link, a file of somebody else or one that
/// others can read is refused.
Result<bool> make_admin_token(Credentials& credentials, const std::string& path, Time now);

}  // namespace reeve::security
