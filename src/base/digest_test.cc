#include "base/digest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve {
namespace {

TEST(Digest, IsBlake2b256) {
  EXPECT_EQ(format_digest(digest_of("")),
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(format_digest(digest_of("abc")),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(Digest, ReadsOnlyItsOwnForm) {
  const std::string text(64, 'a');
  EXPECT_TRUE(parse_digest(text));
  std::string with_other = text;
  with_other.back() = 'g';
  const std::vector<std::string> refused{"", std::string(63, 'a'), std::string(65, 'a'),
                                         std::string(64, 'A'), with_other};
  for (const std::string& bad : refused) {
    const auto parsed = parse_digest(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

TEST(DigestBuilder, AddsNumbersLittleEndian) {
  DigestBuilder builder;
  builder.add_number(0x0807060504030201U);
  EXPECT_EQ(builder.finish(), digest_of("\x01\x02\x03\x04\x05\x06\x07\x08"));
}

RC_GTEST_PROP(DigestBuilder, DoesNotDependOnThePieces, (const std::vector<std::string>& pieces)) {
  DigestBuilder builder;
  std::string whole;
  for (const std::string& piece : pieces) {
    builder.add(piece);
    whole += piece;
  }
  const Digest digest = builder.finish();
  RC_ASSERT(digest == digest_of(whole));
  RC_ASSERT(parse_digest(format_digest(digest)) == digest);
}

}  // namespace
}  // namespace reeve
