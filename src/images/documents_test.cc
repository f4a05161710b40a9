#include "images/documents.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "images/fetch.h"
#include "images/store.h"

namespace reeve::images {
namespace {

using ::testing::HasSubstr;

std::string digest(char digit) { return "sha256:" + std::string(64, digit); }

std::string manifest_of(int layers) {
  std::string list;
  for (int i = 0; i < layers; ++i)
    list += fmt::format("{}{{\"digest\": \"{}\"}}", i == 0 ? "" : ",", digest('b'));
  return fmt::format("{{\"config\": {{\"digest\": \"{}\"}}, \"layers\": [{}]}}", digest('c'), list);
}

TEST(Documents, a_manifest_names_its_parts) {
  const auto found = read_manifest(manifest_of(2));
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(std::get<Manifest>(*found), (Manifest{digest('c'), {digest('b'), digest('b')}}));
}

TEST(Documents, an_index_is_a_choice_for_this_machine) {
  const auto index = [](std::string_view machine) {
    return fmt::format(
        "{{\"manifests\": [{{\"digest\": \"{}\", \"platform\": {{\"os\": \"linux\", "
        "\"architecture\": \"arm64\"}}}}, {{\"digest\": \"{}\", \"platform\": {{\"os\": \"linux\", "
        "\"architecture\": \"{}\"}}}}]}}",
        digest('1'), digest('2'), machine);
  };
  const auto found = read_manifest(index("amd64"));
  ASSERT_TRUE(found);
  EXPECT_EQ(std::get<Chosen>(*found).manifest, digest('2'));
  const auto none = read_manifest(index("riscv64"));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().text(), HasSubstr("there is: linux/arm64, linux/riscv64"));
}

TEST(Documents, a_configuration_says_what_is_run) {
  Image image;
  const std::string text = fmt::format(
      "{{\"config\": {{\"Env\": [\"A=1\"], \"Entrypoint\": [\"/e\"], \"Cmd\": null, "
      "\"WorkingDir\": \"/w\"}}, \"rootfs\": {{\"diff_ids\": [\"{}\"]}}}}",
      digest('d'));
  ASSERT_TRUE(read_configuration(text, {digest('c'), {digest('b')}}, image));
  EXPECT_EQ(image.layers, (std::vector<Layer>{{digest('b'), digest('d'), 0}}));
  EXPECT_EQ(image.environment, std::vector<std::string>{"A=1"});
  EXPECT_EQ(image.entrypoint, std::vector<std::string>{"/e"});
  EXPECT_TRUE(image.command.empty());
  EXPECT_EQ(image.work_directory, "/w");
  // One layer fewer than the manifest has.
  EXPECT_FALSE(read_configuration(text, {digest('c'), {digest('b'), digest('b')}}, image));
}

TEST(Documents, what_is_hostile_is_refused) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), std::string("{\"layers\": 3}"),
        std::string("{\"manifests\": 3}"), std::string(100'000, '['), manifest_of(0),
        manifest_of(kLayersMax + 1),
        std::string("{\"config\": {\"digest\": \"sha256:../../x\"}, \"layers\": [{}]}"),
        std::string("{\"config\": [], \"layers\": [1]}")})
    EXPECT_FALSE(read_manifest(text)) << text.substr(0, 80);
  EXPECT_TRUE(read_manifest(manifest_of(kLayersMax)));
  Image image;
  const Manifest one{digest('c'), {digest('b')}};
  for (const char* const text :
       {"{}", "{\"rootfs\": {\"diff_ids\": [\"x\"]}}", "{\"rootfs\": {\"diff_ids\": 1}}",
        "{\"rootfs\": {\"diff_ids\": [3]}}"})
    EXPECT_FALSE(read_configuration(text, one, image)) << text;
  EXPECT_FALSE(read_layout_index("{\"manifests\": []}"));
}

TEST(FetchLines, are_read_back) {
  EXPECT_EQ(std::get<Note>(read_fetch_line("note some words")).text, "some words");
  EXPECT_EQ(std::get<Done>(read_fetch_line("done " + digest('a'))).digest, digest('a'));
  EXPECT_EQ(std::get<Left>(read_fetch_line("left 17")).bytes, 17);
  const auto error = std::get<Error>(read_fetch_line("fail not_found there is none"));
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_EQ(error.message, "there is none");
  EXPECT_EQ(std::get<Error>(read_fetch_line("fail ")).code, ErrorCode::io_failed);
  EXPECT_TRUE(std::holds_alternative<Note>(read_fetch_line("done ../../x")));
  EXPECT_TRUE(std::holds_alternative<Note>(read_fetch_line("")));
}

}  // namespace
}  // namespace reeve::images
