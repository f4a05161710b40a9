#include "base/packed_text.h"

#include <utility>

#include <gtest/gtest.h>

namespace reeve {
namespace {

TEST(PackedText, holds_any_bytes) {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("a\0b", 3), std::string(100'000, 'y')}) {
    const PackedText packed(text);
    EXPECT_EQ(packed.view(), text);
    EXPECT_EQ(packed.str(), text);
    EXPECT_EQ(packed.empty(), text.empty());
  }
}

TEST(PackedText, is_a_value) {
  PackedText one("one");
  PackedText copy = one;
  EXPECT_EQ(copy, one);
  one = "two";
  EXPECT_EQ(copy.view(), "one");
  EXPECT_NE(copy, one);
  copy = one;
  const PackedText moved = std::move(one);
  EXPECT_EQ(moved, copy);
  copy = copy.view().substr(1);
  EXPECT_EQ(copy.view(), "wo");
  copy = "";
  EXPECT_TRUE(copy.empty());
}

TEST(PackedText, is_one_pointer) { static_assert(sizeof(PackedText) == sizeof(void*)); }

}  // namespace
}  // namespace reeve
