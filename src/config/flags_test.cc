#include "config/flags.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <stdlib.h>

#include "config/flag_store.h"

namespace reeve::config {
namespace {

using testing::HasSubstr;

constexpr Time kThen{std::chrono::hours{400'000}};

TEST(Flag, off_is_off_for_all) {
  Flag flag{.name = "x", .on = false, .rules = {{}}};
  EXPECT_FALSE(evaluate(flag, {"a"}).on);
  flag.on = true;
  EXPECT_TRUE(evaluate(flag, {"a"}).on);
  flag.rules.clear();
  flag.rollout = 0;
  EXPECT_FALSE(evaluate(flag, {"a"}).on);
}

TEST(Flag, the_first_rule_that_matches_decides) {
  const Flag flag{.name = "x",
                  .on = true,
                  .rules = {{.namespaces = {"a", "b"}, .labels = {{"team", "t"}}},
                            {.namespaces = {"b"}, .rollout = 0},
                            {.labels = {{"canary", "yes"}}}},
                  .rollout = 0};
  EXPECT_TRUE(evaluate(flag, {"k", "a", {{"team", "t"}, {"more", ""}}}).on);
  EXPECT_FALSE(evaluate(flag, {"k", "a", {{"team", "u"}}}).on);
  EXPECT_TRUE(evaluate(flag, {"k", "b", {{"team", "t"}}}).on);
  EXPECT_FALSE(evaluate(flag, {"k", "b", {{"canary", "yes"}}}).on);
  EXPECT_TRUE(evaluate(flag, {"k", "c", {{"canary", "yes"}}}).on);
  EXPECT_EQ(evaluate(flag, {"k", "c", {{"canary", "yes"}}}).why, "rule 3: on for all");
  EXPECT_EQ(evaluate(flag, {"k", "c", {}}).why, "no rule matches: off for all");
}

TEST(Flag, a_percentage_is_met_and_whoever_is_in_stays_in) {
  int before = 0;
  std::vector<bool> in(20'000);
  for (const std::uint32_t rollout : {100U, 1000U, 2500U, 5000U, 9900U, 10'000U}) {
    const Flag flag{.name = "new-planner", .on = true, .rollout = rollout};
    int count = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const bool on = evaluate(flag, {"workflow" + std::to_string(i)}).on;
      EXPECT_TRUE(on || !in[i]);
      in[i] = on;
      count += on ? 1 : 0;
    }
    EXPECT_NEAR(count / 2.0, rollout, 100);
    EXPECT_GE(count, before);
    before = count;
  }
}

TEST(Flag, two_flags_choose_independently) {
  int both = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(i);
    both += rollout_bucket("a", key) < 5000 && rollout_bucket("b", key) < 5000 ? 1 : 0;
  }
  EXPECT_NEAR(both, 2500, 200);
  EXPECT_EQ(rollout_bucket("new-planner", "build"), 1828U);  // on no release may this change
}

TEST(Flag, is_written_and_read_as_json) {
  const Flag flag{.name = "a.b-c_d",
                  .description = "says \"why\"",
                  .on = true,
                  .rules = {{.namespaces = {"a"}, .labels = {{"k", "v"}}, .rollout = 1234}},
                  .rollout = 50};
  EXPECT_EQ(parse_flag(flag_json(flag)).value(), flag);
  EXPECT_THAT(flag_json(flag), HasSubstr("\"rollout_percent\":5E-1"));
}

TEST(Flag, wrong_json_is_refused) {
  const auto refused = [](std::string_view text) {
    const auto parsed = parse_flag(text);
    EXPECT_FALSE(parsed) << text;
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_THAT(refused(R"({"name":"a","rolout_percent":1})"),
              HasSubstr("did you mean 'rollout_percent'?"));
  EXPECT_THAT(refused(R"({"name":"a","rules":[{"label":{}}]})"), HasSubstr("'labels'"));
  for (const std::string_view bad :
       {"", "[]", "{}", R"({"name":"A"})", R"({"name":1})", R"({"name":"a","on":1})",
        R"({"name":"a","rollout_percent":101})", R"({"name":"a","rollout_percent":-1})",
        R"({"name":"a","rollout_percent":"1"})", R"({"name":"a","rules":{}})",
        R"({"name":"a","rules":[1]})", R"({"name":"a","rules":[{"namespaces":"x"}]})",
        R"({"name":"a","rules":[{"namespaces":[1]}]})", R"({"name":"a","rules":[{"labels":[]}]})",
        R"({"name":"a","rules":[{"labels":{"k":1}}]})", R"({"name":"a","description":1})"})
    refused(bad);
  refused(R"({"name":")" + std::string(300'000, 'a') + "\"}");
}

class FlagStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "reeve-flags-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory = name;
    store = open();
  }
  void TearDown() override {
    store.reset();
    std::filesystem::remove_all(directory);
  }
  std::unique_ptr<FlagStore> open() const {
    return FlagStore::open((directory / "flags.db").string()).value();
  }
  std::filesystem::path directory;
  std::unique_ptr<FlagStore> store;
};

TEST_F(FlagStoreTest, flags_are_kept_with_their_history) {
  const Flag first{.name = "x", .on = false};
  const Flag second{.name = "x", .on = true};
  EXPECT_EQ(store->set(first, 0, "user:a", kThen)->version, 1U);
  EXPECT_EQ(store->set(second, 1, "user:b", kThen + Duration{1})->version, 2U);
  store = open();
  EXPECT_EQ(store->list()->size(), 1U);
  EXPECT_EQ(store->find("x").value()->flag, second);
  EXPECT_TRUE(store->ask("x", {"k"})->on);
  ASSERT_TRUE(store->remove("x", 2, "user:c", kThen));
  EXPECT_FALSE(store->ask("x", {"k"})->on);
  EXPECT_TRUE(store->list()->empty());
  EXPECT_FALSE(store->find("x").value());
  EXPECT_EQ(store->remove("x", FlagStore::kAnyVersion, "u", kThen).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(store->set(first, 0, "user:d", kThen)->version, 4U);
  const auto history = store->history("x").value();
  ASSERT_EQ(history.size(), 4U);
  EXPECT_EQ(history[0].by, "user:d");
  EXPECT_TRUE(history[1].removed);
  EXPECT_EQ(history[2].flag, second);
  EXPECT_EQ(history[3].at, kThen);
  EXPECT_EQ(store->history("y").error().code, ErrorCode::not_found);
}

TEST_F(FlagStoreTest, who_saw_an_older_version_changes_nothing) {
  ASSERT_TRUE(store->set({.name = "x"}, 0, "a", kThen));
  EXPECT_EQ(store->set({.name = "x"}, 0, "a", kThen).error().code, ErrorCode::conflict);
  EXPECT_EQ(store->set({.name = "x"}, 2, "a", kThen).error().code, ErrorCode::conflict);
  EXPECT_EQ(store->remove("x", 7, "a", kThen).error().code, ErrorCode::conflict);
  EXPECT_TRUE(store->set({.name = "x"}, FlagStore::kAnyVersion, "a", kThen));
  EXPECT_FALSE(store->set({.name = "Bad"}, 0, "a", kThen));
}

TEST_F(FlagStoreTest, what_another_process_changes_is_seen) {
  const auto other = open();
  ASSERT_TRUE(other->set({.name = "x", .on = true}, 0, "a", kThen));
  EXPECT_TRUE(store->ask("x", {"k"})->on);
  ASSERT_TRUE(store->set({.name = "x"}, 1, "a", kThen));
  EXPECT_FALSE(other->ask("x", {"k"})->on);
  EXPECT_EQ(other->set({.name = "x"}, 1, "a", kThen).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace reeve::config
