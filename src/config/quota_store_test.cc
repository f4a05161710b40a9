#include "config/quota_store.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace reeve::config {
namespace {

namespace fs = std::filesystem;
constexpr Time kSetThen{std::chrono::hours{24}};

class QuotaStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "reeve_quotas_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::string path() const { return (directory_ / "quotas.json").string(); }

  fs::path directory_;
};

TEST_F(QuotaStoreTest, KeepsWhatWasSetAndCountsVersionsOn) {
  QuotaStore store(path());
  EXPECT_TRUE(store.list()->empty());
  const auto ada = store.set({.user = "ada", .running_max = 3}, 0, "user:root", kSetThen);
  ASSERT_TRUE(ada) << ada.error().text();
  EXPECT_EQ(ada->version, 1U);
  EXPECT_EQ(store.set({.queued_max = 9}, QuotaStore::kAnyVersion, "x", kSetThen)->version, 2U);
  EXPECT_EQ(store
                .set({.user = "ada", .queue = "lab", .cpu_seconds_a_day = 60, .refuse = true}, 0,
                     "x", kSetThen)
                ->version,
            3U);
  const auto all = QuotaStore(path()).list();
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].quota.queue, "lab");
  EXPECT_EQ((*all)[1], *ada);
  EXPECT_EQ((*all)[2].quota.queued_max, 9);
  EXPECT_TRUE(store.remove("ada", "", 1));
  EXPECT_EQ(store.set({.user = "ada", .running_max = 3}, 0, "x", kSetThen)->version, 5U);
}

TEST_F(QuotaStoreTest, WhatChangedMeanwhileIsAConflict) {
  QuotaStore store(path());
  ASSERT_TRUE(store.set({.user = "ada", .running_max = 3}, 0, "x", kSetThen));
  const auto code = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(code(store.set({.user = "ada", .running_max = 4}, 0, "x", kSetThen)),
            ErrorCode::conflict);
  EXPECT_EQ(code(store.set({.user = "ada", .running_max = 4}, 7, "x", kSetThen)),
            ErrorCode::conflict);
  EXPECT_EQ(code(store.set({.user = "bob", .running_max = 4}, 1, "x", kSetThen)),
            ErrorCode::conflict);
  EXPECT_EQ(code(store.remove("ada", "", 7)), ErrorCode::conflict);
  EXPECT_EQ(code(store.remove("bob", "", QuotaStore::kAnyVersion)), ErrorCode::not_found);
  EXPECT_EQ(store.list()->front().quota.running_max, 3);
}

TEST_F(QuotaStoreTest, DamageIsSaidAndNothingIsChanged) {
  for (const std::string_view text : {"nonsense", "[]", "{}", R"({"format":1,"last_version":1})",
                                      R"({"format":1,"last_version":1,"quotas":[{}]})",
                                      R"({"format":1,"last_version":-1,"quotas":[]})"}) {
    std::ofstream(path()) << text;
    QuotaStore store(path());
    EXPECT_EQ(store.list().error().code, ErrorCode::corrupt) << text;
    EXPECT_FALSE(store.set({.running_max = 1}, QuotaStore::kAnyVersion, "x", kSetThen)) << text;
  }
  std::ofstream(path()) << R"({"format":2,"last_version":1,"quotas":[]})";
  EXPECT_EQ(QuotaStore(path()).list().error().code, ErrorCode::unsupported);
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
