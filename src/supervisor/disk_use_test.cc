#include "supervisor/disk_use.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

constexpr std::int64_t kMega = 1 << 20;

class DiskUse : public testing::Test {
 protected:
  void write(const std::string& name, std::int64_t bytes) const {
    std::ofstream(place() + "/" + name) << std::string(static_cast<std::size_t>(bytes), 'x');
  }
  static std::int64_t bytes_of(ChangedFiles files, int portion = 3) {
    while (!files.step(portion)) {
    }
    return files.bytes();
  }
  std::int64_t bytes() const { return bytes_of(ChangedFiles({place()}, Time(Duration{0}))); }
  const std::string& place() const { return place_; }
  void SetUp() override {
    std::string pattern = testing::TempDir() + "disk_use.XXXXXX";
    place_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(place_); }

 private:
  std::string place_;
};

TEST_F(DiskUse, of_files_in_all_directories_is_counted_in_portions) {
  std::filesystem::create_directories(place() + "/a/b");
  write("one", kMega);
  write("a/two", 2 * kMega);
  write("a/b/three", kMega / 2);
  const std::int64_t all = bytes();
  EXPECT_GE(all, 3 * kMega + kMega / 2);
  EXPECT_LE(all, 3 * kMega + kMega / 2 + kMega / 8) << "directories take a little";
  EXPECT_EQ(bytes_of(ChangedFiles({place()}, Time(Duration{0})), 1000), all);
}

TEST_F(DiskUse, of_what_was_not_changed_since_does_not_count) {
  write("old", kMega);
  EXPECT_EQ(bytes_of(ChangedFiles({place()}, Time::max())), 0);
}

TEST_F(DiskUse, counts_what_a_file_takes_and_not_how_long_it_is_said_to_be) {
  write("holes", 1);
  std::filesystem::resize_file(place() + "/holes", std::uintmax_t{1} << 40U);
  EXPECT_LT(bytes(), kMega);
}

TEST_F(DiskUse, of_a_file_with_two_names_counts_once) {
  write("one", kMega);
  std::filesystem::create_hard_link(place() + "/one", place() + "/two");
  EXPECT_LT(bytes(), kMega + kMega / 4);
  EXPECT_GE(bytes(), kMega);
}

TEST_F(DiskUse, does_not_follow_links) {
  std::filesystem::create_directories(place() + "/inside");
  write("outside", kMega);
  std::filesystem::create_symlink(place(), place() + "/inside/up");
  std::filesystem::create_symlink(place() + "/outside", place() + "/inside/file");
  EXPECT_LT(bytes_of(ChangedFiles({place() + "/inside"}, Time(Duration{0}))), kMega / 4);
  EXPECT_EQ(bytes_of(ChangedFiles({place() + "/inside/up"}, Time(Duration{0}))), 0);
}

TEST_F(DiskUse, that_is_hidden_in_depth_counts_as_unbounded) {
  std::string path = place();
  for (std::size_t i = 0; i < ChangedFiles::kDepthMax; ++i) {
    path += "/d";
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    if (i + 2 == ChangedFiles::kDepthMax) {
      EXPECT_LT(bytes(), ChangedFiles::kUnbounded) << "as deep as may be";
    }
  }
  EXPECT_EQ(bytes(), ChangedFiles::kUnbounded);
}

TEST_F(DiskUse, of_what_is_not_there_is_nothing) {
  EXPECT_EQ(bytes_of(ChangedFiles({place() + "/none"}, Time(Duration{0}))), 0);
  EXPECT_FALSE(DiskSpace::of(place() + "/none").is_short());
  EXPECT_FALSE(DiskSpace::of(place() + "/none").is_near());
}

TEST_F(DiskUse, leaves_a_hundredth_and_at_most_256_mebibytes) {
  const DiskSpace space = DiskSpace::of(place());
  EXPECT_GT(space.reserve_bytes, 0);
  EXPECT_LE(space.reserve_bytes, 256 * kMega);
  EXPECT_TRUE((DiskSpace{.free_bytes = 99, .reserve_bytes = 100}.is_short()));
  EXPECT_FALSE((DiskSpace{.free_bytes = 100, .reserve_bytes = 100}.is_short()));
  EXPECT_TRUE((DiskSpace{.free_bytes = 1599, .reserve_bytes = 100}.is_near()));
  EXPECT_FALSE((DiskSpace{.free_bytes = 1600, .reserve_bytes = 100}.is_near()));
}

}  // namespace
}  // namespace reeve::supervisor
