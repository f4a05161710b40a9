#include "security/credentials.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <sodium.h>

#include "base/ensure.h"
#include "base/text.h"
#include "security/credentials_state.h"
#include "security/private_file.h"

namespace reeve::security {
namespace {

using store::sqlite::Statement;

constexpr std::size_t kLabelMax = 100;
constexpr std::size_t kNamespacesMax = 1000;
constexpr Duration kLastUsedStep = std::chrono::minutes{5};
constexpr std::string_view kTokenPurpose = "reeve token 1\n";

tl::unexpected<Error> unknown_token() {
  return fail(ErrorCode::unauthenticated,
              "the token is not valid: it is mistyped, revoked or expired, or of another service");
}

Status check_request(const TokenRequest& request, Time now) {
  if (request.label.empty() || request.label.size() > kLabelMax || !is_valid_utf8(request.label))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("a token needs a label of 1 to {} bytes that says what it is for", kLabelMax));
  if (!request.subject.empty() && request.expires_at == kNever)
    return fail(ErrorCode::invalid_argument, "a token of somebody who signed on must end");
  if (request.expires_at <= now)
    return fail(ErrorCode::invalid_argument, "the token would have expired before it is made");
  return {};
}

bool is_role_name(std::string_view name) {
  return is_namespace(name);  // the same characters
}

}  // namespace

std::string join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ","));
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    words.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

std::string only_text(const Scope& scope) {
  if (!scope.only) return {};
  // "-" for none at all: the empty text would be "all of the role".
  return scope.only->empty() ? "-" : fmt::format("{}", fmt::join(names(*scope.only), ","));
}

void bind_scope(Statement& statement, int first, const Scope& scope, const std::string& namespaces,
                const std::string& only) {
  statement.bind_text(first, scope.role);
  statement.bind_text(first + 1, namespaces);
  statement.bind_text_or_null(first + 2, only);
}

Result<Scope> read_scope(const Statement& statement, int first) {
  Scope scope;
  scope.role = statement.bytes(first);
  scope.namespaces = split(statement.bytes(first + 1));
  if (statement.is_null(first + 2)) return scope;
  const std::string_view only = statement.bytes(first + 2);
  if (only == "-") {
    scope.only = ActionSet{};
  } else {
    TRY_ASSIGN(scope.only, parse_actions(split(only)));
  }
  return scope;
}

std::int64_t number_of(Time time) { return time.time_since_epoch().count(); }

void bind_time(Statement& statement, int parameter, Time time) {
  if (time == kNever || time == kUnset) {
    statement.bind_null(parameter);
  } else {
    statement.bind(parameter, number_of(time));
  }
}

Time read_time(const Statement& statement, int column, Time if_null) {
  return statement.is_null(column) ? if_null : Time(Duration(statement.integer(column)));
}

Digest hash_of(std::string_view purpose, const SecretBody& body) {
  std::string text(purpose);
  text += format_body(body);
  const Digest digest = digest_of(text);
  sodium_memzero(text.data(), text.size());
  return digest;
}

SecretBody random_body() {
  SecretBody body;
  while (body.id == 0) randombytes_buf(&body.id, sizeof(body.id));
  randombytes_buf(body.secret.data(), body.secret.size());
  return body;
}

bool same_digest(const Digest& a, const Digest& b) {
  return sodium_memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

Digest read_digest(const Statement& statement, int column) {
  Digest digest;
  const std::string_view bytes = statement.bytes(column);
  if (bytes.size() == digest.bytes.size()) std::ranges::copy(bytes, digest.bytes.begin());
  return digest;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Status Credentials::State::load() {
  TRY(load_roles());
  TRY(load_tokens());
  TRY(load_users());
  TRY(load_sessions());
  return load_attempt_key();
}

Status Credentials::State::load_roles() {
  TRY_ASSIGN(Statement select, database.prepare("SELECT name, actions FROM roles"));
  for (;;) {
    TRY_ASSIGN(const bool row, select.step());
    if (!row) return {};
    TRY_ASSIGN(const ActionSet actions, parse_actions(split(select.bytes(1))));
    roles.emplace(std::string(select.bytes(0)), actions);
  }
}

Status Credentials::State::load_tokens() {
  TRY_ASSIGN(Statement select,
             database.prepare("SELECT id, hash, label, role, namespaces, only_actions, created_by,"
                              " created_at, expires_at, last_used_at, revoked_at, subject"
                              " FROM tokens"));
  for (;;) {
    TRY_ASSIGN(const bool row, select.step());
    if (!row) return {};
    auto entry = std::make_unique<TokenEntry>();
    TokenRecord& record = entry->record;
    record.id = static_cast<std::uint64_t>(select.integer(0));
    entry->hash = read_digest(select, 1);
    record.label = select.bytes(2);
    TRY_ASSIGN(record.scope, read_scope(select, 3));
    record.created_by = select.bytes(6);
    record.created_at = read_time(select, 7, kUnset);
    record.expires_at = read_time(select, 8, kNever);
    entry->last_used = select.integer(9);
    record.revoked_at = read_time(select, 10, kUnset);
    record.subject = select.bytes(11);
    tokens.emplace(record.id, std::move(entry));
  }
}

Status Credentials::State::load_attempt_key() {
  TRY_ASSIGN(Statement insert,
             database.prepare("INSERT OR IGNORE INTO keys VALUES ('attempt', ?1)"));
  const Key key = random_key();
  insert.bind_blob(1, {reinterpret_cast<const char*>(key.data()), key.size()});
  TRY(insert.run());
  TRY_ASSIGN(Statement select, database.prepare("SELECT value FROM keys WHERE name = 'attempt'"));
  TRY_ASSIGN(const bool row, select.step());
  if (!row || select.bytes(0).size() != attempt_key.size())
    return store::sqlite::corrupt(database.path(), "its key for attempts is no key");
  std::ranges::copy(select.bytes(0), attempt_key.begin());
  return select.run();
}

Result<ActionSet> Credentials::State::actions_of(std::string_view role) const {
  if (const auto built_in = find_role(role)) return security::actions_of(*built_in);
  if (const auto found = roles.find(role); found != roles.end()) return found->second;
  std::vector<std::string> candidates = {"viewer", "operator", "developer", "admin"};
  for (const auto& [name, actions] : roles) candidates.push_back(name);
  const std::string close = closest_match(role, candidates);
  return fail(ErrorCode::not_found,
              fmt::format("there is no role '{}'{}", sanitize_for_terminal(role.substr(0, 64)),
                          close.empty() ? std::string() : ": did you mean '" + close + "'?"));
}

Status Credentials::State::check_scope(const Scope& scope) const {
  TRY(actions_of(scope.role));
  if (scope.namespaces.empty() || scope.namespaces.size() > kNamespacesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("1 to {} namespaces are needed, or *", kNamespacesMax));
  for (const std::string& each : scope.namespaces) {
    if (each != kAllNamespaces && !is_namespace(each))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' is no namespace: lower-case letters, digits and inner hyphens, "
                              "at most 63",
                              sanitize_for_terminal(std::string_view(each).substr(0, 64))));
  }
  return {};
}

Identity Credentials::State::identity_of(IdentityKind kind, std::string subject,
                                         const Scope& scope) const {
  Identity identity{.kind = kind,
                    .subject = std::move(subject),
                    .role = scope.role,
                    .namespaces = scope.namespaces};
  if (const auto actions = actions_of(scope.role))
    identity.actions = scope.only ? actions->both(*scope.only) : *actions;
  return identity;
}

Credentials::Credentials(std::unique_ptr<State> state) : state_(std::move(state)) {}
Credentials::~Credentials() {
  if (state_) static_cast<void>(write_last_used());  // what it would tell is not worth a failure
}

Result<std::unique_ptr<Credentials>> Credentials::open(const std::string& path,
                                                       CredentialOptions options) {
  ENSURE(sodium_init() >= 0);
  TRY_ASSIGN(store::sqlite::Connection database, open_security_database(path));
  auto state = std::make_unique<State>(std::move(database), std::move(options));
  TRY(state->load());
  return std::unique_ptr<Credentials>(new Credentials(std::move(state)));
}

Result<Identity> Credentials::authenticate(std::string_view text, Time now) {
  const std::optional<TokenText> token = parse_token(text);
  if (!token) return unknown_token();
  if (token->kind == TokenKind::attempt) {
    TRY_ASSIGN(const AttemptGrant grant, check_attempt(token->body, state_->attempt_key, now));
    return security::identity_of(grant);
  }
  const std::optional<SecretBody> body = parse_body(token->body);
  if (token->kind != TokenKind::api || !body) return unknown_token();
  const Digest hash = hash_of(kTokenPurpose, *body);
  const std::shared_lock lock(state_->table);
  const auto found = state_->tokens.find(body->id);
  if (found == state_->tokens.end() || !same_digest(found->second->hash, hash))
    return unknown_token();
  TokenEntry& entry = *found->second;
  if (entry.record.revoked_at != kUnset || now >= entry.record.expires_at) return unknown_token();
  const std::int64_t at = number_of(now);
  if (at - entry.last_used.load(std::memory_order_relaxed) >= kLastUsedStep.count()) {
    entry.last_used.store(at, std::memory_order_relaxed);
    entry.is_dirty.store(true, std::memory_order_relaxed);
  }
  const TokenRecord& record = entry.record;
  const bool is_own = record.subject.empty();
  Identity identity = state_->identity_of(
      is_own ? IdentityKind::token : IdentityKind::user,
      is_own ? fmt::format("token:{}({})", format_token_id(body->id), record.label)
             : record.subject,
      record.scope);
  identity.until = record.expires_at;
  return identity;
}

/// `replaces`: its end, as given, is changed in the same transaction.
Result<NewToken> Credentials::State::insert(const SecretBody& body, const TokenRequest& request,
                                            std::string_view by, Time now,
                                            const TokenRecord* replaces) {
  auto entry = std::make_unique<TokenEntry>();
  entry->hash = hash_of(kTokenPurpose, body);
  entry->record = {.id = body.id,
                   .label = request.label,
                   .subject = request.subject,
                   .scope = request.scope,
                   .created_by = std::string(by),
                   .created_at = now,
                   .expires_at = request.expires_at};
  const std::string namespaces = join(request.scope.namespaces);
  const std::string only = only_text(request.scope);
  TRY(in_transaction(database, [&]() -> Status {
    TRY_ASSIGN(Statement row, database.prepare("INSERT INTO tokens VALUES"
                                               " (?1,?2,?3,?4,?5,?6,?7,?8,?9,NULL,NULL,?10)"));
    row.bind(1, static_cast<std::int64_t>(body.id));
    row.bind_blob(2, {reinterpret_cast<const char*>(entry->hash.bytes.data()), 32});
    row.bind_text(3, request.label);
    bind_scope(row, 4, request.scope, namespaces, only);
    row.bind_text(7, by);
    bind_time(row, 8, now);
    bind_time(row, 9, request.expires_at);
    row.bind_text_or_null(10, request.subject);
    TRY(row.run());
    if (replaces == nullptr) return {};
    TRY_ASSIGN(Statement change,
               database.prepare("UPDATE tokens SET expires_at = ?2 WHERE id = ?1"));
    change.bind(1, static_cast<std::int64_t>(replaces->id));
    bind_time(change, 2, replaces->expires_at);
    return change.run();
  }));
  NewToken made{entry->record, format_token(TokenKind::api, format_body(body))};
  const std::unique_lock lock(table);
  if (replaces != nullptr) tokens.at(replaces->id)->record.expires_at = replaces->expires_at;
  tokens.emplace(body.id, std::move(entry));
  return made;
}

Result<NewToken> Credentials::create_token(const TokenRequest& request, std::string_view by,
                                           Time now) {
  TRY(check_request(request, now));
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    TRY(state_->check_scope(request.scope));
  }
  if (!request.subject.empty()) TRY(state_->make_room_for(request.subject, now));
  return state_->insert(random_body(), request, by, now, nullptr);
}

Result<NewToken> Credentials::rotate_token(std::uint64_t id, Duration overlap, std::string_view by,
                                           Time now) {
  if (overlap < Duration{0} || overlap > kDurationMax)
    return fail(ErrorCode::invalid_argument, "the overlap must be 0 or more");
  const std::lock_guard changing(state_->changing);
  std::optional<TokenRecord> old = find_token(id);
  if (!old)
    return fail(ErrorCode::not_found, fmt::format("there is no token {}", format_token_id(id)));
  if (old->revoked_at != kUnset || now >= old->expires_at)
    return fail(
        ErrorCode::conflict,
        fmt::format("token {} is revoked or has expired: create a new one", format_token_id(id)));
  if (!old->subject.empty())
    return fail(ErrorCode::conflict,
                fmt::format("token {} is of somebody who signed on: he gets another one when he "
                            "logs in again",
                            format_token_id(id)));
  TokenRequest request{.label = old->label, .scope = old->scope};
  if (old->expires_at != kNever) request.expires_at = now + (old->expires_at - old->created_at);
  old->expires_at = std::min(old->expires_at, now + overlap);
  return state_->insert(random_body(), request, by, now, &*old);
}

Status Credentials::revoke_token(std::uint64_t id, Time now) {
  const std::lock_guard changing(state_->changing);
  const std::optional<TokenRecord> found = find_token(id);
  if (!found)
    return fail(ErrorCode::not_found, fmt::format("there is no token {}", format_token_id(id)));
  if (found->revoked_at != kUnset) return {};
  TRY_ASSIGN(Statement change,
             state_->database.prepare("UPDATE tokens SET revoked_at = ?2 WHERE id = ?1"));
  change.bind(1, static_cast<std::int64_t>(id));
  bind_time(change, 2, now);
  TRY(change.run());
  const std::unique_lock lock(state_->table);
  state_->tokens.at(id)->record.revoked_at = now;
  return {};
}

namespace {

TokenRecord shown(const TokenEntry& entry) {
  TokenRecord record = entry.record;
  const std::int64_t used = entry.last_used.load(std::memory_order_relaxed);
  if (used != 0) record.last_used_at = Time(Duration(used));
  return record;
}

}  // namespace

std::vector<TokenRecord> Credentials::tokens() const {
  std::vector<TokenRecord> all;
  {
    const std::shared_lock lock(state_->table);
    for (const auto& [id, entry] : state_->tokens) all.push_back(shown(*entry));
  }
  std::ranges::sort(all, {},
                    [](const TokenRecord& each) { return std::pair(each.created_at, each.id); });
  return all;
}

std::optional<TokenRecord> Credentials::find_token(std::uint64_t id) const {
  const std::shared_lock lock(state_->table);
  const auto found = state_->tokens.find(id);
  if (found == state_->tokens.end()) return std::nullopt;
  return shown(*found->second);
}

Status Credentials::write_last_used() {
  const std::lock_guard changing(state_->changing);
  std::vector<std::pair<std::uint64_t, std::int64_t>> used;
  std::vector<std::pair<std::uint64_t, std::int64_t>> seen;
  {
    const std::shared_lock lock(state_->table);
    for (const auto& [id, entry] : state_->tokens) {
      if (entry->is_dirty.exchange(false)) used.emplace_back(id, entry->last_used.load());
    }
    for (const auto& [id, entry] : state_->sessions) {
      if (entry->is_dirty.exchange(false)) seen.emplace_back(id, entry->seen.load());
    }
  }
  if (used.empty() && seen.empty()) return {};
  const auto update = [&](const char* sql, const auto& rows) -> Status {
    TRY_ASSIGN(Statement change, state_->database.prepare(sql));
    for (const auto& [id, at] : rows) {
      change.bind(1, static_cast<std::int64_t>(id));
      change.bind(2, at);
      TRY(change.run());
    }
    return {};
  };
  return in_transaction(state_->database, [&]() -> Status {
    TRY(update("UPDATE tokens SET last_used_at = ?2 WHERE id = ?1", used));
    return update("UPDATE sessions SET seen_at = ?2 WHERE id = ?1", seen);
  });
}

std::string Credentials::attempt_token(const AttemptGrant& grant) const {
  return sign_attempt(grant, state_->attempt_key);
}

Status Credentials::define_role(const RoleRecord& role) {
  if (!is_role_name(role.name))
    return fail(ErrorCode::invalid_argument,
                "the name of a role has lower-case letters, digits and inner hyphens, at most 63");
  if (find_role(role.name))
    return fail(ErrorCode::conflict,
                fmt::format("the role '{}' is built in: choose another name", role.name));
  const std::lock_guard changing(state_->changing);
  TRY_ASSIGN(Statement change, state_->database.prepare("INSERT INTO roles VALUES (?1, ?2)"
                                                        " ON CONFLICT DO UPDATE SET actions = ?2"));
  const std::string actions = fmt::format("{}", fmt::join(names(role.actions), ","));
  change.bind_text(1, role.name);
  change.bind_text(2, actions);
  TRY(change.run());
  const std::unique_lock lock(state_->table);
  state_->roles.insert_or_assign(role.name, role.actions);
  return {};
}

Status Credentials::remove_role(std::string_view name) {
  const std::lock_guard changing(state_->changing);
  {
    const std::shared_lock lock(state_->table);
    if (!state_->roles.contains(name)) {
      TRY(state_->actions_of(name));
      return fail(ErrorCode::conflict, fmt::format("the role '{}' is built in", name));
    }
    const auto in_use = [&](const Scope& scope) { return scope.role == name; };
    for (const auto& [id, entry] : state_->tokens) {
      if (entry->record.revoked_at == kUnset && in_use(entry->record.scope))
        return fail(ErrorCode::conflict, fmt::format("token {} has the role '{}': revoke it first",
                                                     format_token_id(id), name));
    }
    for (const auto& [user, entry] : state_->users) {
      if (in_use(entry.record.scope))
        return fail(ErrorCode::conflict,
                    fmt::format("the user {} has the role '{}': change that first", user, name));
    }
  }
  TRY_ASSIGN(Statement change, state_->database.prepare("DELETE FROM roles WHERE name = ?1"));
  change.bind_text(1, name);
  TRY(change.run());
  const std::unique_lock lock(state_->table);
  state_->roles.erase(state_->roles.find(name));
  return {};
}

std::vector<RoleRecord> Credentials::roles() const {
  const std::shared_lock lock(state_->table);
  std::vector<RoleRecord> all;
  for (const auto& [name, actions] : state_->roles) all.push_back({name, actions});
  return all;
}

Result<ActionSet> Credentials::actions_of_role(std::string_view role) const {
  const std::shared_lock lock(state_->table);
  return state_->actions_of(role);
}

Result<bool> make_admin_token(Credentials& credentials, const std::string& path, Time now) {
  const std::lock_guard changing(credentials.state_->changing);
  if (!credentials.tokens().empty()) return false;
  SecretBody body = random_body();
  const Status made =
      create_private_file(path, format_token(TokenKind::api, format_body(body)) + "\n");
  if (!made) {
    if (made.error().code != ErrorCode::conflict) return tl::unexpected(made.error());
    TRY_ASSIGN(std::string text, read_private_file(path));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const auto token = parse_token(text);
    const auto found =
        token && token->kind == TokenKind::api ? parse_body(token->body) : std::nullopt;
    if (!found)
      return fail(ErrorCode::conflict,
                  fmt::format("{} exists and holds no token: move it away", path));
    body = *found;
  }
  const TokenRequest request{.label = "first administrator",
                             .scope = {.role = std::string(name(Role::admin)),
                                       .namespaces = {std::string(kAllNamespaces)}}};
  TRY(credentials.state_->insert(body, request, "first start", now, nullptr));
  return true;
}

}  // namespace reeve::security
