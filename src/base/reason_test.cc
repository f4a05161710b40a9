#include "base/reason.h"

#include <cerrno>
#include <csignal>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve {
namespace {

TEST(ReasonTable, HasOneNameAndOneSentenceForEveryCode) {
  ASSERT_EQ(reason_table().size(), kReasonCodeCount);
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (const ReasonInfo& row : reason_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(sentences.insert(row.sentence).second) << row.sentence;
    EXPECT_EQ(name(row.code), row.name);
    EXPECT_FALSE(row.sentence.ends_with('.')) << row.name;
    for (const char c : row.name) EXPECT_TRUE(c == '_' || (c >= 'a' && c <= 'z')) << row.name;
  }
}

TEST(ReasonTable, HasOnlyPlaceholdersThatAreRendered) {
  const std::set<std::string_view> known{"{a}",        "{b}",          "{a:duration}",
                                         "{a:bytes}",  "{b:shortage}", "{a:amount}",
                                         "{a:signal}", "{a:errno}",    "{a:time}"};
  for (const ReasonInfo& row : reason_table()) {
    for (std::string_view rest = row.sentence; rest.find('{') != std::string_view::npos;) {
      rest.remove_prefix(rest.find('{'));
      const std::size_t close = rest.find('}');
      ASSERT_NE(close, std::string_view::npos) << row.sentence;
      EXPECT_TRUE(known.contains(rest.substr(0, close + 1))) << row.sentence;
      rest.remove_prefix(close + 1);
    }
  }
}

TEST(Describe, FillsInTheNumbers) {
  const std::vector<std::pair<Reason, std::string>> table{
      {{ReasonCode::completed, 0, 0}, "completed"},
      {{ReasonCode::held_open, 3, 1'763'917'746'123'456},
       "failed with status 3 and is held until 2025-11-23 17:09:06 UTC: `reeve exec` enters its "
       "sandbox, `reeve resume` lets it go"},
      {{ReasonCode::retry_backoff, 2, 1'500'000},
       "waits 1.5s before it is tried again after attempt 2"},
      {{ReasonCode::needs_pending, 5, 2}, "waits for 2 of the 5 tasks that it needs"},
      {{ReasonCode::memory_limit, 0, 1 << 30}, "went over its memory limit of 1 GiB"},
      {{ReasonCode::killed_by_signal, 0, SIGKILL}, "was killed by signal 9 (SIGKILL)"},
      {{ReasonCode::killed_by_signal, 0, 64}, "was killed by signal 64"},
      {{ReasonCode::command_not_found, 0, ENOENT},
       "could not start: the command was not found (No such file or directory)"},
      {{ReasonCode::capacity, static_cast<std::int32_t>(Shortage::cpu), 1500},
       "waits for cpu: it asks for 1.5 cpu, and less is free"},
      {{ReasonCode::capacity, static_cast<std::int32_t>(Shortage::memory), 1 << 20},
       "waits for memory: it asks for 1 MiB memory, and less is free"},
      {{ReasonCode::capacity, static_cast<std::int32_t>(Shortage::countable), 3},
       "waits for a counted resource: it asks for 3, and less is free"},
      {{ReasonCode::capacity, 99, 3}, "waits for capacity: it asks for 3, and less is free"},
  };
  for (const auto& [reason, sentence] : table) EXPECT_EQ(describe(reason), sentence);
}

TEST(Describe, SaysUnknownForCodesOfALaterVersion) {
  const auto later = static_cast<ReasonCode>(kReasonCodeCount);
  EXPECT_EQ(describe(Reason{later, 1, 2}), "unknown");
  EXPECT_EQ(name(later), "unknown");
  EXPECT_EQ(name(static_cast<Shortage>(6)), "unknown");
}

RC_GTEST_PROP(Describe, AlwaysGivesASentence, (std::int32_t b, std::int64_t a)) {
  const auto code = static_cast<ReasonCode>(*rc::gen::inRange<int>(0, kReasonCodeCount + 3));
  const std::string sentence = describe(Reason{code, b, a});
  RC_ASSERT(!sentence.empty());
  RC_ASSERT(sentence.find('{') == std::string::npos);
}

}  // namespace
}  // namespace reeve
