// Users, passwords and sessions of Credentials.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"
#include "base/text.h"
#include "security/credentials_state.h"

namespace reeve::security {
namespace {

using store::sqlite::Statement;

constexpr std::size_t kUserNameMax = 64;
constexpr std::size_t kPasswordLeast = 10;
constexpr std::size_t kPasswordMax = 1024;
constexpr std::size_t kSessionsOfUserMax = 50;
constexpr int kHashingMax = 16;  ///< logins that wait for one another
constexpr Duration kSeenStep = std::chrono::minutes{1};
constexpr Duration kLongestWaitOfName = std::chrono::seconds{30};
constexpr std::string_view kSessionPurpose = "reeve session 1\n";

Status check_user_name(std::string_view name) {
  const bool sound =
      !name.empty() && name.size() <= kUserNameMax && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-' || c == '@';
      });
  if (sound) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("the name of a user has 1 to {} of a-z, 0-9, '.', '_', '-' and '@'",
                          kUserNameMax));
}

/// Of whom a session is that is not a user's own.
Status check_oidc_name(std::string_view name) {
  constexpr std::size_t kNameMax = 2048;
  const bool sound =
      name.starts_with(kOidcPrefix) && name.size() > kOidcPrefix.size() &&
      name.size() <= kNameMax &&
      std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
  if (sound) return {};
  return fail(ErrorCode::invalid_argument, "this is no name of somebody who signed on");
}

Status check_password(std::string_view password) {
  if (password.size() >= kPasswordLeast && password.size() <= kPasswordMax) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a password has {} to {} bytes", kPasswordLeast, kPasswordMax));
}

tl::unexpected<Error> no_such_user(std::string_view name) {
  return fail(ErrorCode::not_found,
              fmt::format("there is no user '{}'", sanitize_for_terminal(name.substr(0, 64))));
}

tl::unexpected<Error> no_session() {
  return fail(ErrorCode::unauthenticated, "the session has ended: log in again");
}

/// Counts who hashes or waits for it.
class HashingTurn {
 public:
  HashingTurn(std::mutex& mutex, std::atomic<int>& wanted) : mutex_(mutex), wanted_(wanted) {
    is_ours_ = wanted_.fetch_add(1) < kHashingMax;
    if (is_ours_) mutex_.lock();
  }
  ~HashingTurn() {
    if (is_ours_) mutex_.unlock();
    wanted_.fetch_sub(1);
  }
  HashingTurn(const HashingTurn&) = delete;
  HashingTurn& operator=(const HashingTurn&) = delete;
  Status status() const {
    if (is_ours_) return {};
    return fail(ErrorCode::exhausted, "too many logins at a time: try again in some seconds");
  }

 private:
  std::mutex& mutex_;
  std::atomic<int>& wanted_;
  bool is_ours_ = false;
};

}  // namespace

LoginLimits Credentials::State::limits_of_names(LoginLimits limits) {
  // Shorter than that of addresses: nobody can lock somebody else out for long.
  limits.longest_wait = std::min(limits.longest_wait, kLongestWaitOfName);
  return limits;
}

Status Credentials::State::load_users() {
  TRY_ASSIGN(Statement select, database.prepare("SELECT name, password, role, namespaces,"
                                                " only_actions, created_at, disabled FROM users"));
  for (;;) {
    TRY_ASSIGN(const bool row, select.step());
    if (!row) return {};
    UserEntry entry;
    entry.record.name = select.bytes(0);
    entry.password = select.bytes(1);
    TRY_ASSIGN(entry.record.scope, read_scope(select, 2));
    entry.record.created_at = read_time(select, 5, kUnset);
    entry.record.disabled = select.integer(6) != 0;
    std::string name = entry.record.name;
    users.emplace(std::move(name), std::move(entry));
  }
}

Status Credentials::State::load_sessions() {
  TRY_ASSIGN(Statement select, database.prepare("SELECT id, hash, user, role, namespaces,"
                                                " only_actions, created_at, expires_at, seen_at"
                                                " FROM sessions"));
  for (;;) {
    TRY_ASSIGN(const bool row, select.step());
    if (!row) return {};
    auto entry = std::make_unique<SessionEntry>();
    entry->hash = read_digest(select, 1);
    entry->user = select.bytes(2);
    TRY_ASSIGN(entry->scope, read_scope(select, 3));
    entry->created_at = read_time(select, 6, kUnset);
    entry->expires_at = read_time(select, 7, kUnset);
    entry->seen = select.integer(8);
    sessions.emplace(static_cast<std::uint64_t>(select.integer(0)), std::move(entry));
  }
}

Result<std::string> Credentials::State::hash_password(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), options.password_passes,
                            options.password_memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(ErrorCode::exhausted, "not enough memory to hash a password: try again");
  return std::string(out.data());
}

Result<std::string> Credentials::State::hash_in_turn(std::string_view password) {
  const HashingTurn turn(hashing, hashing_wanted);
  TRY(turn.status());
  return hash_password(password);
}

Status Credentials::State::write_password(std::string_view name, const std::string& hash) {
  TRY_ASSIGN(Statement change, database.prepare("UPDATE users SET password = ?2 WHERE name = ?1"));
  change.bind_text(1, name);
  change.bind_text(2, hash);
  TRY(change.run());
  const std::unique_lock lock(table);
  if (const auto found = users.find(name); found != users.end()) found->second.password = hash;
  return {};
}

Status Credentials::State::end_sessions_of(std::string_view user) {
  TRY_ASSIGN(Statement change, database.prepare("DELETE FROM sessions WHERE user = ?1"));
  change.bind_text(1, user);
  TRY(change.run());
  const std::unique_lock lock(table);
  std::erase_if(sessions, [&](const auto& each) { return each.second->user == user; });
  return {};
}

Status Credentials::add_user(const UserRecord& user, std::string_view password, Time now) {
  TRY(check_user_name(user.name));
  TRY(check_password(password));
  TRY_ASSIGN(const std::string hash, state_->hash_in_turn(password));
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    TRY(state_->check_scope(user.scope));
    if (state_->users.contains(user.name))
      return fail(ErrorCode::conflict, fmt::format("there is a user '{}' already", user.name));
  }
  TRY_ASSIGN(Statement row,
             state_->database.prepare("INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  const std::string namespaces = join(user.scope.namespaces);
  const std::string only = only_text(user.scope);
  row.bind_text(1, user.name);
  row.bind_text(2, hash);
  bind_scope(row, 3, user.scope, namespaces, only);
  bind_time(row, 6, now);
  row.bind(7, user.disabled ? 1 : 0);
  TRY(row.run());
  const std::unique_lock lock(state_->table);
  UserEntry entry{user, hash};
  entry.record.created_at = now;
  state_->users.emplace(user.name, std::move(entry));
  return {};
}

Status Credentials::set_password(std::string_view name, std::string_view password) {
  TRY(check_password(password));
  TRY_ASSIGN(const std::string hash, state_->hash_in_turn(password));
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    if (!state_->users.contains(name)) return no_such_user(name);
  }
  TRY(state_->write_password(name, hash));
  return state_->end_sessions_of(name);
}

Status Credentials::set_user(const UserRecord& user) {
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    TRY(state_->check_scope(user.scope));
    if (!state_->users.contains(user.name)) return no_such_user(user.name);
  }
  TRY_ASSIGN(Statement change,
             state_->database.prepare("UPDATE users SET role = ?2, namespaces = ?3,"
                                      " only_actions = ?4, disabled = ?5 WHERE name = ?1"));
  const std::string namespaces = join(user.scope.namespaces);
  const std::string only = only_text(user.scope);
  change.bind_text(1, user.name);
  bind_scope(change, 2, user.scope, namespaces, only);
  change.bind(5, user.disabled ? 1 : 0);
  TRY(change.run());
  TRY(state_->end_sessions_of(user.name));
  const std::unique_lock lock(state_->table);
  UserRecord& record = state_->users.find(user.name)->second.record;
  record.scope = user.scope;
  record.disabled = user.disabled;
  return {};
}

Status Credentials::remove_user(std::string_view name) {
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    if (!state_->users.contains(name)) return no_such_user(name);
  }
  TRY_ASSIGN(Statement change, state_->database.prepare("DELETE FROM users WHERE name = ?1"));
  change.bind_text(1, name);
  TRY(change.run());
  TRY(state_->end_sessions_of(name));
  const std::unique_lock lock(state_->table);
  state_->users.erase(state_->users.find(name));
  return {};
}

std::vector<UserRecord> Credentials::users() const {
  const std::shared_lock lock(state_->table);
  std::vector<UserRecord> all;
  for (const auto& [name, entry] : state_->users) all.push_back(entry.record);
  return all;
}

Result<NewSession> Credentials::log_in(std::string_view name, std::string_view password,
                                       std::string_view from, Time now) {
  UserEntry user;
  bool is_known = false;
  bool is_right = false;
  std::string renewed;
  {
    const HashingTurn turn(state_->hashing, state_->hashing_wanted);
    TRY(turn.status());
    const Duration wait =
        std::max(state_->addresses.wait(from, now), state_->names.wait(name, now));
    if (wait > Duration{0})
      return fail(ErrorCode::exhausted, fmt::format("too many failed logins: wait {} and try again",
                                                    format_duration(wait)));
    {
      const std::shared_lock lock(state_->table);
      if (const auto found = state_->users.find(name); found != state_->users.end()) {
        user = found->second;
        is_known = true;
      }
    }
    if (is_known) {
      is_right =
          password.size() <= kPasswordMax &&
          crypto_pwhash_str_verify(user.password.c_str(), password.data(), password.size()) == 0;
    } else {
      TRY(state_->hash_password(password.substr(0, kPasswordMax)));  // takes as long
    }
    if (!is_right || user.record.disabled) {
      state_->addresses.failed(from, now);
      state_->names.failed(name.substr(0, kUserNameMax + 1), now);
      return fail(ErrorCode::unauthenticated, "the name or the password is wrong");
    }
    state_->names.succeeded(name);
    if (crypto_pwhash_str_needs_rehash(user.password.c_str(), state_->options.password_passes,
                                       state_->options.password_memory_bytes) != 0) {
      TRY_ASSIGN(renewed, state_->hash_password(password));
    }
  }
  const std::lock_guard changing(state_->changing);
  {
    // Between the hashing and this, somebody may have changed or removed the user.
    const std::shared_lock lock(state_->table);
    const auto found = state_->users.find(name);
    if (found == state_->users.end() || found->second.password != user.password ||
        found->second.record.disabled)
      return fail(ErrorCode::unauthenticated, "the name or the password is wrong");
    user.record = found->second.record;
  }
  if (!renewed.empty()) TRY(state_->write_password(name, renewed));
  return state_->start_session(user.record.name, user.record.scope, now);
}

Result<NewSession> Credentials::open_session(const UserRecord& user, Time now) {
  TRY(check_oidc_name(user.name));
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    TRY(state_->check_scope(user.scope));
  }
  return state_->start_session(user.name, user.scope, now);
}

/// Ends what has expired, and the oldest of a user who has too many. Under `changing`.
Result<NewSession> Credentials::State::start_session(const std::string& user, const Scope& scope,
                                                     Time now) {
  const SecretBody body = random_body();
  auto entry = std::make_unique<SessionEntry>();
  entry->user = user;
  entry->scope = scope;
  entry->hash = hash_of(kSessionPurpose, body);
  entry->created_at = now;
  entry->expires_at = now + options.session_life;
  entry->seen = number_of(now);
  std::vector<std::uint64_t> ending;
  {
    const std::shared_lock lock(table);
    std::vector<std::pair<Time, std::uint64_t>> own;
    for (const auto& [id, session] : sessions) {
      if (now >= session->expires_at) {
        ending.push_back(id);
      } else if (session->user == user) {
        own.emplace_back(session->created_at, id);
      }
    }
    std::ranges::sort(own);
    for (std::size_t i = 0; i + kSessionsOfUserMax <= own.size(); ++i)
      ending.push_back(own[i].second);
  }
  const std::string namespaces = join(scope.namespaces);
  const std::string only = only_text(scope);
  TRY(in_transaction(database, [&]() -> Status {
    TRY_ASSIGN(Statement remove, database.prepare("DELETE FROM sessions WHERE id = ?1"));
    for (const std::uint64_t id : ending) {
      remove.bind(1, static_cast<std::int64_t>(id));
      TRY(remove.run());
    }
    TRY_ASSIGN(Statement row, database.prepare("INSERT INTO sessions VALUES"
                                               " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7)"));
    row.bind(1, static_cast<std::int64_t>(body.id));
    row.bind_blob(2, {reinterpret_cast<const char*>(entry->hash.bytes.data()), 32});
    row.bind_text(3, user);
    bind_scope(row, 4, scope, namespaces, only);
    bind_time(row, 7, now);
    bind_time(row, 8, entry->expires_at);
    return row.run();
  }));
  NewSession made{format_token(TokenKind::session, format_body(body)), csrf_of(entry->hash),
                  entry->expires_at};
  const std::unique_lock lock(table);
  for (const std::uint64_t id : ending) sessions.erase(id);
  sessions.emplace(body.id, std::move(entry));
  return made;
}

/// Follows from the session: whoever has the cookie only (another site's form) cannot know it.
std::string Credentials::State::csrf_of(const Digest& session) const {
  std::string text = "reeve csrf 1\n";
  text.append(session.bytes.begin(), session.bytes.end());
  std::string mac(32, '\0');
  ENSURE(crypto_generichash(reinterpret_cast<unsigned char*>(mac.data()), mac.size(),
                            reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                            attempt_key.data(), attempt_key.size()) == 0);
  return to_base32(mac);
}

Result<SessionIdentity> Credentials::session(std::string_view cookie, Time now) {
  const std::optional<TokenText> token = parse_token(cookie);
  if (!token || token->kind != TokenKind::session) return no_session();
  const std::optional<SecretBody> body = parse_body(token->body);
  if (!body) return no_session();
  const Digest hash = hash_of(kSessionPurpose, *body);
  const std::shared_lock lock(state_->table);
  const auto found = state_->sessions.find(body->id);
  if (found == state_->sessions.end() || !same_digest(found->second->hash, hash))
    return no_session();
  SessionEntry& entry = *found->second;
  const std::int64_t at = number_of(now);
  const std::int64_t idle = at - entry.seen.load(std::memory_order_relaxed);
  if (now >= entry.expires_at || idle >= state_->options.session_idle.count()) return no_session();
  if (idle >= std::min(kSeenStep, state_->options.session_idle / 10).count()) {
    entry.seen.store(at, std::memory_order_relaxed);
    entry.is_dirty.store(true, std::memory_order_relaxed);
  }
  const bool is_vouched_for = entry.user.starts_with(kOidcPrefix);
  Identity identity = state_->identity_of(
      IdentityKind::user, is_vouched_for ? entry.user : "user:" + entry.user, entry.scope);
  identity.until = entry.expires_at;
  return SessionIdentity{std::move(identity), state_->csrf_of(entry.hash), entry.expires_at};
}

Status Credentials::close_session(std::string_view cookie) {
  const std::optional<TokenText> token = parse_token(cookie);
  if (!token || token->kind != TokenKind::session) return {};
  const std::optional<SecretBody> body = parse_body(token->body);
  if (!body) return {};
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    const auto found = state_->sessions.find(body->id);
    if (found == state_->sessions.end() ||
        !same_digest(found->second->hash, hash_of(kSessionPurpose, *body)))
      return {};
  }
  TRY_ASSIGN(Statement change, state_->database.prepare("DELETE FROM sessions WHERE id = ?1"));
  change.bind(1, static_cast<std::int64_t>(body->id));
  TRY(change.run());
  const std::unique_lock lock(state_->table);
  state_->sessions.erase(body->id);
  return {};
}

}  // namespace reeve::security
