#include "images/layer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "images/documents.h"
#include "images/test_archive.h"

namespace reeve::images {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

Fd in_memory(const std::string& bytes) {
  Fd file(::memfd_create("layer", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), std::ssize(bytes));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

/// "inner" is unpacked into; what stands beside it must stay as it is.
class LayerTest : public ::testing::Test {
 protected:
  LayerTest() {
    std::string name = "/tmp/reeve-layer-XXXXXX";
    outer_ = ::mkdtemp(name.data());
    fs::create_directory(outer_ / "inner");
    std::ofstream(outer_ / "secret") << "untouched";
  }
  ~LayerTest() override {
    EXPECT_EQ(read("../secret"), "untouched");
    EXPECT_EQ(std::distance(fs::directory_iterator(outer_), fs::directory_iterator()), 2);
    fs::remove_all(outer_);
  }

  Result<LayerDigests> unpack(const std::string& bytes, const LayerLimits& limits = {}) {
    const Fd file = in_memory(bytes);
    return unpack_layer(file.get(), Fd(::open(inner().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                        limits);
  }
  void expect_refused(const std::vector<TarEntry>& entries, const std::string& words) {
    const auto done = unpack(tar_of(entries));
    ASSERT_FALSE(done) << words;
    EXPECT_EQ(done.error().code, ErrorCode::corrupt);
    EXPECT_THAT(done.error().text(), HasSubstr(words));
  }
  fs::path inner() const { return outer_ / "inner"; }
  std::string read(const std::string& path) const {
    std::ifstream file(inner() / path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  struct stat about(const std::string& path) const {
    struct stat found {};
    EXPECT_EQ(::lstat((inner() / path).c_str(), &found), 0) << path;
    return found;
  }
  bool exists(const std::string& path) const {
    struct stat found {};
    return ::lstat((inner() / path).c_str(), &found) == 0;
  }
  bool is_opaque(const std::string& path) const {
    char value = 0;
    return ::lgetxattr((inner() / path).c_str(), "user.overlay.opaque", &value, 1) == 1 &&
           value == 'y';
  }
  bool hides(const std::string& path) const {
    const struct stat found = about(path);
    return S_ISCHR(found.st_mode) && found.st_rdev == 0;
  }

 private:
  fs::path outer_;
};

TEST_F(LayerTest, files_directories_and_links_are_made) {
  const std::string tar = tar_of({{.path = "./", .kind = '5', .mode = 0700},
                                  {.path = "usr/bin/tool", .content = "body", .mode = 0755},
                                  {.path = "bin", .kind = '2', .link = "/usr/bin"},
                                  {.path = "usr/bin/same", .kind = '1', .link = "usr/bin/tool"},
                                  {.path = "closed", .kind = '5', .mode = 0000},
                                  {.path = "closed/within", .content = "x"},
                                  {.path = "/rooted", .content = "r", .mode = 0640}});
  for (const std::string& bytes : {tar, gzip_of(tar)}) {
    fs::remove_all(inner());
    fs::create_directory(inner());
    const auto done = unpack(bytes);
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(done->content, sha256_of(tar));
    EXPECT_EQ(done->blob, sha256_of(bytes));
    EXPECT_EQ(done->bytes, 6);
    EXPECT_EQ(read("usr/bin/tool"), "body");
    EXPECT_EQ(about("usr/bin/tool").st_mode & 07777, 0755U);
    EXPECT_EQ(about("usr/bin/tool").st_ino, about("usr/bin/same").st_ino);
    EXPECT_EQ(fs::read_symlink(inner() / "bin"), "/usr/bin");
    EXPECT_EQ(about(".").st_mode & 0055, 0055U);  // else nobody could enter the image
    EXPECT_EQ(about("closed").st_mode & 0777, 0700U);
    EXPECT_EQ(read("rooted"), "r");
  }
}

TEST_F(LayerTest, what_gives_power_is_left_out) {
  ASSERT_TRUE(unpack(tar_of({{.path = "su", .content = "x", .mode = 06755},
                             {.path = "shared", .kind = '5', .mode = 03777},
                             {.path = "disk", .kind = '4'},
                             {.path = "null", .kind = '3'},
                             {.path = "pipe", .kind = '6'},
                             pax("SCHILY.xattr.user.overlay.opaque", "y"),
                             {.path = "marked", .kind = '5', .mode = 0755},
                             pax("SCHILY.xattr.security.capability", "abc"),
                             {.path = "capable", .content = "x"}})));
  EXPECT_EQ(about("su").st_mode & 07777, 0755U);
  EXPECT_EQ(about("shared").st_mode & 07777, 01777U);
  EXPECT_EQ(about("su").st_uid, ::geteuid());
  for (const char* const path : {"disk", "null", "pipe"}) EXPECT_FALSE(exists(path)) << path;
  EXPECT_FALSE(is_opaque("marked"));
  EXPECT_EQ(::lgetxattr((inner() / "capable").c_str(), "security.capability", nullptr, 0), -1);
}

TEST_F(LayerTest, marks_become_those_of_overlayfs) {
  const auto done = unpack(tar_of({{.path = "a/.wh.gone"},
                                   {.path = "b/.wh..wh..opq"},
                                   {.path = "b/new", .content = "n"},
                                   {.path = "c/.wh..wh.plnk"},
                                   {.path = "kept", .content = "k"},
                                   {.path = ".wh.kept"},
                                   {.path = ".wh.again"},
                                   {.path = "again/", .kind = '5', .mode = 0755},
                                   {.path = "before/", .kind = '5', .mode = 0755},
                                   {.path = ".wh.before"}}));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_TRUE(hides("a/gone"));
  EXPECT_FALSE(exists("a/.wh.gone"));
  EXPECT_TRUE(is_opaque("b"));
  EXPECT_EQ(read("b/new"), "n");
  EXPECT_FALSE(exists("c/.wh..wh.plnk"));
  EXPECT_EQ(read("kept"), "k");
  EXPECT_TRUE(is_opaque("again"));  // removed below, and made anew
  EXPECT_TRUE(is_opaque("before"));
}

TEST_F(LayerTest, hostile_archives_are_refused_or_contained) {
  const std::string away = "../secret";
  expect_refused({{.path = away, .content = "x"}}, "leads out of it");
  expect_refused({{.path = "a/../../secret", .content = "x"}}, "leads out of it");
  expect_refused({{.path = "..", .kind = '5'}}, "leads out of it");
  expect_refused({{.path = "../.wh.secret"}}, "leads out of it");
  expect_refused({{.path = ".wh..."}}, "hides nothing");
  expect_refused({{.path = ".wh.."}}, "hides nothing");
  expect_refused({{.path = ".wh."}}, "hides nothing");
  expect_refused({{.path = "up", .kind = '2', .link = ".."}, {.path = "up/secret", .content = "x"}},
                 "no directory");
  expect_refused({{.path = "top", .kind = '2', .link = "/"}, {.path = "top/x", .kind = '5'}},
                 "no directory");
  expect_refused({{.path = "l", .kind = '2', .link = ".."}, {.path = "l/.wh.secret"}},
                 "no directory");
  expect_refused({{.path = "h", .kind = '1', .link = "../secret"}}, "leads out of it");
  expect_refused({{.path = "m", .kind = '1', .link = "missing"}}, "not in the layer");
  expect_refused({{.path = "d", .kind = '5'}, {.path = "e", .kind = '1', .link = "d"}}, "no file");
  expect_refused(
      {{.path = "o", .kind = '2', .link = ".."}, {.path = "p", .kind = '1', .link = "o/secret"}},
      "no directory");
  expect_refused({{.path = "dir/x", .content = "x"}, {.path = "dir", .content = "y"}},
                 "a directory and something else");
  expect_refused({pax("path", std::string(5000, 'a')), {.path = "x", .content = "x"}},
                 "too long a path");
  expect_refused({pax("path", "a/" + std::string(300, 'b')), {.path = "x", .content = "x"}},
                 "too long a name");
}

TEST_F(LayerTest, a_link_in_place_of_a_file_is_replaced_and_not_followed) {
  ASSERT_TRUE(unpack(tar_of({{.path = "x", .kind = '2', .link = "../secret"},
                             {.path = "x", .content = "own", .mode = 0666},
                             {.path = "y", .kind = '2', .link = ".."},
                             {.path = "y/", .kind = '5', .mode = 0777},
                             {.path = "y/secret", .content = "own"},
                             {.path = "s", .kind = '2', .link = "/etc/shadow"},
                             {.path = "t", .kind = '1', .link = "s"},
                             {.path = "x", .kind = '1', .link = "x"}})));
  EXPECT_EQ(read("x"), "own");
  EXPECT_EQ(read("y/secret"), "own");
  EXPECT_TRUE(S_ISLNK(about("t").st_mode));
}

TEST_F(LayerTest, limits_hold) {
  const LayerLimits small{.bytes_max = 64 << 10, .entries_max = 10};
  const auto expect_over = [&](const std::string& bytes, const std::string& words) {
    const auto done = unpack(bytes, small);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unsupported);
    EXPECT_THAT(done.error().text(), HasSubstr(words));
  };
  expect_over(gzip_of(tar_of({{.path = "zeros", .content = std::string(1 << 20, '\0')}})),
              "more than 64 KiB");
  // Says more than it has: refused before it is made.
  expect_over(tar_of({{.path = "claims", .claimed = 1LL << 32}}), "more than 64 KiB");
  std::vector<TarEntry> many;
  for (int i = 0; i < 11; ++i) many.push_back({.path = std::to_string(i)});
  expect_over(tar_of(many), "more than 10 entries");
}

TEST_F(LayerTest, damage_is_told) {
  const std::string whole = gzip_of(
      tar_of({{.path = "a", .content = std::string(9000, 'x')}, {.path = "b", .content = "y"}}));
  for (std::size_t size = 1; size < whole.size(); size += 7) {
    const auto done = unpack(whole.substr(0, size));
    ASSERT_FALSE(done) << size;
    EXPECT_EQ(done.error().code, ErrorCode::corrupt) << size;
  }
  EXPECT_FALSE(unpack("this is no archive"));
  EXPECT_FALSE(unpack(gzip_of("nor is this")));
  // Bytes behind the end belong to the digest.
  const std::string tar = tar_of({{.path = "a", .content = "x"}});
  const auto longer = unpack(gzip_of(tar) + "behind");
  if (longer) {
    EXPECT_EQ(longer->blob, sha256_of(gzip_of(tar) + "behind"));
  }
}

TEST_F(LayerTest, names_are_bytes) {
  ASSERT_TRUE(unpack(tar_of({pax("path", "gr\xc3\xbc\xc3\x9f"), {.path = "x", .content = "1"}})));
  EXPECT_EQ(read("gr\xc3\xbc\xc3\x9f"), "1");
}

}  // namespace
}  // namespace reeve::images
