// docs/workflow-format.md and docs/cluster-file.md against the parsers: their examples are valid,
// their tables are those of the field tables, and no key is missing.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "spec/cluster_file.h"
#include "spec/fields.h"
#include "spec/parse.h"
#include "spec/reference.h"

namespace reeve::spec {
namespace {

constexpr const char* kWorkflows = REEVE_SOURCE_DIR "/docs/workflow-format.md";
constexpr const char* kClusters = REEVE_SOURCE_DIR "/docs/cluster-file.md";

std::string document(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Example {
  int line = 0;
  std::string text;
};

std::vector<Example> examples(const char* path) {
  std::vector<Example> found;
  std::istringstream lines(document(path));
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!inside && line.starts_with("```yaml")) {
      inside = true;
      found.push_back({number, {}});
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      found.back().text += line + "\n";
    }
  }
  return found;
}

TEST(FormatDocument, every_example_is_valid) {
  EXPECT_GT(examples(kWorkflows).size(), 20U);
  for (const Example& example : examples(kWorkflows)) {
    const Parsed parsed = parse_workflow(example.text, "example");
    for (const Diagnostic& diagnostic : parsed.diagnostics)
      ADD_FAILURE() << "example at line " << example.line << ": " << diagnostic.text();
  }
}

TEST(ClusterDocument, every_example_is_valid) {
  EXPECT_GT(examples(kClusters).size(), 2U);
  for (const Example& example : examples(kClusters)) {
    const ParsedCluster parsed = parse_cluster(example.text, "example");
    for (const Diagnostic& diagnostic : parsed.diagnostics)
      ADD_FAILURE() << "example at line " << example.line << ": " << diagnostic.text();
  }
}

// Every key of the shape and of the shapes below it stands as `key:` in some example. Other names
// of a key only have to be mentioned.
void expect_shown(const Shape& shape, const std::string& all_examples, const std::string& text) {
  for (const Field& field : shape.fields) {
    if (field.shape == nullptr) continue;
    EXPECT_NE(all_examples.find(std::string(field.name) + ":"), std::string::npos) << field.name;
    for (const std::string_view alias : field.aliases)
      EXPECT_NE(text.find("`" + std::string(alias) + "`"), std::string::npos) << alias;
    expect_shown(*field.shape, all_examples, text);
  }
  if (shape.item != nullptr) expect_shown(*shape.item, all_examples, text);
  if (shape.value != nullptr) expect_shown(*shape.value, all_examples, text);
}

void expect_every_key(const Shape& shape, const char* path) {
  std::string all;
  for (const Example& example : examples(path)) all += example.text;
  expect_shown(shape, all, document(path));
}

TEST(FormatDocument, every_key_is_in_an_example) { expect_every_key(workflow_shape(), kWorkflows); }
TEST(ClusterDocument, every_key_is_in_an_example) { expect_every_key(cluster_shape(), kClusters); }

void expect_tables(const std::string& reference, const char* path) {
  const std::string text = document(path);
  const std::string_view begin_mark = "<!-- fields -->\n";
  const std::size_t begin = text.find(begin_mark);
  const std::size_t end = text.find("<!-- end of fields -->");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t start = begin + begin_mark.size();
  EXPECT_EQ(text.substr(start, end - start), reference)
      << "put what reference.h gives between the two markers";
}

TEST(FormatDocument, its_tables_are_the_field_table) {
  expect_tables(workflow_reference(), kWorkflows);
}
TEST(ClusterDocument, its_tables_are_the_field_table) {
  expect_tables(cluster_reference(), kClusters);
}

}  // namespace
}  // namespace reeve::spec
