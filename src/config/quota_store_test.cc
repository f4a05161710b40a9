#include "config/quota_store.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "config/setting_store.h"
#include "store/sqlite/connection.h"

namespace reeve::config {
namespace {

namespace fs = std::filesystem;
using store::sqlite::Access;
using store::sqlite::Connection;
constexpr Time kSetThen{std::chrono::hours{24}};

class QuotaStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "reeve_quotas_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::string path() const { return (directory_ / "flags.db").string(); }
  Result<std::unique_ptr<QuotaStore>> open() const { return QuotaStore::open(path()); }

  fs::path directory_;
};

TEST_F(QuotaStoreTest, KeepsWhatWasSetAndEveryVersionOfIt) {
  auto store = open().value();
  EXPECT_TRUE(store->list()->empty());
  const auto ada = store->set({.user = "ada", .running_max = 3}, 0, "user:root", kSetThen);
  ASSERT_TRUE(ada) << ada.error().text();
  EXPECT_EQ(ada->version, 1U);
  ASSERT_TRUE(store->set({.queued_max = 9}, kAnyVersion, "x", kSetThen));
  ASSERT_TRUE(store->set({.user = "ada", .queue = "lab", .cpu_seconds_a_day = 60, .refuse = true},
                         0, "x", kSetThen));
  store = open().value();
  const auto all = store->list();
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].quota.queue, "lab");
  EXPECT_EQ((*all)[1], *ada);
  EXPECT_EQ((*all)[2].quota.queued_max, 9);
  ASSERT_TRUE(store->remove("ada", "", 1, "bob", kSetThen));
  EXPECT_EQ(store->set({.user = "ada", .running_max = 4}, 0, "x", kSetThen)->version, 3U);
  const auto history = store->history("ada", "").value();
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[0].quota.running_max, 4);
  EXPECT_TRUE(history[1].removed);
  EXPECT_EQ(history[1].by, "bob");
  EXPECT_EQ(history[2], *ada);
  EXPECT_TRUE(store->history("ada", "no").value().empty());
}

TEST_F(QuotaStoreTest, NamesOfUsersMayHoldWhateverAnIssuerSays) {
  const auto store = open().value();
  for (const char* user : {"oidc:1(a b@c.d)", "lab ada", " ", "a@lab"}) {
    ASSERT_TRUE(store->set({.user = user, .running_max = 1}, 0, "x", kSetThen)) << user;
    ASSERT_TRUE(store->set({.user = user, .queue = "lab", .running_max = 2}, 0, "x", kSetThen));
  }
  const auto all = store->list().value();
  ASSERT_EQ(all.size(), 8U);
  for (const SetQuota& each : all)
    EXPECT_EQ(each.quota.running_max, each.quota.queue == "lab" ? 2 : 1) << each.quota.user;
}

TEST_F(QuotaStoreTest, WhatChangedMeanwhileIsAConflict) {
  const auto store = open().value();
  ASSERT_TRUE(store->set({.user = "ada", .running_max = 3}, 0, "x", kSetThen));
  const auto code = [](const auto& result) { return result.error().code; };
  for (const std::uint64_t stale : {0, 7})
    EXPECT_EQ(code(store->set({.user = "ada", .running_max = 4}, stale, "x", kSetThen)),
              ErrorCode::conflict);
  EXPECT_EQ(code(store->set({.user = "bob", .running_max = 4}, 1, "x", kSetThen)),
            ErrorCode::conflict);
  EXPECT_EQ(code(store->remove("ada", "", 7, "x", kSetThen)), ErrorCode::conflict);
  EXPECT_EQ(code(store->remove("bob", "", kAnyVersion, "x", kSetThen)), ErrorCode::not_found);
  EXPECT_EQ(store->list()->front().quota.running_max, 3);
}

TEST_F(QuotaStoreTest, MoreThanSoManyAreRefused) {
  const auto store = open().value();
  for (std::size_t i = 0; i < kQuotasMax; ++i)
    ASSERT_TRUE(store->set({.user = std::to_string(i), .running_max = 1}, 0, "x", kSetThen));
  EXPECT_EQ(store->set({.user = "ada", .running_max = 1}, 0, "x", kSetThen).error().code,
            ErrorCode::exhausted);
  EXPECT_TRUE(store->set({.user = "7", .running_max = 2}, 1, "x", kSetThen));
  ASSERT_TRUE(store->remove("8", "", 1, "x", kSetThen));
  EXPECT_TRUE(store->set({.user = "ada", .running_max = 1}, 0, "x", kSetThen));
}

TEST_F(QuotaStoreTest, AFileOfVersion2IsMigratedWithWhatItHolds) {
  {
    ASSERT_TRUE(SettingStore::open(path()).value()->set("log.level", "debug", kAnyVersion, "ada",
                                                        kSetThen));
    auto database = Connection::open(path(), Access::read_write, std::chrono::seconds{1}).value();
    ASSERT_TRUE(database.execute("DROP TABLE quotas; PRAGMA user_version = 2"));
  }
  const auto store = open().value();
  ASSERT_TRUE(store->set({.user = "ada", .running_max = 3}, 0, "x", kSetThen));
  EXPECT_EQ(SettingStore::open(path()).value()->list().value().front().text, "debug");
}

TEST_F(QuotaStoreTest, ARowThatIsNoneIsSaid) {
  const auto store = open().value();
  ASSERT_TRUE(store->set({.user = "ada", .running_max = 3}, 0, "x", kSetThen));
  auto database = Connection::open(path(), Access::read_write, std::chrono::seconds{1}).value();
  for (const char* text : {"nonsense", "{}", "[]", R"({"running_max":"1"})"}) {
    ASSERT_TRUE(database.execute(std::string("UPDATE quotas SET definition = '") + text + "'"));
    EXPECT_EQ(open().value()->list().error().code, ErrorCode::corrupt) << text;
  }
}

TEST(MergeQuotas, TakesThePlaceOfTheSameOrGoesBeforeAll) {
  const std::vector<QuotaSetup> file{{.user = "ada", .running_max = 1}, {.running_max = 2}};
  const auto set = [](QuotaSetup quota) { return SetQuota{std::move(quota), 1, kSetThen, "x"}; };
  EXPECT_EQ(merge_quotas(file, {}), file);
  const std::vector<QuotaSetup> wanted{
      {.user = "bob", .running_max = 5}, {.user = "ada", .running_max = 1}, {.running_max = 7}};
  EXPECT_EQ(merge_quotas(file, {set({.user = "bob", .running_max = 5}), set({.running_max = 7})}),
            wanted);
}

}  // namespace
}  // namespace reeve::config
