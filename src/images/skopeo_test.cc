#include "images/skopeo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::images {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* complaint;
  ErrorCode code;
  const char* words;
};

TEST(Skopeo, complaints_are_told_in_plain_words) {
  const ImageReference image{"127.0.0.1:5000/app", "1", ""};
  constexpr Case kCases[] = {
      {"time=\"2026\" level=fatal msg=\"Error parsing image name \\\"docker://x\\\": pinging "
       "container registry 127.0.0.1:1: Get \\\"http://127.0.0.1:1/v2/\\\": dial tcp 127.0.0.1:1: "
       "connect: connection refused\"\n",
       ErrorCode::unavailable, "the registry cannot be reached"},
      {"reading manifest 2 in 127.0.0.1:5000/app: manifest unknown: manifest unknown",
       ErrorCode::not_found, "there is no such image in the registry"},
      {"writing blob: Digest did not match, expected sha256:a, got sha256:b", ErrorCode::corrupt,
       "does not have the digest that the image says"},
      {"writing blob: storing blob to file: happened during read: unexpected EOF",
       ErrorCode::unavailable, "ended the transfer"},
      {"unauthorized: authentication required", ErrorCode::permission_denied, "skopeo login"},
      {"http: server gave HTTP response to HTTPS client", ErrorCode::unsupported, "TLS"},
      {"write /x: no space left on device", ErrorCode::io_failed, "the disk is full"},
      {"something new", ErrorCode::unavailable, "could not fetch it: something new"},
      {"", ErrorCode::unavailable, "could not fetch it"},
  };
  for (const Case& each : kCases) {
    const Error error = explain_skopeo(each.complaint, image);
    EXPECT_EQ(error.code, each.code) << each.complaint;
    EXPECT_THAT(error.text(), HasSubstr(each.words));
    EXPECT_THAT(error.text(), HasSubstr("image 127.0.0.1:5000/app"));
  }
}

TEST(Skopeo, what_it_says_is_shown_safely) {
  const Error error = explain_skopeo("msg=\"a \\\"b\\\" \x1b[31m\"\n", {"x.y/app", "1", ""});
  EXPECT_THAT(error.text(), HasSubstr("a \"b\" \\x1b[31m"));
}

TEST(Skopeo, a_missing_program_is_named) {
  const auto got = Skopeo("reeve-no-such-program").manifest({"x.y/app", "1", ""}, "x.y/app:1");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::unsupported);
  EXPECT_THAT(got.error().text(), HasSubstr("apt install skopeo"));
}

}  // namespace
}  // namespace reeve::images
