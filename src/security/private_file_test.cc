#include "security/private_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/test_directory.h"

namespace reeve::security {
namespace {

using testing::HasSubstr;

TEST(PrivateFile, is_for_its_owner_and_made_once) {
  const TestDirectory directory;
  const std::string path = directory.path("key");
  ASSERT_TRUE(create_private_file(path, "content"));
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600U);
  EXPECT_EQ(read_private_file(path).value(), "content");
  EXPECT_EQ(create_private_file(path, "other").error().code, ErrorCode::conflict);
  EXPECT_EQ(read_private_file(path).value(), "content");
}

TEST(PrivateFile, what_others_can_read_is_refused) {
  const TestDirectory directory;
  const std::string path = directory.path("key");
  ASSERT_TRUE(create_private_file(path, "content"));
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0601, 0610}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    const auto found = read_private_file(path);
    ASSERT_FALSE(found) << mode;
    EXPECT_EQ(found.error().code, ErrorCode::permission_denied);
    EXPECT_THAT(found.error().message, HasSubstr("chmod 600"));
  }
}

TEST(PrivateFile, of_another_user_is_refused) {
  if (::geteuid() != 0) return;  // only root can make one
  const TestDirectory directory;
  const std::string path = directory.path("key");
  ASSERT_TRUE(create_private_file(path, "content"));
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  EXPECT_THAT(read_private_file(path).error().message, HasSubstr("belongs to user 12345"));
}

TEST(PrivateFile, links_and_what_is_no_file_are_refused) {
  const TestDirectory directory;
  ASSERT_TRUE(create_private_file(directory.path("real"), "content"));
  const std::string link = directory.path("link");
  ASSERT_EQ(::symlink(directory.path("real").c_str(), link.c_str()), 0);
  EXPECT_THAT(read_private_file(link).error().message, HasSubstr("symbolic link"));
  EXPECT_EQ(create_private_file(link, "x").error().code, ErrorCode::conflict);
  ASSERT_EQ(::symlink(directory.path("new").c_str(), directory.path("hanging").c_str()), 0);
  EXPECT_FALSE(create_private_file(directory.path("hanging"), "x"));
  EXPECT_NE(::access(directory.path("new").c_str(), F_OK), 0);
  ASSERT_EQ(::mkfifo(directory.path("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(read_private_file(directory.path("fifo")));
  EXPECT_FALSE(read_private_file(directory.root().string()));
  EXPECT_EQ(read_private_file(directory.path("none")).error().code, ErrorCode::not_found);
}

TEST(PrivateFile, keys_are_made_once_and_read_back) {
  const TestDirectory directory;
  const Key key = read_or_make_key(directory.path("key")).value();
  EXPECT_EQ(read_or_make_key(directory.path("key")).value(), key);
  EXPECT_EQ(read_key(directory.path("key")).value(), key);
  EXPECT_EQ(parse_key("  " + format_key(key) + "\n", "x").value(), key);
  for (const std::string bad : {"", "  ", "00", "zz", "0X"})
    EXPECT_THAT(parse_key(bad, "the variable").error().message, HasSubstr("the variable"));
  ASSERT_TRUE(create_private_file(directory.path("large"), std::string(kPrivateFileMax + 1, 'a')));
  EXPECT_FALSE(read_key(directory.path("large")));
}

}  // namespace
}  // namespace reeve::security
