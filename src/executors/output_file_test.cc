#include "executors/output_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"

namespace reeve::executors {
namespace {

using Values = std::vector<OutputValue>;

struct GoodCase {
  std::string_view text;
  Values values;
};

TEST(OutputFile, is_read_as_users_of_github_actions_know_it) {
  const GoodCase cases[] = {
      {"", {}},
      {"\n\n", {}},
      {"a=1\n", {{"a", "1"}}},
      {"a=1", {{"a", "1"}}},
      {"a=1\r\nb=2\r\n", {{"a", "1"}, {"b", "2"}}},
      {"a=\n", {{"a", ""}}},
      {"a=b=c\n", {{"a", "b=c"}}},
      {"a=x<<y\n", {{"a", "x<<y"}}},
      {"a= spaces \n", {{"a", " spaces "}}},
      {"a<<END\nEND\n", {{"a", ""}}},
      {"a<<END\none\nEND", {{"a", "one"}}},
      {"a<<END\none\n\ntwo=2\nEND\nb=3\n", {{"a", "one\n\ntwo=2"}, {"b", "3"}}},
      {"a<<=\nx\n=\n", {{"a", "x"}}},
      {"a=1\nb=2\na=3\n", {{"a", "3"}, {"b", "2"}}},
      {"_a-b9=x\n", {{"_a-b9", "x"}}},
      {"a=\xc3\xa9\n", {{"a", "\xc3\xa9"}}},
  };
  for (const GoodCase& one : cases) {
    const auto values = parse_output_file(one.text);
    ASSERT_TRUE(values) << one.text << values.error().text();
    EXPECT_EQ(*values, one.values) << one.text;
  }
}

struct BadCase {
  std::string_view text;
  std::string_view error;
};

TEST(OutputFile, mistakes_name_their_line) {
  const BadCase cases[] = {
      {"a=1\nnothing\n", "REEVE_OUTPUT line 2: expected name=value or name<<WORD"},
      {"=1\n", "REEVE_OUTPUT line 1: a name is letters, digits, _ and -"},
      {"1a=1\n", "REEVE_OUTPUT line 1: a name is letters, digits, _ and -"},
      {"a b=1\n", "REEVE_OUTPUT line 1: a name is letters, digits, _ and -"},
      {"a<<\nx\n", "REEVE_OUTPUT line 1: expected a word after <<"},
      {"a<<END\nx\ny\n", "REEVE_OUTPUT line 3: the block is not closed by a line END"},
      {"a<<END\nx\nEND \n", "REEVE_OUTPUT line 3: the block is not closed by a line END"},
      {"\na=\xff\n", "REEVE_OUTPUT line 2: the value of a is not UTF-8 text"},
      {std::string_view("a=\0\n", 4), "REEVE_OUTPUT line 1: the value of a is not UTF-8 text"},
  };
  for (const BadCase& one : cases) {
    const auto values = parse_output_file(one.text);
    ASSERT_FALSE(values) << one.text;
    EXPECT_EQ(values.error().text(), one.error);
  }
}

RC_GTEST_PROP(OutputFile, any_bytes_are_read_or_refused, (const std::string& text)) {
  const auto values = parse_output_file(text);
  if (!values) return;
  for (const OutputValue& value : *values) RC_ASSERT(is_valid_utf8(value.value));
}

TEST(OutputFile, a_file_that_is_not_there_rejects_a_success_only) {
  AttemptEnd end;
  end.outcome = {OutcomeClass::exited, 0, {ReasonCode::completed, 0, 0}};
  collect_outputs("/not/there", end);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::rejected);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::output_invalid);
  end.outcome = {OutcomeClass::exited, 4, {ReasonCode::exit_status, 0, 4}};
  collect_outputs("/not/there", end);
  EXPECT_EQ(end.outcome.code, 4);
}

}  // namespace
}  // namespace reeve::executors
