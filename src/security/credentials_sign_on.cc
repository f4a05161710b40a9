// Of Credentials: what those have who signed on at an identity provider.
#include <algorithm>

#include <fmt/format.h>

#include "security/credentials_state.h"

namespace reeve::security {
namespace {

using store::sqlite::Statement;

constexpr std::size_t kTokensOfSubjectMax = 20;
constexpr Duration kShownAfterEnd = std::chrono::days{7};

}  // namespace

std::string_view without_email(std::string_view name) { return name.substr(0, name.find('(')); }

Status Credentials::State::revoke(const std::vector<std::uint64_t>& ending, Time now) {
  if (ending.empty()) return {};
  TRY(in_transaction(database, [&]() -> Status {
    TRY_ASSIGN(Statement change,
               database.prepare("UPDATE tokens SET revoked_at = ?2 WHERE id = ?1"));
    for (const std::uint64_t id : ending) {
      change.bind(1, static_cast<std::int64_t>(id));
      bind_time(change, 2, now);
      TRY(change.run());
    }
    return {};
  }));
  const std::unique_lock lock(table);
  for (const std::uint64_t id : ending) tokens.at(id)->record.revoked_at = now;
  return {};
}

Status Credentials::State::make_room_for(std::string_view subject, Time now) {
  std::vector<std::uint64_t> forgotten;
  std::vector<std::pair<Time, std::uint64_t>> own;
  {
    const std::shared_lock lock(table);
    for (const auto& [id, entry] : tokens) {
      const TokenRecord& record = entry->record;
      if (record.subject.empty()) continue;
      if (now >= record.expires_at && now - record.expires_at >= kShownAfterEnd) {
        forgotten.push_back(id);
      } else if (without_email(record.subject) == without_email(subject) &&
                 record.revoked_at == kUnset && now < record.expires_at) {
        own.emplace_back(record.created_at, id);
      }
    }
  }
  std::ranges::sort(own);
  std::vector<std::uint64_t> ending;
  for (std::size_t i = 0; i + kTokensOfSubjectMax <= own.size(); ++i)
    ending.push_back(own[i].second);
  TRY(revoke(ending, now));
  if (forgotten.empty()) return {};
  TRY(in_transaction(database, [&]() -> Status {
    TRY_ASSIGN(Statement remove, database.prepare("DELETE FROM tokens WHERE id = ?1"));
    for (const std::uint64_t id : forgotten) {
      remove.bind(1, static_cast<std::int64_t>(id));
      TRY(remove.run());
    }
    return {};
  }));
  const std::unique_lock lock(table);
  for (const std::uint64_t id : forgotten) tokens.erase(id);
  return {};
}

std::optional<std::uint64_t> Credentials::sign_on_token(std::string_view text) const {
  const std::optional<TokenText> token = parse_token(text);
  if (!token || token->kind != TokenKind::api) return std::nullopt;
  const std::optional<SecretBody> body = parse_body(token->body);
  const std::optional<TokenRecord> found = body ? find_token(body->id) : std::nullopt;
  if (!found || found->subject.empty()) return std::nullopt;
  return body->id;
}

Result<std::size_t> Credentials::end_sign_on(std::string_view name, Time now) {
  const std::lock_guard changing(state_->changing);
  const bool is_all = name == kOidcPrefix;
  const auto is_meant = [&](std::string_view who) {
    return who.starts_with(kOidcPrefix) && (is_all || without_email(who) == without_email(name));
  };
  std::vector<std::uint64_t> ending;
  std::vector<std::string> users;
  std::size_t count = 0;
  {
    const std::shared_lock lock(state_->table);
    for (const auto& [id, entry] : state_->tokens) {
      const TokenRecord& record = entry->record;
      if (is_meant(record.subject) && record.revoked_at == kUnset && now < record.expires_at)
        ending.push_back(id);
    }
    for (const auto& [id, session] : state_->sessions) {
      if (!is_meant(session->user)) continue;
      ++count;
      if (std::ranges::find(users, session->user) == users.end()) users.push_back(session->user);
    }
  }
  count += ending.size();
  TRY(state_->revoke(ending, now));
  for (const std::string& user : users) TRY(state_->end_sessions_of(user));
  return count;
}

Status Credentials::trust(std::string_view who, Time now) {
  const std::string wanted = format_digest(digest_of(who));
  std::string before;
  {
    const std::lock_guard changing(state_->changing);
    TRY_ASSIGN(Statement select,
               state_->database.prepare("SELECT value FROM keys WHERE name = 'sign-on'"));
    TRY_ASSIGN(const bool row, select.step());
    if (row) before = select.bytes(0);
  }
  if (before == wanted) return {};
  // In this order: after a crash between the two it is done once more.
  TRY(end_sign_on(kOidcPrefix, now));
  const std::lock_guard changing(state_->changing);
  TRY_ASSIGN(Statement change, state_->database.prepare("INSERT INTO keys VALUES ('sign-on', ?1)"
                                                        " ON CONFLICT DO UPDATE SET value = ?1"));
  change.bind_blob(1, wanted);
  return change.run();
}

}  // namespace reeve::security
