#include "http/message.h"

namespace reeve::http {
namespace {

TEST(PercentDecode, RefusesBrokenEscapesAndNul) {
  EXPECT_EQ(*percent_decode("a%20b%2Fc+d"), "a b/c+d");
  for (const char* const text : {"%", "%4", "%zz", "a%2", "%00", "x%0"})
    EXPECT_FALSE(percent_decode(text)) << text;
  EXPECT_FALSE(percent_decode(std::string_view("a\0b", 3)));
  EXPECT_EQ(*percent_decode("%41"), "A");
}

TEST(PercentEncode, ComesBackAsItWas) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(*percent_decode(percent_encode(all)), all);
}

TEST(ParseQuery, KeepsOrderAndRepetitions) {
  const auto query = parse_query("a=1&b=x+y&&a=%26&c");
  ASSERT_TRUE(query);
  const Parameters wanted = {{"a", "1"}, {"b", "x y"}, {"a", "&"}, {"c", ""}};
  EXPECT_EQ(*query, wanted);
  EXPECT_FALSE(parse_query("a=%0"));
}

}  // namespace
}  // namespace reeve::http
