#include "artifacts/source_files.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

namespace reeve::artifacts {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct GlobCase {
  const char* pattern;
  const char* name;
  bool fits;
};

class Glob : public testing::TestWithParam<GlobCase> {};

TEST_P(Glob, Matches) {
  EXPECT_EQ(matches_glob(GetParam().pattern, GetParam().name), GetParam().fits);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Glob,
    testing::Values(GlobCase{"*", "", true}, GlobCase{"*", "a", true},
                    GlobCase{"*", ".hidden", false}, GlobCase{".*", ".hidden", true},
                    GlobCase{"*.txt", "a.txt", true}, GlobCase{"*.txt", ".txt", false},
                    GlobCase{"*.txt", "a.txt.gz", false}, GlobCase{"a?c", "abc", true},
                    GlobCase{"a?c", "ac", false}, GlobCase{"a*b*c", "aXbYbZc", true},
                    GlobCase{"a*b*c", "aXcYb", false}, GlobCase{"**a", "bba", true},
                    GlobCase{"[ab]", "a", false}, GlobCase{"[ab]", "[ab]", true},
                    GlobCase{"", "", true}, GlobCase{"", "a", false}));

TEST(GlobMatching, IsNotExponential) {
  const std::string name(2000, 'a');
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(matches_glob(pattern + "b", name));
}

class SourceFiles : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_ / "work/out/folder");
    write("secret", "outside");
    write("work/out/b.txt", "b");
    write("work/out/a.txt", "a");
    write("work/out/c.log", "c");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const fs::path& path, std::string_view text) const {
    std::ofstream(root_ / path) << text;
  }
  Result<std::vector<std::string>> names(const std::string& path) const {
    std::vector<std::string> seen;
    TRY_ASSIGN(const std::size_t count,
               visit_sources(root_ / "work", path, [&](const Fd&, const std::string& name) {
                 seen.push_back(name);
                 return Status{};
               }));
    EXPECT_EQ(count, seen.size());
    return seen;
  }
  Error refusal(const std::string& path) const {
    const auto got = names(path);
    EXPECT_FALSE(got.has_value()) << path;
    return got ? Error{} : got.error();
  }

  const fs::path root_ =
      fs::temp_directory_path() / ("reeve_source_files_" + std::to_string(::getpid()));
};

TEST_F(SourceFiles, FindsOneFile) {
  EXPECT_THAT(*names("out/a.txt"), ElementsAre("a.txt"));
  EXPECT_THAT(*names("./out/../out/a.txt"), ElementsAre("a.txt"));
  EXPECT_THAT(*names(root_ / "work/out/a.txt"), ElementsAre("a.txt"));
}

TEST_F(SourceFiles, SortsMatchesAndPassesOverFolders) {
  EXPECT_THAT(*names("out/*.txt"), ElementsAre("a.txt", "b.txt"));
  EXPECT_THAT(*names("out/*"), ElementsAre("a.txt", "b.txt", "c.log"));
  EXPECT_THAT(*names("out/?.l*"), ElementsAre("c.log"));
}

TEST_F(SourceFiles, AbsentIsNotAnError) {
  EXPECT_THAT(*names("out/none"), ElementsAre());
  EXPECT_THAT(*names("none/a.txt"), ElementsAre());
  EXPECT_THAT(*names("out/a.txt/below"), ElementsAre());
  EXPECT_THAT(*names("out/*.none"), ElementsAre());
}

TEST_F(SourceFiles, StaysInsideTheWorkDirectory) {
  for (const char* path : {"../secret", "out/../../secret", "../*"}) {
    const Error error = refusal(path);
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << path;
    EXPECT_THAT(error.message, HasSubstr("leaves the work directory")) << path;
  }
}

TEST_F(SourceFiles, FollowsNoLink) {
  fs::create_symlink(root_ / "secret", root_ / "work/out/link");
  fs::create_directory_symlink(root_, root_ / "work/up");
  fs::create_symlink("a.txt", root_ / "work/out/inside");
  for (const char* path : {"out/link", "up/secret", "up/*", "out/inside", "out/l*"}) {
    EXPECT_EQ(refusal(path).code, ErrorCode::permission_denied) << path;
  }
}

TEST_F(SourceFiles, OpensOnlyRegularFiles) {
  ASSERT_EQ(::mkfifo((root_ / "work/fifo").c_str(), 0600), 0);
  for (const char* path : {"fifo", "out/folder", "/dev/null", "f*fo"}) {
    const Error error = refusal(path);
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << path;
    EXPECT_THAT(error.message, HasSubstr("not a regular file")) << path;
  }
}

TEST_F(SourceFiles, RefusesAPathWithoutAFileName) {
  for (const char* path : {"", "out/", ".", "..", "out/.."}) {
    EXPECT_EQ(refusal(path).code, ErrorCode::invalid_argument) << path;
  }
}

TEST_F(SourceFiles, StopsAtTheFirstFailureOfTheVisitor) {
  int visits = 0;
  const auto got =
      visit_sources(root_ / "work", "out/*.txt", [&](const Fd&, const std::string&) -> Status {
        ++visits;
        return fail(ErrorCode::io_failed, "full");
      });
  EXPECT_FALSE(got.has_value());
  EXPECT_EQ(visits, 1);
}

}  // namespace
}  // namespace reeve::artifacts
