#include "security/kept_answers.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "security/test_directory.h"

namespace reeve::security {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Time kThen{Duration{std::chrono::seconds{1'800'000'000}}};

KeptAnswer answer(std::string body) {
  return {.request = digest_of("request"),
          .status = 201,
          .headers = {{"Location", "/v1/x"}, {"Content-Type", "application/json"}},
          .body = std::move(body)};
}

TEST(KeptAnswers, are_there_after_a_restart_and_private) {
  const TestDirectory directory;
  const std::string path = directory.path("answers.db");
  const KeptAnswer kept = answer(std::string("\0{}\xff", 4));
  {
    const auto answers = KeptAnswers::open(path, kThen);
    ASSERT_TRUE(answers) << answers.error().text();
    EXPECT_FALSE((*answers)->find(digest_of("key"), kThen).value());
    ASSERT_TRUE((*answers)->keep(digest_of("key"), kept, kThen));
  }
  const auto answers = KeptAnswers::open(path, kThen + hours{1});
  ASSERT_TRUE(answers);
  EXPECT_EQ((*answers)->find(digest_of("key"), kThen).value(), kept);
  EXPECT_FALSE((*answers)->find(digest_of("other"), kThen).value());
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(KeptAnswers, end_with_their_time) {
  const TestDirectory directory;
  const std::string path = directory.path("answers.db");
  const auto answers = KeptAnswers::open(path, kThen);
  ASSERT_TRUE((*answers)->keep(digest_of("key"), answer("a"), kThen));
  EXPECT_TRUE((*answers)->find(digest_of("key"), kThen + hours{24}).value());
  EXPECT_FALSE((*answers)->find(digest_of("key"), kThen + hours{24} + seconds{1}).value());
}

TEST(KeptAnswers, are_bounded_in_number_and_the_oldest_go) {
  const TestDirectory directory;
  const auto answers = KeptAnswers::open(directory.path("answers.db"), kThen,
                                         {.answers_max = 10, .life = hours{24}});
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE((*answers)->keep(digest_of(std::to_string(i)), answer("a"), kThen + seconds{i}));
  int left = 0;
  for (int i = 0; i < 50; ++i)
    left += (*answers)->find(digest_of(std::to_string(i)), kThen).value() ? 1 : 0;
  EXPECT_EQ(left, 10);
  EXPECT_TRUE((*answers)->find(digest_of("49"), kThen).value());
}

TEST(KeptAnswers, refuse_a_file_that_others_can_read) {
  const TestDirectory directory;
  const std::string path = directory.path("answers.db");
  { ASSERT_TRUE(KeptAnswers::open(path, kThen)); }
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(KeptAnswers::open(path, kThen).error().code, ErrorCode::permission_denied);
}

}  // namespace
}  // namespace reeve::security
