#include "artifacts/source_files.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <thread>

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
  SourceScope free_scope() const { return {.directory = root_ / "work"}; }
  Result<std::vector<std::string>> names(const std::string& path) const {
    return names(free_scope(), path);
  }
  static Result<std::vector<std::string>> names(const SourceScope& scope, const std::string& path) {
    std::vector<std::string> seen;
    TRY_ASSIGN(const std::size_t count,
               visit_sources(scope, path, [&](const Fd&, const std::string& name) {
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
      visit_sources(free_scope(), "out/*.txt", [&](const Fd&, const std::string&) -> Status {
        ++visits;
        return fail(ErrorCode::io_failed, "full");
      });
  EXPECT_FALSE(got.has_value());
  EXPECT_EQ(visits, 1);
}

/// Of tasks in a sandbox.
class EnclosedSourceFiles : public SourceFiles {
 protected:
  void SetUp() override {
    SourceFiles::SetUp();
    fs::create_directories(root_ / "given/deep");
    fs::create_directories(root_ / "work/.reeve/runs");
    write("given/deep/open", "open");
    write("given/shut", "shut");
    write("work/.reeve/reeve.db", "state");
    fs::permissions(root_ / "given/shut", fs::perms::owner_read);
  }
  SourceScope scope(SandboxRequest request = {}) const {
    SourceScope scope =
        scope_of((root_ / "work").string(), request, (root_ / "work/.reeve").string());
    scope.is_other_user = true;  // as with an engine of root
    return scope;
  }
  SourceScope with_readable(const std::string& path) const {
    return scope({.readable = {(root_ / path).string()}, .writable = {}});
  }
  static Error refused(const SourceScope& scope, const std::string& path) {
    const auto got = names(scope, path);
    EXPECT_FALSE(got.has_value()) << path;
    if (got) return {};
    EXPECT_EQ(got.error().code, ErrorCode::permission_denied) << path;
    return got.error();
  }
};

TEST_F(EnclosedSourceFiles, AreThoseOfTheWorkDirectory) {
  EXPECT_THAT(*names(scope(), "out/*.txt"), ElementsAre("a.txt", "b.txt"));
  EXPECT_THAT(*names(scope(), root_ / "work/out/a.txt"), ElementsAre("a.txt"));
  EXPECT_THAT(*names(scope(), "./out/../out/a.txt"), ElementsAre("a.txt"));
  EXPECT_THAT(*names(scope(), "none/a.txt"), ElementsAre());
  EXPECT_THAT(refused(scope(), "../secret").message, HasSubstr("leaves the work directory"));
}

TEST_F(EnclosedSourceFiles, AreNotThoseOfTheMachine) {
  for (const std::string path : {"/etc/shadow", "/etc/passwd", "/proc/version", "/etc/*", "/x"})
    EXPECT_THAT(refused(scope(), path).message, HasSubstr("neither below the task's work"));
  refused(scope(), root_ / "secret");
  refused(scope(), root_ / "work/../secret");
  refused(scope(), root_ / "given/deep/open");
}

TEST_F(EnclosedSourceFiles, AreThoseThatItWasGiven) {
  EXPECT_THAT(*names(with_readable("given"), root_ / "given/deep/open"), ElementsAre("open"));
  EXPECT_THAT(*names(with_readable("given/deep/open"), root_ / "given/deep/open"),
              ElementsAre("open"));
  refused(with_readable("given/deep/open"), root_ / "given/deep/other");
  refused(with_readable("giv"), root_ / "given/deep/open");
  const SourceScope relative = scope({.readable = {}, .writable = {"../given"}});
  EXPECT_THAT(*names(relative, root_ / "given/deep/open"), ElementsAre("open"));
}

TEST_F(EnclosedSourceFiles, HaveToBeReadableForTheTask) {
  EXPECT_THAT(refused(with_readable("given"), root_ / "given/shut").message,
              HasSubstr("may not be read by the task itself"));
  refused(with_readable("given/shut"), root_ / "given/shut");
  fs::permissions(root_ / "given/deep", fs::perms::owner_all);
  refused(with_readable("given"), root_ / "given/deep/open");
  fs::permissions(root_ / "given/deep", fs::perms::owner_all | fs::perms::others_exec);
  EXPECT_TRUE(names(with_readable("given"), root_ / "given/deep/open"));
  refused(with_readable("given"), root_ / "given/deep/*");
  // What it may write belongs to it there.
  const SourceScope writable = scope({.readable = {}, .writable = {(root_ / "given").string()}});
  EXPECT_THAT(*names(writable, root_ / "given/shut"), ElementsAre("shut"));
}

TEST_F(EnclosedSourceFiles, AreNothingOfTheEngine) {
  for (const std::string path : {".reeve/reeve.db", ".reeve/*", ".reeve/runs/x"})
    EXPECT_THAT(refused(scope(), path).message, HasSubstr("the engine's own directory"));
}

TEST_F(EnclosedSourceFiles, OfAPrivateDirectoryAreGone) {
  for (const std::string directory : {"/tmp", "/", "/dev/shm"}) {
    SourceScope scope = scope_of(directory, {}, root_ / "state");
    EXPECT_THAT(refused(scope, "x").message, HasSubstr("of its own")) << directory;
  }
}

TEST_F(EnclosedSourceFiles, FollowNoLink) {
  fs::create_symlink("/etc/shadow", root_ / "work/out/shadow");
  fs::create_directory_symlink("/etc", root_ / "work/etc");
  fs::create_directory_symlink(root_ / "given", root_ / "linked");
  for (const std::string path : {"out/shadow", "out/sh*", "etc/passwd", "etc/*"})
    refused(scope(), path);
  refused(with_readable("linked"), root_ / "linked/deep/open");
}

TEST_F(EnclosedSourceFiles, AreRegular) {
  ASSERT_EQ(::mkfifo((root_ / "work/fifo").c_str(), 0666), 0);
  for (const char* path : {"fifo", "out/folder", "f*fo"}) {
    const auto got = names(scope(), path);
    ASSERT_FALSE(got) << path;
    EXPECT_EQ(got.error().code, ErrorCode::invalid_argument) << path;
  }
}

TEST_F(EnclosedSourceFiles, StayInsideWhileTheyAreExchanged) {
  fs::create_directories(root_ / "work/d");
  write("work/d/secret", "inside!");
  fs::create_directory_symlink(root_, root_ / "work/l");
  std::jthread swapping([this](const std::stop_token& stop) {
    const std::string one = root_ / "work/d";
    const std::string other = root_ / "work/l";
    while (!stop.stop_requested())
      ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
  });
  int found = 0;
  for (int i = 0; i < 3'000; ++i) {
    const auto visit = [&](const Fd& file, const std::string&) -> Status {
      char text[8] = {};
      EXPECT_EQ(::read(file.get(), text, sizeof text - 1), 7);
      EXPECT_STREQ(text, "inside!");
      ++found;
      return {};
    };
    static_cast<void>(visit_sources(scope(), "d/secret", visit));
  }
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace reeve::artifacts
