// What is behind Credentials: the database, and the tables in memory that requests read. Two locks,
// always taken in this order: `changing` for whoever writes to the database, `table` for the maps,
// never held while the disk is waited for. Used by credentials.cc and credentials_users.cc only.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "security/credentials.h"
#include "security/security_database.h"
#include "security/token_text.h"

namespace reeve::security {

struct TokenEntry {
  TokenRecord record;  ///< last_used_at is in last_used
  Digest hash;
  std::atomic<std::int64_t> last_used{0};  ///< microseconds since 1970; 0: never
  std::atomic<bool> is_dirty{false};
};
struct UserEntry {
  UserRecord record;
  std::string password;  ///< argon2id, as libsodium writes it
};
struct SessionEntry {
  std::string user;
  Scope scope;
  Digest hash;
  Time created_at = kUnset;
  Time expires_at = kUnset;
  std::atomic<std::int64_t> seen{0};
  std::atomic<bool> is_dirty{false};
};

struct Credentials::State {
  State(store::sqlite::Connection opened, CredentialOptions chosen)
      : options(std::move(chosen)),
        database(std::move(opened)),
        addresses(options.logins),
        names(limits_of_names(options.logins)) {}

  // Credentials.cc
  Status load();
  Status load_tokens();
  Status load_roles();
  Status load_attempt_key();
  Result<ActionSet> actions_of(std::string_view role) const;  ///< under `table`
  Status check_scope(const Scope& scope) const;               ///< under `table`
  Identity identity_of(IdentityKind kind, std::string subject, const Scope& scope) const;
  Result<NewToken> insert(const SecretBody& body, const TokenRequest& request, std::string_view by,
                          Time now, const TokenRecord* replaces);
  // credentials_sign_on.cc
  Status make_room_for(std::string_view subject, Time now);           ///< under `changing`
  Status revoke(const std::vector<std::uint64_t>& tokens, Time now);  ///< under `changing`
  // credentials_users.cc
  Status load_users();
  Status load_sessions();
  Result<NewSession> start_session(const std::string& user, const Scope& scope, Time now);
  Status end_sessions_of(std::string_view user);  ///< under `changing`
  Status write_password(std::string_view name, const std::string& hash);
  Result<std::string> hash_password(std::string_view password);
  /// exhausted: too many hash at a time.
  Result<std::string> hash_in_turn(std::string_view password);
  std::string csrf_of(const Digest& session) const;
  static LoginLimits limits_of_names(LoginLimits limits);

  const CredentialOptions options;

  std::mutex changing;
  store::sqlite::Connection database;

  mutable std::shared_mutex table;
  std::unordered_map<std::uint64_t, std::unique_ptr<TokenEntry>> tokens;
  std::unordered_map<std::uint64_t, std::unique_ptr<SessionEntry>> sessions;
  std::map<std::string, UserEntry, std::less<>> users;
  std::map<std::string, ActionSet, std::less<>> roles;

  MacKey attempt_key{};  ///< never changed once open

  std::mutex hashing;  ///< one password at a time: each takes 64 MiB
  std::atomic<int> hashing_wanted{0};
  LoginLimiter addresses;  ///< under `hashing`
  LoginLimiter names;
};

/// "oidc:SUBJECT" of "oidc:SUBJECT(EMAIL)".
std::string_view without_email(std::string_view name);

/// How a row holds a Scope.
std::string join(const std::vector<std::string>& words);
std::vector<std::string> split(std::string_view text);
void bind_scope(store::sqlite::Statement& statement, int first, const Scope& scope,
                const std::string& namespaces, const std::string& only);
Result<Scope> read_scope(const store::sqlite::Statement& statement, int first);
std::string only_text(const Scope& scope);

std::int64_t number_of(Time time);
void bind_time(store::sqlite::Statement& statement, int parameter, Time time);
Time read_time(const store::sqlite::Statement& statement, int column, Time if_null);

/// Of what is stored in place of a token or session.
Digest hash_of(std::string_view purpose, const SecretBody& body);
SecretBody random_body();
bool same_digest(const Digest& a, const Digest& b);
Digest read_digest(const store::sqlite::Statement& statement, int column);

}  // namespace reeve::security
