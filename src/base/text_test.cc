#include "base/text.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve {
namespace {

using namespace std::string_literals;

std::string closest(std::string_view word) {
  static constexpr std::array<std::string_view, 6> kCandidates{"needs",   "name", "timeout",
                                                               "command", "env",  "x"};
  return closest_match(word, std::span(kCandidates));
}

TEST(ClosestMatch, FindsTypingErrors) {
  EXPECT_EQ(closest("needs"), "needs");
  EXPECT_EQ(closest("need"), "needs");
  EXPECT_EQ(closest("Timeout"), "timeout");
  EXPECT_EQ(closest("tiemout"), "timeout");
  EXPECT_EQ(closest("comand"), "command");
  EXPECT_EQ(closest("evn"), "env");
}

TEST(ClosestMatch, DoesNotGuessWildly) {
  EXPECT_EQ(closest(""), "");
  EXPECT_EQ(closest("y"), "");
  EXPECT_EQ(closest("artifact"), "");
  EXPECT_EQ(closest(std::string(10'000, 'n')), "");
  EXPECT_EQ(closest_match("a", std::span<const std::string>{}), "");
}

TEST(IsValidUtf8, FollowsRfc3629) {
  for (const std::string& good : {""s, "abc"s, "\0"s, "ä€𝄞"s, "\x7f"s, "\xf4\x8f\xbf\xbf"s})
    EXPECT_TRUE(is_valid_utf8(good)) << testing::PrintToString(good);
  for (const std::string& bad :
       {"\x80"s, "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s, "\xf0\x80\x80\x80"s,
        "\xf4\x90\x80\x80"s, "\xf8\x88\x80\x80\x80"s, "\xff"s, "\xe2\x82"s, "\xe2\x28\xa1"s,
        "a\xc3"s})
    EXPECT_FALSE(is_valid_utf8(bad)) << testing::PrintToString(bad);
}

TEST(SanitizeForTerminal, EscapesWhatDrivesATerminal) {
  EXPECT_EQ(sanitize_for_terminal("plain ä€ text\t\\"), "plain ä€ text\t\\");
  EXPECT_EQ(sanitize_for_terminal("\x1b[2J\r\x07\x7f"), "\\x1b[2J\\x0d\\x07\\x7f");
  EXPECT_EQ(sanitize_for_terminal("\u009b31m"), "\\u009b31m");
  EXPECT_EQ(sanitize_for_terminal("a\u202eb\u2066\u2028"), "a\\u202eb\\u2066\\u2028");
  EXPECT_EQ(sanitize_for_terminal("\x9b\xff"), "\\x9b\\xff");
  EXPECT_EQ(sanitize_for_terminal("\0"s), "\\x00");
  EXPECT_EQ(sanitize_for_terminal("a\nb"), "a\\x0ab");
  EXPECT_EQ(sanitize_for_terminal("a\nb", LineBreaks::keep), "a\nb");
}

TEST(ShellQuote, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(shell_quote("plain/path-1.txt"), "plain/path-1.txt");
  EXPECT_EQ(shell_quote("--key=value"), "--key=value");
  EXPECT_EQ(shell_quote("KEY=value"), "'KEY=value'");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("$(rm -rf ~)"), "'$(rm -rf ~)'");
  EXPECT_EQ(shell_quote("~"), "'~'");
  EXPECT_EQ(shell_quote("a\0b"s), "'ab'");
}

RC_GTEST_PROP(SanitizeForTerminal, LeavesNothingToEscape, (const std::string& text)) {
  const std::string once = sanitize_for_terminal(text);
  RC_ASSERT(is_valid_utf8(once));
  RC_ASSERT(sanitize_for_terminal(once) == once);
  for (const char c : once) RC_ASSERT(c == '\t' || static_cast<unsigned char>(c) >= 0x20);
}

/// What a shell makes of a word that only has plain characters, '...' and \'.
std::string unquote(std::string_view quoted) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '\'') {
      inside = !inside;
    } else if (!inside && quoted[i] == '\\') {
      out.push_back(quoted[++i]);
    } else {
      out.push_back(quoted[i]);
    }
  }
  return out;
}

RC_GTEST_PROP(ShellQuote, IsReadBackUnchanged, (std::string text)) {
  std::erase(text, '\0');
  RC_ASSERT(unquote(shell_quote(text)) == text);
}

RC_GTEST_PROP(ClosestMatch, GivesACandidateOrNothing,
              (const std::string& word, const std::vector<std::string>& words)) {
  const std::string found = closest_match(word, std::span(words));
  RC_ASSERT(found.empty() || std::ranges::find(words, found) != words.end());
}

}  // namespace
}  // namespace reeve
