#include "base/image_reference.h"

#include <gtest/gtest.h>

namespace reeve {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(ImageReference, names_are_completed) {
  const auto expect = [](const std::string& text, const ImageReference& wanted) {
    const auto found = parse_image_reference(text);
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_EQ(*found, wanted) << text;
  };
  expect("busybox", {"docker.io/library/busybox", "latest", ""});
  expect("org/app:1.2", {"docker.io/org/app", "1.2", ""});
  expect("ghcr.io/org/app/part", {"ghcr.io/org/app/part", "latest", ""});
  expect("localhost/app", {"localhost/app", "latest", ""});
  expect("localhost:5000/app:v1", {"localhost:5000/app", "v1", ""});
  expect("[::1]:5000/app:v1", {"[::1]:5000/app", "v1", ""});
  expect("app@" + kDigest, {"docker.io/library/app", "", kDigest});
  expect("app:1@" + kDigest, {"docker.io/library/app", "1", kDigest});
}

TEST(ImageReference, what_is_none_is_refused) {
  for (const std::string text :
       {"", "App", "a//b", "/app", "app/", "app:", "app:-x", "app@sha256:12", "app@md5:00", "-x",
        "a b", "../app", "host:port/app", "host:123456/app", "x.y/", "--option", "app:tag:tag",
        "docker://app", "[::1]x/app"}) {
    EXPECT_FALSE(parse_image_reference(text)) << text;
  }
  EXPECT_FALSE(parse_image_reference("app@sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(parse_image_reference(std::string(300, 'a')));
}

TEST(ImageReference, registries_of_this_machine_are_told) {
  const auto is_loopback = [](const std::string& text) {
    return parse_image_reference(text)->is_loopback();
  };
  EXPECT_TRUE(is_loopback("localhost:5000/app"));
  EXPECT_TRUE(is_loopback("127.0.0.1:5000/app"));
  EXPECT_TRUE(is_loopback("[::1]:5000/app"));
  EXPECT_FALSE(is_loopback("localhost.example.org/app"));
  EXPECT_FALSE(is_loopback("127.0.0.1.example.org:5000/app"));
  EXPECT_FALSE(is_loopback("busybox"));
}

}  // namespace
}  // namespace reeve
