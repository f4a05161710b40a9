#include "config/setting_store.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/flag_store.h"

namespace reeve::config {
namespace {

using testing::HasSubstr;

constexpr Time kSetAt{std::chrono::seconds{1'700'000'000}};

class SettingStoreTest : public testing::Test {
 protected:
  ~SettingStoreTest() override { std::filesystem::remove_all(directory); }
  std::string path() const { return (directory / "flags.db").string(); }
  std::unique_ptr<SettingStore> open() const { return SettingStore::open(path()).value(); }
  Resolved resolve_with(std::string file) {
    Sources sources{.file_name = "reeve.toml", .file = std::move(file)};
    sources.set = store->list().value();
    return resolve(sources);
  }

  std::filesystem::path directory = [] {
    std::string name = std::filesystem::temp_directory_path() / "reeve-settings-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data()));
  }();
  std::unique_ptr<SettingStore> store = open();
};

TEST_F(SettingStoreTest, what_is_set_stands_over_the_file_until_it_is_unset) {
  ASSERT_TRUE(store->set("log.level", "debug", kAnyVersion, "ada", kSetAt));
  const Resolved set = resolve_with("log.level = 'error'");
  EXPECT_TRUE(set.complaints.empty());
  EXPECT_EQ(set.settings.at(Setting::log_level),
            (Effective{Value("debug"), Origin::api, "version 1 by ada"}));
  ASSERT_TRUE(store->unset("log.level", 1, "bob", kSetAt));
  EXPECT_EQ(resolve_with("log.level = 'error'").settings.at(Setting::log_level).origin,
            Origin::file);
  EXPECT_EQ(resolve_with("").settings.text(Setting::log_level), "info");
}

TEST_F(SettingStoreTest, the_environment_and_flags_have_the_last_word) {
  ASSERT_TRUE(store->set("log.level", "debug", kAnyVersion, "ada", kSetAt));
  Sources sources{.file_name = "reeve.toml", .environment = {{"REEVE_LOG_LEVEL", "warning"}}};
  sources.set = store->list().value();
  EXPECT_EQ(resolve(sources).settings.text(Setting::log_level), "warning");
  sources.flags = {{"log.level", "error"}};
  EXPECT_EQ(resolve(sources).settings.text(Setting::log_level), "error");
}

TEST_F(SettingStoreTest, every_version_is_kept_and_who_saw_an_older_one_changes_nothing) {
  ASSERT_TRUE(store->set("engine.runs_max", "7", 0, "ada", kSetAt));
  EXPECT_EQ(store->set("engine.runs_max", "8", 0, "bob", kSetAt).error().code, ErrorCode::conflict);
  ASSERT_TRUE(store->set("engine.runs_max", "8", 1, "bob", kSetAt));
  ASSERT_TRUE(store->unset("engine.runs_max", 2, "cid", kSetAt));
  EXPECT_EQ(store->unset("engine.runs_max", kAnyVersion, "cid", kSetAt).error().code,
            ErrorCode::not_found);
  store = open();
  const auto history = store->history("engine.runs_max").value();
  ASSERT_EQ(history.size(), 3U);
  EXPECT_TRUE(history[0].removed);
  EXPECT_EQ(history[1].text, "8");
  EXPECT_EQ(history[2].by, "ada");
  EXPECT_TRUE(store->list().value().empty());
}

TEST_F(SettingStoreTest, another_process_sees_it_and_flags_of_the_same_name_are_others) {
  const auto other = open();
  const auto flags = FlagStore::open(path()).value();
  ASSERT_TRUE(flags->set({.name = "log.level", .on = true}, kAnyVersion, "ada", kSetAt));
  EXPECT_TRUE(other->list().value().empty());
  ASSERT_TRUE(store->set("log.level", "debug", kAnyVersion, "ada", kSetAt));
  EXPECT_EQ(other->list().value().size(), 1U);
  EXPECT_EQ(flags->list().value().size(), 1U);
}

struct Refused {
  const char* name;
  const char* text;
  ErrorCode code;
  const char* why;
};

TEST_F(SettingStoreTest, what_may_not_be_set_here_says_where_it_may) {
  constexpr Refused kRefused[] = {
      {"log.levle", "debug", ErrorCode::not_found, "did you mean 'log.level'?"},
      {"log.level", "loud", ErrorCode::invalid_argument, "error"},
      {"engine.runs_max", "-1", ErrorCode::invalid_argument, ""},
      {"server.listen", "0.0.0.0:1", ErrorCode::invalid_argument, "start the service anew"},
      {"secrets.key_file", "/etc/shadow", ErrorCode::invalid_argument, "reeve.toml"},
      {"engine.cluster", "/etc/shadow", ErrorCode::invalid_argument, "reeve.toml"},
      {"auth.oidc.issuer", "https://evil.example", ErrorCode::invalid_argument, "reeve.toml"},
  };
  for (const Refused& each : kRefused) {
    const auto made = store->set(each.name, each.text, kAnyVersion, "ada", kSetAt);
    ASSERT_FALSE(made) << each.name;
    EXPECT_EQ(made.error().code, each.code) << each.name;
    EXPECT_THAT(made.error().text(), HasSubstr(each.why));
  }
  EXPECT_TRUE(store->list().value().empty());
}

TEST_F(SettingStoreTest, a_value_that_is_none_any_more_does_not_keep_the_service_from_starting) {
  Sources sources{.file_name = "reeve.toml"};
  sources.set = {{.name = "log.gone", .text = "x", .version = 1},
                 {.name = "log.level", .text = "shout", .version = 1}};
  const Resolved resolved = resolve(sources);
  EXPECT_TRUE(resolved.complaints.empty());
  EXPECT_EQ(resolved.settings.at(Setting::log_level).origin, Origin::fallback);
}

}  // namespace
}  // namespace reeve::config
