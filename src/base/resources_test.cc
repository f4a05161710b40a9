#include "base/resources.h"

#include <algorithm>
#include <limits>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

Resources any_resources() {
  const auto amount = [] { return *rc::gen::inRange<std::int64_t>(0, 1'000'000); };
  Resources out{amount(), amount(), amount(), amount(), {}};
  for (const char* name : {"alpha", "beta", "gamma"}) {
    const auto count = *rc::gen::inRange<std::int64_t>(0, 4);
    if (count > 0) out.countables.push_back({name, count});
  }
  return out;
}

TEST(Resources, SayWhatIsShort) {
  const Resources pool{2000, 1000, 500, 0, {{"licence", 2}}};
  EXPECT_TRUE(pool.covers(pool));
  EXPECT_TRUE(pool.covers({}));
  EXPECT_EQ(pool.first_shortage({2001, 0, 0, 0, {}}), "cpu");
  EXPECT_EQ(pool.first_shortage({0, 1001, 0, 0, {}}), "memory");
  EXPECT_EQ(pool.first_shortage({0, 0, 501, 0, {}}), "disk");
  EXPECT_EQ(pool.first_shortage({0, 0, 0, 1, {}}), "gpu");
  EXPECT_EQ(pool.first_shortage({0, 0, 0, 0, {{"licence", 3}}}), "licence");
  EXPECT_EQ(pool.first_shortage({0, 0, 0, 0, {{"other", 1}}}), "other");
  EXPECT_EQ(pool.first_shortage({0, 0, 0, 0, {{"licence", 2}}}), "");
}

TEST(Resources, AddStopsAtTheEndOfTheRange) {
  Resources sum{kLargest, 0, 0, 0, {}};
  sum.add({1, 0, 0, 0, {}});
  EXPECT_EQ(sum.cpu_millicores, kLargest);
}

TEST(Resources, SubtractingMoreThanThereIsIsABug) {
  Resources pool{1, 0, 0, 0, {}};
  EXPECT_DEATH(pool.subtract({2, 0, 0, 0, {}}), "covers");
}

TEST(FormatResources, ShowsOnlyWhatIsThere) {
  EXPECT_EQ(format_resources({}), "nothing");
  EXPECT_EQ(format_resources({2000, std::int64_t{1} << 30, 0, 0, {}}), "2 cpu, 1 GiB memory");
  EXPECT_EQ(format_resources({500, 0, 1536, 1250, {{"licence", 3}}}),
            "0.5 cpu, 1.5 KiB disk, 1.25 gpu, 3 licence");
}

TEST(ParseMillis, ReadsKubernetesQuantities) {
  const std::map<std::string, std::int64_t> table{{"0", 0},         {"2", 2000},  {"1.5", 1500},
                                                  {"500m", 500},    {"0.1", 100}, {"0.0001", 1},
                                                  {"1k", 1'000'000}};
  for (const auto& [text, value] : table) {
    const auto parsed = parse_millis(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, value) << text;
  }
  for (const char* bad : {"", "m", "-1", "+1", "1.", ".5", "1..5", "1 ", " 1", "1Ki", "1e3", "one",
                          "9999999999999999999", "999999999999999999"})
    EXPECT_FALSE(parse_millis(bad)) << bad;
}

TEST(ParseBytes, ReadsKubernetesQuantities) {
  const std::map<std::string, std::int64_t> table{{"0", 0},
                                                  {"1024", 1024},
                                                  {"128Mi", 134'217'728},
                                                  {"1G", 1'000'000'000},
                                                  {"1.5Gi", 1'610'612'736},
                                                  {"0.3", 1},
                                                  {"1k", 1000},
                                                  {"1Ki", 1024},
                                                  {"7Ei", std::int64_t{7} << 60},
                                                  {"9E", 9'000'000'000'000'000'000}};
  for (const auto& [text, value] : table) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, value) << text;
  }
  for (const char* bad :
       {"", "Mi", "-1", "8Ei", "10E", "1 Gi", "1GiB", "1m", "1K", "1.Gi", "0x10"}) {
    const auto parsed = parse_bytes(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

TEST(FormatBytes, IsForPeople) {
  const std::map<std::int64_t, std::string> table{
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1 KiB"},
      {1536, "1.5 KiB"},
      {1'048'575, "1023.9 KiB"},
      {std::int64_t{3} << 29, "1.5 GiB"},
      {-1536, "-1.5 KiB"},
      {kLargest, "7.9 EiB"},
      {std::numeric_limits<std::int64_t>::min(), "-8 EiB"}};
  for (const auto& [bytes, text] : table) EXPECT_EQ(format_bytes(bytes), text);
}

RC_GTEST_PROP(Resources, SubtractUndoesAdd, ()) {
  const Resources pool = any_resources();
  const Resources request = any_resources();
  Resources sum = pool;
  sum.add(request);
  RC_ASSERT(sum.covers(pool));
  RC_ASSERT(sum.covers(request));
  RC_ASSERT(std::ranges::is_sorted(sum.countables, {}, &Countable::name));
  sum.subtract(request);
  RC_ASSERT(sum == pool);
}

RC_GTEST_PROP(Resources, CoversAgreesWithTheShortage, ()) {
  const Resources pool = any_resources();
  const Resources request = any_resources();
  RC_ASSERT(pool.covers(request) == pool.first_shortage(request).empty());
}

RC_GTEST_PROP(ParseBytes, SurvivesAnyText, (const std::string& text)) {
  if (const auto bytes = parse_bytes(text)) RC_ASSERT(*bytes >= 0);
  if (const auto millis = parse_millis(text)) RC_ASSERT(*millis >= 0);
}

}  // namespace
}  // namespace reeve
