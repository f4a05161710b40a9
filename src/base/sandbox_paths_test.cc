#include "base/sandbox_paths.h"

namespace reeve {
namespace {

TEST(SandboxPaths, below_is_not_the_directory_itself_nor_a_longer_name) {
  EXPECT_TRUE(is_path_below("/a/b", "/a"));
  EXPECT_TRUE(is_path_below("/a", "/"));
  for (const char* path : {"/a", "/ab", "/", "a/b"})
    EXPECT_FALSE(is_path_below(path, "/a")) << path;
  EXPECT_FALSE(is_path_below("/", "/"));
}

TEST(SandboxPaths, that_each_sandbox_has_are_known) {
  for (const char* path : {"/", "/tmp", "/proc", "/proc/self", "/dev/shm", "/sys/fs", "/run/reeve"})
    EXPECT_TRUE(is_own_of_sandbox(path)) << path;
  for (const char* path : {"/tmp/x", "/home", "/process", "/run", "/run/reeved", "/etc"})
    EXPECT_FALSE(is_own_of_sandbox(path)) << path;
}

TEST(SandboxPaths, are_made_plain) {
  EXPECT_EQ(plain_path("a/./b", "/w"), "/w/a/b");
  EXPECT_EQ(plain_path("../a/", "/w/x"), "/w/a");
  EXPECT_EQ(plain_path("/a//b/..", "/w"), "/a");
  EXPECT_EQ(plain_path("../../..", "/w"), "/");
  EXPECT_EQ(plain_path("x", "/"), "/x");
}

}  // namespace
}  // namespace reeve
