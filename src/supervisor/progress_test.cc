#include "supervisor/progress.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"

namespace reeve::supervisor {
namespace {

struct LineCase {
  std::string_view line;
  std::optional<ProgressLine> progress;
};

TEST(Progress, lines_are_read_as_people_write_them) {
  const LineCase cases[] = {
      {"40", {{40, ""}}},
      {"40%", {{40, ""}}},
      {"40 half", {{40, "half"}}},
      {"40.7% half way", {{40, "half way"}}},
      {"  7\tseven \r", {{7, "seven"}}},
      {"0 none", {{0, "none"}}},
      {"100 all", {{100, "all"}}},
      {"101 more", {{100, "more"}}},
      {"99999999999999999999 more", {{100, "more"}}},
      {"40x", {{-1, "40x"}}},
      {"40. x", {{-1, "40. x"}}},
      {"-1 minus", {{-1, "-1 minus"}}},
      {"words only", {{-1, "words only"}}},
      {"", std::nullopt},
      {" \t\r", std::nullopt},
  };
  for (const LineCase& one : cases) EXPECT_EQ(parse_progress(one.line), one.progress) << one.line;
}

TEST(Progress, messages_are_cut_between_characters) {
  std::string long_text;
  while (long_text.size() < 300) long_text += "é";
  const auto progress = parse_progress("5 " + long_text);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->message.size(), kProgressMessageBytesMax);
  EXPECT_TRUE(is_valid_utf8(progress->message));
  EXPECT_EQ(clean_text("aé", 2), "a");
}

TEST(Progress, messages_lose_what_does_harm) {
  EXPECT_EQ(clean_text("a\x1b[31mb\x07\x7f\xc2\x9b!", 100), "a[31mb!");
  EXPECT_EQ(clean_text(std::string_view("a\0b", 3), 100), "ab");
  EXPECT_EQ(clean_text("a\xff\xfe\xc3(\xe2\x82", 100), "a(");
}

RC_GTEST_PROP(Progress, any_bytes_become_text, (const std::string& bytes)) {
  const std::string clean = clean_text(bytes, 50);
  RC_ASSERT(clean.size() <= 50U);
  RC_ASSERT(is_valid_utf8(clean));
}

TEST(ProgressScanner, finds_the_newest_complete_line) {
  ProgressScanner scanner;
  EXPECT_EQ(scanner.feed("::progress 1 a\nx\n::progress 2 b\nrest"),
            (std::optional<ProgressLine>{{2, "b"}}));
  EXPECT_EQ(scanner.feed("::progress 3\n"), std::nullopt) << "not at the start of a line";
  EXPECT_EQ(scanner.feed("::progress 4"), std::nullopt) << "not complete";
  EXPECT_EQ(scanner.feed("\n"), (std::optional<ProgressLine>{{4, ""}}));
  EXPECT_EQ(scanner.feed("::progres 5\n"), std::nullopt);
  EXPECT_EQ(scanner.feed("\r\n\n::progress 6 c\r\n"), (std::optional<ProgressLine>{{6, "c"}}));
}

TEST(ProgressScanner, a_line_without_end_takes_no_memory) {
  ProgressScanner scanner;
  scanner.feed("::progress 7 ");
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(scanner.feed(std::string(1000, 'x')), std::nullopt);
  const auto progress = scanner.feed("\n::progress");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->percent, 7);
  EXPECT_EQ(progress->message.size(), kProgressMessageBytesMax);
  EXPECT_EQ(scanner.feed(" 8\n"), (std::optional<ProgressLine>{{8, ""}}));
}

/// Wherever the stream is cut, the last progress found is the same.
RC_GTEST_PROP(ProgressScanner, cuts_do_not_matter, (std::vector<std::uint8_t> choices)) {
  const std::string_view pieces[] = {"::progress ", "5", " text", "\n", "::prog", "ress ",
                                     "12 m",        ":", "::",    "x",  "\n\n",   "%"};
  std::string stream;
  for (const std::uint8_t choice : choices) stream += pieces[choice % std::size(pieces)];
  stream += "\n";
  ProgressScanner whole;
  const auto expected = whole.feed(stream);
  std::optional<ProgressLine> found;
  ProgressScanner cut;
  std::string_view rest(stream);
  while (!rest.empty()) {
    const auto count = *rc::gen::inRange<std::size_t>(1, 8);
    if (auto progress = cut.feed(rest.substr(0, count))) found = progress;
    rest.remove_prefix(std::min(count, rest.size()));
  }
  RC_ASSERT(found == expected);
}

}  // namespace
}  // namespace reeve::supervisor
