#include "security/credentials.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/private_file.h"
#include "security/test_directory.h"
#include "security/token_text.h"
#include "store/sqlite/connection.h"

namespace reeve::security {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Time kStart{hours{500'000}};
constexpr std::string_view kPassword = "correct horse battery";

class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    credentials.reset();
    CredentialOptions cheap;
    cheap.password_passes = 1;
    cheap.password_memory_bytes = 8192;
    auto opened = Credentials::open(directory.path("security.db"), cheap);
    ASSERT_TRUE(opened) << opened.error().text();
    credentials = std::move(*opened);
  }
  NewToken make(Scope scope = {}, Time expires_at = kNever) {
    return credentials->create_token({"ci", std::move(scope), expires_at}, "user:root", kStart)
        .value();
  }
  bool is_known(const std::string& text, Time now = kStart) {
    const auto found = credentials->authenticate(text, now);
    if (!found) {
      EXPECT_EQ(found.error().code, ErrorCode::unauthenticated);
    }
    return found.has_value();
  }
  std::string all_bytes() const {
    std::string bytes;
    for (const auto& each : std::filesystem::directory_iterator(directory.root()))
      bytes += read_file(each.path());
    return bytes;
  }

  TestDirectory directory;
  std::unique_ptr<Credentials> credentials;
};

TEST_F(CredentialsTest, a_token_is_known_until_it_is_revoked_also_after_a_restart) {
  const NewToken token = make({.role = "developer", .namespaces = {"a", "b"}});
  for (int i = 0; i < 2; ++i) {
    const Identity identity = credentials->authenticate(token.text, kStart).value();
    EXPECT_EQ(identity.kind, IdentityKind::token);
    EXPECT_EQ(identity.subject, "token:" + format_token_id(token.record.id) + "(ci)");
    EXPECT_EQ(identity.actions, actions_of(Role::developer));
    EXPECT_THAT(identity.namespaces, ElementsAre("a", "b"));
    reopen();
  }
  ASSERT_TRUE(credentials->revoke_token(token.record.id, kStart));
  EXPECT_FALSE(is_known(token.text));
  reopen();
  EXPECT_FALSE(is_known(token.text));
  EXPECT_TRUE(credentials->revoke_token(token.record.id, kStart));
  EXPECT_EQ(credentials->revoke_token(1, kStart).error().code, ErrorCode::not_found);
}

TEST_F(CredentialsTest, nothing_but_the_token_itself_is_known) {
  const NewToken token = make();
  auto body = parse_body(parse_token(token.text)->body).value();
  for (std::size_t i = 0; i < body.secret.size(); ++i) {
    body.secret[i] ^= 1;
    EXPECT_FALSE(is_known(format_token(TokenKind::api, format_body(body))));
    body.secret[i] ^= 1;
  }
  EXPECT_FALSE(is_known(format_token(TokenKind::session, format_body(body))));
  EXPECT_FALSE(is_known(format_token(TokenKind::attempt, format_body(body))));
  EXPECT_FALSE(is_known(""));
  EXPECT_FALSE(is_known("Bearer " + token.text));
  EXPECT_FALSE(is_known(token.text + "\n"));
  EXPECT_FALSE(is_known(std::string(1'000'000, 'x')));
}

TEST_F(CredentialsTest, no_token_and_no_password_is_in_the_files) {
  const NewToken token = make();
  ASSERT_TRUE(credentials->add_user({.name = "alice"}, kPassword, kStart));
  const NewSession session = credentials->log_in("alice", kPassword, "a", kStart).value();
  const std::string bytes = all_bytes();
  EXPECT_GT(bytes.size(), 1000U);
  const std::string body = parse_token(token.text)->body;
  for (const std::string& text :
       {token.text, token.text.substr(20, 40), body.substr(8), std::string(kPassword),
        session.cookie, parse_token(session.cookie)->body.substr(8), session.csrf})
    EXPECT_EQ(bytes.find(text), std::string::npos);
  struct stat found {};
  ASSERT_EQ(::stat(directory.path("security.db").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600U);
}

TEST_F(CredentialsTest, tokens_end_when_they_say) {
  const NewToken token = make({}, kStart + hours{1});
  EXPECT_TRUE(is_known(token.text, kStart + hours{1} - Duration{1}));
  EXPECT_FALSE(is_known(token.text, kStart + hours{1}));
  EXPECT_FALSE(credentials->create_token({"x", {}, kStart}, "u", kStart));
}

TEST_F(CredentialsTest, a_rotation_lets_the_old_one_go_on_for_a_while) {
  const NewToken old = make({.role = "operator"}, kStart + hours{100});
  const Time now = kStart + hours{50};
  const NewToken next = credentials->rotate_token(old.record.id, hours{2}, "user:x", now).value();
  EXPECT_EQ(next.record.scope, old.record.scope);
  EXPECT_EQ(next.record.expires_at, now + hours{100});
  reopen();
  EXPECT_TRUE(is_known(old.text, now + hours{2} - Duration{1}));
  EXPECT_FALSE(is_known(old.text, now + hours{2}));
  EXPECT_TRUE(is_known(next.text, now + hours{99}));
  const auto late = credentials->rotate_token(old.record.id, hours{1}, "x", now + hours{3});
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
  const NewToken endless = make();
  EXPECT_EQ(credentials->rotate_token(endless.record.id, seconds{0}, "x", now)->record.expires_at,
            kNever);
  EXPECT_FALSE(is_known(endless.text, now));
}

TEST_F(CredentialsTest, when_a_token_was_last_used_is_known_roughly_and_kept) {
  const NewToken token = make();
  const auto last = [&] { return credentials->find_token(token.record.id)->last_used_at; };
  EXPECT_EQ(last(), kUnset);
  EXPECT_TRUE(is_known(token.text, kStart + seconds{1}));
  EXPECT_TRUE(is_known(token.text, kStart + minutes{5}));
  EXPECT_EQ(last(), kStart + seconds{1});
  EXPECT_TRUE(is_known(token.text, kStart + minutes{6}));
  EXPECT_EQ(last(), kStart + minutes{6});
  ASSERT_TRUE(credentials->write_last_used());
  reopen();
  EXPECT_EQ(last(), kStart + minutes{6});
}

TEST_F(CredentialsTest, scopes_are_checked) {
  const auto refused = [&](Scope scope) {
    return credentials->create_token({"x", std::move(scope), kNever}, "u", kStart).error().message;
  };
  EXPECT_THAT(refused({.role = "develper"}), HasSubstr("did you mean 'developer'?"));
  EXPECT_THAT(refused({.namespaces = {}}), HasSubstr("namespaces are needed"));
  EXPECT_THAT(refused({.namespaces = {"a", "B"}}), HasSubstr("'B' is no namespace"));
  EXPECT_THAT(refused({.namespaces = {"a,b"}}), HasSubstr("is no namespace"));
  const auto unlabelled = credentials->create_token({"", {}, kNever}, "u", kStart);
  EXPECT_THAT(unlabelled.error().message, HasSubstr("label"));
  EXPECT_TRUE(credentials->tokens().empty());
}

TEST_F(CredentialsTest, a_token_can_be_narrowed_to_some_or_no_actions) {
  const NewToken some =
      make({.role = "viewer", .only = ActionSet{Action::logs_read, Action::users_write}});
  const NewToken none = make({.role = "viewer", .only = ActionSet{}});
  reopen();
  EXPECT_EQ(credentials->authenticate(some.text, kStart)->actions, ActionSet{Action::logs_read});
  EXPECT_TRUE(credentials->authenticate(none.text, kStart)->actions.empty());
}

TEST_F(CredentialsTest, a_change_of_a_role_holds_at_once) {
  ASSERT_TRUE(credentials->define_role({"auditor", {Action::audit_read}}));
  const NewToken token = make({.role = "auditor"});
  EXPECT_EQ(credentials->authenticate(token.text, kStart)->actions, ActionSet{Action::audit_read});
  ASSERT_TRUE(credentials->define_role({"auditor", {Action::runs_read}}));
  reopen();
  EXPECT_EQ(credentials->authenticate(token.text, kStart)->actions, ActionSet{Action::runs_read});
  EXPECT_EQ(credentials->remove_role("auditor").error().code, ErrorCode::conflict);
  ASSERT_TRUE(credentials->revoke_token(token.record.id, kStart));
  EXPECT_TRUE(credentials->remove_role("auditor"));
  EXPECT_EQ(credentials->remove_role("auditor").error().code, ErrorCode::not_found);
  EXPECT_EQ(credentials->remove_role("admin").error().code, ErrorCode::conflict);
  EXPECT_FALSE(credentials->define_role({"admin", {}}));
  EXPECT_FALSE(credentials->define_role({"No", {}}));
}

TEST_F(CredentialsTest, tokens_of_attempts_are_known_without_being_stored) {
  const AttemptGrant grant{Uuid::from_parts(1, 2, 3), "a", "build", 1, kStart + hours{1}};
  const std::string text = credentials->attempt_token(grant);
  reopen();
  const Identity identity = credentials->authenticate(text, kStart).value();
  EXPECT_EQ(identity.kind, IdentityKind::attempt);
  EXPECT_EQ(identity.run, grant.run);
  EXPECT_FALSE(is_known(text, kStart + hours{1}));
  EXPECT_TRUE(credentials->tokens().empty());
}

TEST_F(CredentialsTest, a_user_logs_in_and_out) {
  const UserRecord alice{.name = "alice", .scope = {.role = "operator"}};
  ASSERT_TRUE(credentials->add_user(alice, kPassword, kStart));
  EXPECT_EQ(credentials->add_user(alice, kPassword, kStart).error().code, ErrorCode::conflict);
  const NewSession session = credentials->log_in("alice", kPassword, "here", kStart).value();
  reopen();
  const SessionIdentity found = credentials->session(session.cookie, kStart).value();
  EXPECT_EQ(found.identity.subject, "user:alice");
  EXPECT_EQ(found.identity.actions, actions_of(Role::operator_));
  EXPECT_TRUE(same_secret(found.csrf, session.csrf));
  EXPECT_FALSE(is_known(session.cookie));  // it is no token
  EXPECT_FALSE(credentials->session(make().text, kStart));
  ASSERT_TRUE(credentials->close_session(session.cookie));
  EXPECT_FALSE(credentials->session(session.cookie, kStart));
  reopen();
  EXPECT_FALSE(credentials->session(session.cookie, kStart));
}

TEST_F(CredentialsTest, sessions_end_when_idle_and_after_their_life) {
  ASSERT_TRUE(credentials->add_user({.name = "alice"}, kPassword, kStart));
  const NewSession idle = credentials->log_in("alice", kPassword, "a", kStart).value();
  const NewSession busy = credentials->log_in("alice", kPassword, "a", kStart).value();
  for (int i = 1; i < 24; ++i) {
    EXPECT_TRUE(credentials->session(busy.cookie, kStart + i * minutes{30})) << i;
    if (i == 10) reopen();
  }
  EXPECT_FALSE(credentials->session(busy.cookie, kStart + hours{12}));
  EXPECT_FALSE(credentials->session(idle.cookie, kStart + hours{1}));
}

TEST_F(CredentialsTest, whoever_is_changed_has_to_log_in_again) {
  ASSERT_TRUE(credentials->add_user({.name = "alice"}, kPassword, kStart));
  const auto log_in = [&] { return credentials->log_in("alice", kPassword, "a", kStart); };
  const auto is_open = [&](const NewSession& session) {
    return credentials->session(session.cookie, kStart).has_value();
  };
  NewSession session = log_in().value();
  ASSERT_TRUE(credentials->set_user({.name = "alice", .scope = {.role = "admin"}}));
  EXPECT_FALSE(is_open(session));
  session = log_in().value();
  ASSERT_TRUE(credentials->set_password("alice", "another password"));
  EXPECT_FALSE(is_open(session));
  EXPECT_EQ(log_in().error().code, ErrorCode::unauthenticated);
  ASSERT_TRUE(credentials->set_password("alice", kPassword));
  session = log_in().value();
  ASSERT_TRUE(credentials->set_user({.name = "alice", .disabled = true}));
  EXPECT_FALSE(is_open(session));
  EXPECT_EQ(log_in().error().code, ErrorCode::unauthenticated);
  ASSERT_TRUE(credentials->set_user({.name = "alice"}));
  session = log_in().value();
  ASSERT_TRUE(credentials->remove_user("alice"));
  EXPECT_FALSE(is_open(session));
  EXPECT_FALSE(log_in());
  EXPECT_TRUE(credentials->users().empty());
}

TEST_F(CredentialsTest, guessing_passwords_takes_longer_and_longer) {
  ASSERT_TRUE(credentials->add_user({.name = "alice"}, kPassword, kStart));
  Time now = kStart;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(credentials->log_in("alice", "wrong", "bad", now).error().code,
              ErrorCode::unauthenticated);
  }
  const auto refused = credentials->log_in("alice", kPassword, "bad", now);
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("wait 1"));
  EXPECT_FALSE(credentials->log_in("alice", kPassword, "elsewhere", now));  // the name waits too
  EXPECT_FALSE(credentials->log_in("bob", "wrong", "bad", now));            // and the address
  now += seconds{1};
  EXPECT_TRUE(credentials->log_in("alice", kPassword, "elsewhere", now));
  // Nobody can keep somebody else out: from a good address it is half a minute at most.
  for (int i = 0; i < 100; ++i) {
    now += minutes{20};
    EXPECT_FALSE(credentials->log_in("alice", "wrong", "bad" + std::to_string(i), now));
  }
  EXPECT_TRUE(credentials->log_in("alice", kPassword, "elsewhere", now + seconds{30}));
}

TEST_F(CredentialsTest, unknown_names_are_answered_as_wrong_passwords) {
  ASSERT_TRUE(credentials->add_user({.name = "alice"}, kPassword, kStart));
  EXPECT_EQ(credentials->log_in("alice", "wrong", "a", kStart).error(),
            credentials->log_in("nobody", "wrong", "a", kStart).error());
  EXPECT_FALSE(credentials->log_in("", "", "a", kStart));
  EXPECT_FALSE(
      credentials->log_in(std::string(100'000, 'x'), std::string(100'000, 'x'), "a", kStart));
}

TEST_F(CredentialsTest, bad_names_and_passwords_are_refused) {
  for (const std::string_view bad : {"", "Alice", "a b", "a/b", "é"})
    EXPECT_FALSE(credentials->add_user({.name = std::string(bad)}, kPassword, kStart));
  EXPECT_FALSE(credentials->add_user({.name = "alice"}, "short", kStart));
  EXPECT_FALSE(credentials->add_user({.name = "alice"}, std::string(1025, 'x'), kStart));
  EXPECT_FALSE(
      credentials->add_user({.name = "alice", .scope = {.role = "none"}}, kPassword, kStart));
  EXPECT_EQ(credentials->set_password("alice", kPassword).error().code, ErrorCode::not_found);
}

TEST_F(CredentialsTest, a_user_has_a_bounded_number_of_sessions) {
  const UserRecord user{.name = "oidc:a(a@b.example)", .scope = {}};
  const NewSession first = credentials->open_session(user, kStart).value();
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(credentials->open_session(user, kStart + seconds{1 + i}));
  EXPECT_FALSE(credentials->session(first.cookie, kStart + seconds{60}));
}

TEST_F(CredentialsTest, the_first_start_leaves_an_administrators_token) {
  const std::string path = directory.path("admin.token");
  EXPECT_TRUE(make_admin_token(*credentials, path, kStart).value());
  EXPECT_FALSE(make_admin_token(*credentials, path, kStart).value());
  std::string text = read_private_file(path).value();
  ASSERT_EQ(text.back(), '\n');
  text.pop_back();
  const Identity identity = credentials->authenticate(text, kStart).value();
  EXPECT_TRUE(authorise(identity, Action::users_write, {}).allowed());
  EXPECT_EQ(credentials->tokens().size(), 1U);
}

TEST_F(CredentialsTest, a_first_start_that_was_interrupted_goes_on_with_the_token_that_lies_there) {
  const std::string path = directory.path("admin.token");
  ASSERT_TRUE(make_admin_token(*credentials, path, kStart).value());
  std::string text = read_private_file(path).value();
  text.pop_back();
  credentials.reset();
  for (const std::string end : {"", "-wal", "-shm"})
    std::filesystem::remove(directory.path("security.db" + end));
  reopen();
  EXPECT_FALSE(is_known(text));
  EXPECT_TRUE(make_admin_token(*credentials, path, kStart).value());
  EXPECT_TRUE(is_known(text));
}

TEST_F(CredentialsTest, the_administrators_token_goes_nowhere_where_others_could_read_it) {
  const std::string path = directory.path("admin.token");
  ASSERT_EQ(::symlink(directory.path("elsewhere").c_str(), path.c_str()), 0);
  EXPECT_FALSE(make_admin_token(*credentials, path, kStart));
  EXPECT_FALSE(std::filesystem::exists(directory.path("elsewhere")));
  std::filesystem::remove(path);
  write_file(path, "not a token");
  EXPECT_EQ(make_admin_token(*credentials, path, kStart).error().code,
            ErrorCode::permission_denied);  // others can read it
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(make_admin_token(*credentials, path, kStart).error().code, ErrorCode::conflict);
  EXPECT_TRUE(credentials->tokens().empty());
}

TEST_F(CredentialsTest, databases_of_a_newer_reeve_and_of_others_are_refused) {
  const NewToken token = make();
  const auto change = [this](const std::string& sql) {
    credentials.reset();
    auto database = store::sqlite::Connection::open(directory.path("security.db"),
                                                    store::sqlite::Access::read_write, Duration{0});
    ASSERT_TRUE(database->execute(sql));
  };
  const auto code = [this] {
    return Credentials::open(directory.path("security.db")).error().code;
  };
  change("PRAGMA user_version = 99");
  EXPECT_EQ(code(), ErrorCode::unsupported);
  change("PRAGMA user_version = 2; PRAGMA application_id = 7");
  EXPECT_EQ(code(), ErrorCode::conflict);
  change("PRAGMA application_id = 0x52454556");  // that of the engine
  EXPECT_EQ(code(), ErrorCode::conflict);
  change("PRAGMA application_id = 0x52454553; UPDATE tokens SET only_actions = 'runs.fly'");
  EXPECT_FALSE(Credentials::open(directory.path("security.db")));
  change("UPDATE tokens SET only_actions = NULL");
  reopen();
  EXPECT_TRUE(is_known(token.text));
  credentials.reset();
  write_file(directory.path("security.db"), std::string(8192, 'x'));
  EXPECT_EQ(code(), ErrorCode::corrupt);
}

TEST_F(CredentialsTest, a_token_of_somebody_who_signed_on_acts_as_him_and_ends) {
  const auto sign_on = [this](std::string subject, Time now) {
    return credentials->create_token({.label = "single sign-on",
                                      .scope = {},
                                      .expires_at = now + hours{8},
                                      .subject = std::move(subject)},
                                     "oidc:1", now);
  };
  const NewToken token = sign_on("oidc:1(a@x.example)", kStart).value();
  reopen();
  const Identity identity = credentials->authenticate(token.text, kStart).value();
  EXPECT_EQ(identity.subject, "oidc:1(a@x.example)");
  EXPECT_EQ(identity.kind, IdentityKind::user);
  EXPECT_EQ(identity.until, kStart + hours{8});
  EXPECT_FALSE(is_known(token.text, kStart + hours{8}));
  EXPECT_EQ(credentials->sign_on_token(token.text), token.record.id);
  EXPECT_EQ(credentials->sign_on_token(make().text), std::nullopt);
  EXPECT_EQ(
      credentials->rotate_token(token.record.id, seconds{1}, "user:root", kStart).error().code,
      ErrorCode::conflict);
  EXPECT_FALSE(credentials->create_token({.label = "x", .subject = "oidc:1"}, "x", kStart));
  // The newest twenty hold, whatever the e-mail; others' are not counted.
  const NewToken other = sign_on("oidc:12", kStart).value();
  for (int i = 1; i <= 20; ++i) ASSERT_TRUE(sign_on("oidc:1(new@x.example)", kStart + seconds{i}));
  EXPECT_FALSE(is_known(token.text, kStart + minutes{1}));
  EXPECT_TRUE(is_known(other.text, kStart + minutes{1}));
  // Those that ended a week ago are forgotten, others' tokens are not.
  ASSERT_TRUE(sign_on("oidc:2", kStart + hours{8 + 7 * 24 + 1}));
  reopen();
  EXPECT_EQ(credentials->tokens().size(), 2U);
}

TEST_F(CredentialsTest, what_somebody_has_who_signed_on_can_be_ended) {
  const auto session = [this](std::string name) {
    return credentials->open_session({.name = std::move(name), .scope = {}}, kStart).value().cookie;
  };
  const std::string one = session("oidc:1(a@x.example)");
  const std::string other = session("oidc:12");
  EXPECT_EQ(credentials->session(one, kStart)->identity.subject, "oidc:1(a@x.example)");
  EXPECT_EQ(credentials->end_sign_on("oidc:1", kStart).value(), 1U);
  EXPECT_FALSE(credentials->session(one, kStart));
  EXPECT_TRUE(credentials->session(other, kStart));
  EXPECT_FALSE(credentials->open_session({.name = "alice", .scope = {}}, kStart));
  EXPECT_FALSE(credentials->open_session({.name = "oidc:", .scope = {}}, kStart));
  EXPECT_FALSE(credentials->open_session({.name = "oidc:a b", .scope = {}}, kStart));
  EXPECT_FALSE(credentials->add_user({.name = "oidc:1"}, kPassword, kStart));
}

TEST_F(CredentialsTest, another_issuer_ends_what_the_former_vouched_for) {
  ASSERT_TRUE(credentials->trust("one", kStart));
  const NewSession session =
      credentials->open_session({.name = "oidc:1", .scope = {}}, kStart).value();
  const NewToken own = make();
  ASSERT_TRUE(credentials->trust("one", kStart));
  reopen();
  ASSERT_TRUE(credentials->trust("one", kStart));
  EXPECT_TRUE(credentials->session(session.cookie, kStart));
  ASSERT_TRUE(credentials->trust("two", kStart));
  EXPECT_FALSE(credentials->session(session.cookie, kStart));
  EXPECT_TRUE(is_known(own.text));
}

TEST_F(CredentialsTest, a_database_of_version_1_is_brought_up_to_date) {
  const NewToken token = make();
  credentials.reset();
  {
    auto database = store::sqlite::Connection::open(directory.path("security.db"),
                                                    store::sqlite::Access::read_write, Duration{0});
    ASSERT_TRUE(
        database->execute("ALTER TABLE tokens DROP COLUMN subject; PRAGMA user_version = 1"));
  }
  reopen();
  const Identity identity = credentials->authenticate(token.text, kStart).value();
  EXPECT_EQ(identity.kind, IdentityKind::token);
  EXPECT_TRUE(credentials->create_token(
      {.label = "x", .scope = {}, .expires_at = kStart + hours{1}, .subject = "oidc:1"}, "x",
      kStart));
}

TEST_F(CredentialsTest, a_database_that_others_can_read_is_refused) {
  credentials.reset();
  ASSERT_EQ(::chmod(directory.path("security.db").c_str(), 0644), 0);
  EXPECT_EQ(Credentials::open(directory.path("security.db")).error().code,
            ErrorCode::permission_denied);
}

}  // namespace
}  // namespace reeve::security
