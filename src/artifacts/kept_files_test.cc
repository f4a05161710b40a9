#include "artifacts/kept_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "artifacts/store_layout.h"

namespace reeve::artifacts {
namespace {

namespace fs = std::filesystem;

class KeptFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "reeve_kept_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string keep(const std::string& text, const std::string& name) {
    const fs::path source = directory_ / "source";
    std::ofstream(source) << text;
    const Fd file(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
    StoreLayout layout(root(), 1 << 20);
    auto stored = layout.keep(file, name);
    EXPECT_TRUE(stored);
    return stored ? *stored : "";
  }
  std::string root() const { return (directory_ / "artifacts").string(); }
  ErrorCode code_of(const std::string& stored) const {
    KeptFiles files(root());
    const auto opened = files.open(stored);
    EXPECT_FALSE(opened) << stored;
    return opened ? ErrorCode::unsupported : opened.error().code;
  }

  fs::path directory_;
};

TEST_F(KeptFilesTest, OpensWhatWasKept) {
  const std::string stored = keep("some bytes", "a b.txt");
  KeptFiles files(root());
  const auto opened = files.open(stored);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ(opened->file, "a b.txt");
  EXPECT_EQ(opened->size_bytes, 10);
  EXPECT_EQ(opened->digest, digest_of("some bytes"));
  char text[16] = {};
  EXPECT_EQ(::read(opened->bytes.get(), text, sizeof text), 10);
  EXPECT_STREQ(text, "some bytes");
}

TEST_F(KeptFilesTest, FindsItAfterTheDirectoryHasMoved) {
  const std::string stored = keep("moved", "it");
  const fs::path other = directory_ / "elsewhere";
  fs::rename(root(), other);
  KeptFiles files(other.string());
  EXPECT_TRUE(files.open(stored));
  EXPECT_EQ(code_of(stored), ErrorCode::not_found);
}

TEST_F(KeptFilesTest, PathsThatLeadElsewhereAreRefused) {
  const std::string stored = keep("here", "it");
  const std::string box = stored.substr(0, stored.rfind('/'));
  for (const std::string& path :
       {std::string("/etc/passwd"), std::string("passwd"), std::string(), std::string("/"),
        std::string("ab/cd"), box + "/..", box + "/.", box + "/", box + "/../../../source",
        std::string("/x/ab/") + std::string(61, 'c') + "/it",
        std::string("/x/AB/") + std::string(62, 'C') + "/it",
        std::string("/x") + "ab/" + std::string(62, 'c') + "/it"})
    EXPECT_EQ(code_of(path), ErrorCode::corrupt) << path;
}

TEST_F(KeptFilesTest, LinksFifosAndDirectoriesAreRefused) {
  const std::string stored = keep("here", "it");
  const std::string box = stored.substr(0, stored.rfind('/'));
  fs::create_symlink("/etc/passwd", box + "/link");
  ASSERT_EQ(::mkfifo((box + "/fifo").c_str(), 0600), 0);
  fs::create_directory(box + "/directory");
  EXPECT_EQ(code_of(box + "/link"), ErrorCode::corrupt);
  EXPECT_EQ(code_of(box + "/fifo"), ErrorCode::corrupt);
  EXPECT_EQ(code_of(box + "/directory"), ErrorCode::corrupt);
  EXPECT_EQ(code_of(box + "/gone"), ErrorCode::not_found);
  // A link in the place of the box.
  const fs::path moved = directory_ / "moved";
  fs::rename(box, moved);
  fs::create_symlink(moved, box);
  EXPECT_EQ(code_of(stored), ErrorCode::corrupt);
}

}  // namespace
}  // namespace reeve::artifacts
