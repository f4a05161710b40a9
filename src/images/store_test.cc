#include "images/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace reeve::images {
namespace {

namespace fs = std::filesystem;

std::string layer_digest(char digit) { return "sha256:" + std::string(64, digit); }

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : store_(make_directory()) { EXPECT_TRUE(store_.open()); }
  ~StoreTest() override { fs::remove_all(store_.directory()); }

  /// Of layers of 100 bytes each; `age` in seconds.
  void add(char name, const std::string& layers, int age) {
    Image image;
    image.digest = layer_digest(name);
    for (const char layer : layers) {
      image.layers.push_back({layer_digest(layer), layer_digest(layer), 100});
      fs::create_directories(store_.layer_path(layer_digest(layer)));
      std::ofstream(store_.blob_path(layer_digest(layer))) << "blob";
    }
    ASSERT_TRUE(store_.save(image, image.digest));
    const fs::path record = store_.directory() + "/images/" + std::string(64, name);
    fs::last_write_time(record, fs::file_time_type::clock::now() - std::chrono::seconds(age));
  }
  bool has(char name) const { return store_.find(layer_digest(name)).has_value(); }

  Store store_;

 private:
  static std::string make_directory() {
    std::string name = "/tmp/reeve-store-XXXXXX";
    return ::mkdtemp(name.data());
  }
};

TEST_F(StoreTest, an_image_is_there_when_all_its_layers_are) {
  add('a', "12", 0);
  ASSERT_TRUE(has('a'));
  EXPECT_EQ(store_.find(layer_digest('a'))->layers.size(), 2U);
  EXPECT_EQ(store_.bytes_of(layer_digest('1')), 100);
  EXPECT_FALSE(has('b'));
  fs::remove(store_.layer_path(layer_digest('2')));
  EXPECT_FALSE(has('a'));
}

TEST_F(StoreTest, a_damaged_record_is_none) {
  add('a', "1", 0);
  const std::string record = store_.directory() + "/images/" + std::string(64, 'a');
  std::ofstream(record, std::ios::app) << "more";
  EXPECT_FALSE(has('a'));
  std::ofstream(record, std::ios::trunc) << "";
  EXPECT_FALSE(has('a'));
  fs::remove(record);
  fs::create_symlink("/etc/passwd", record);
  EXPECT_FALSE(has('a'));
}

TEST_F(StoreTest, the_least_recently_used_go_first) {
  add('a', "12", 30);
  add('b', "23", 20);
  add('c', "34", 10);
  // Four layers, each counted once.
  ASSERT_EQ(store_.collect(400, {}).value(), 400);
  EXPECT_TRUE(has('a') && has('b') && has('c'));
  store_.touch(layer_digest('a'));
  // All that b has, another has too: it frees nothing, and the next one goes as well.
  ASSERT_EQ(store_.collect(399, {}).value(), 200);
  EXPECT_TRUE(has('a') && !has('b') && !has('c'));
  EXPECT_FALSE(store_.has_layer(layer_digest('3')));
  EXPECT_TRUE(store_.has_layer(layer_digest('2')));
  EXPECT_FALSE(fs::exists(store_.blob_path(layer_digest('3'))));
}

TEST_F(StoreTest, what_is_in_use_stays_whatever_the_limit) {
  add('a', "12", 30);
  add('b', "3", 20);
  ASSERT_EQ(store_.collect(0, {layer_digest('a')}).value(), 200);
  EXPECT_TRUE(has('a') && !has('b'));
}

TEST_F(StoreTest, what_no_image_needs_goes_and_no_link_is_followed) {
  add('a', "1", 0);
  const std::string outside = store_.directory() + "-outside";
  fs::create_directories(outside);
  std::ofstream(outside + "/file") << "stays";
  const std::string stray = store_.layer_path(layer_digest('9'));
  fs::create_directories(stray);
  fs::create_directory_symlink(outside, stray + "/link");
  ASSERT_TRUE(store_.collect(1000, {}));
  EXPECT_FALSE(fs::exists(stray));
  EXPECT_TRUE(fs::exists(outside + "/file"));
  EXPECT_TRUE(has('a'));
  fs::remove_all(outside);
}

}  // namespace
}  // namespace reeve::images
