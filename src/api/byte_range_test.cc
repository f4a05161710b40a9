#include "api/byte_range.h"

#include <gtest/gtest.h>

namespace reeve::api {
namespace {

constexpr ByteRange part(std::int64_t begin, std::int64_t end) {
  return {.begin = begin, .end = end, .is_partial = true};
}

TEST(ByteRange, ReadsWhatTheRfcShows) {
  EXPECT_EQ(byte_range("bytes=0-499", 10'000), part(0, 500));
  EXPECT_EQ(byte_range("bytes=500-999", 10'000), part(500, 1000));
  EXPECT_EQ(byte_range("bytes=-500", 10'000), part(9500, 10'000));
  EXPECT_EQ(byte_range("bytes=9500-", 10'000), part(9500, 10'000));
  EXPECT_EQ(byte_range("bytes=0-0", 10'000), part(0, 1));
  EXPECT_EQ(byte_range("Bytes=0-99999", 10'000), part(0, 10'000));
  EXPECT_EQ(byte_range("bytes=-99999", 10'000), part(0, 10'000));
}

TEST(ByteRange, WhatIsNotThereIsBeyond) {
  EXPECT_TRUE(byte_range("bytes=10000-", 10'000).is_beyond);
  EXPECT_TRUE(byte_range("bytes=9223372036854775807-", 10'000).is_beyond);
  EXPECT_TRUE(byte_range("bytes=-0", 10'000).is_beyond);
  EXPECT_TRUE(byte_range("bytes=0-", 0).is_beyond);
  EXPECT_TRUE(byte_range("bytes=-1", 0).is_beyond);
}

TEST(ByteRange, WhatIsNoRangeMeansEverything) {
  for (const std::string_view header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=x-", "bytes=1", "bytes=2-1", "bytes=0-1,3-4",
        "bytes=+1-2", "bytes=1-+2", "bytes=-+1", "bytes=--1", "bytes=1-2x", "items=0-1",
        "bytes=99999999999999999999-", "bytes=0-99999999999999999999"})
    EXPECT_EQ(byte_range(header, 10), (ByteRange{.begin = 0, .end = 10})) << header;
}

TEST(ByteRange, TagsAreNamedAsAWhole) {
  EXPECT_TRUE(names_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(names_etag("\"b\", \"a\"", "\"a\""));
  EXPECT_TRUE(names_etag("*", "\"a\""));
  EXPECT_FALSE(names_etag("\"ab\"", "\"a\""));
  EXPECT_FALSE(names_etag("W/\"a\"", "\"a\""));
  EXPECT_FALSE(names_etag("", "\"a\""));
}

}  // namespace
}  // namespace reeve::api
