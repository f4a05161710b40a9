#include "security/base64.h"

#include <gtest/gtest.h>

namespace reeve::security {
namespace {

TEST(Base64, IsThatOfTheRfc) {
  for (const auto& [bytes, text] : {std::pair<std::string_view, std::string_view>{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"\xff\xfe\xfd", "//79"}}) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text).value(), bytes);
  }
}

TEST(Base64, AnyBytesComeBack) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes.push_back(static_cast<char>(i * 7));
  EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
}

TEST(Base64, WhatIsNoneIsRefusedAndNotRepeated) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Z===", "Zm9v\n", "Zm 9v", "Zm9v!", "_-8=", "Zh=="}) {
    const auto found = from_base64(text);
    ASSERT_FALSE(found.has_value()) << text;
    EXPECT_EQ(found.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(found.error().text().find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace reeve::security
