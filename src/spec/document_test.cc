// docs/workflow-format.md against the parser: its examples are valid, its tables are those of the
// field table, and no key is missing.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "spec/fields.h"
#include "spec/parse.h"
#include "spec/reference.h"

namespace reeve::spec {
namespace {

std::string document() {
  std::ifstream file(REEVE_SOURCE_DIR "/docs/workflow-format.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Example {
  int line = 0;
  std::string text;
};

std::vector<Example> examples() {
  std::vector<Example> found;
  std::istringstream lines(document());
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
  EXPECT_GT(examples().size(), 20U);
  for (const Example& example : examples()) {
    const Parsed parsed = parse_workflow(example.text, "example");
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

TEST(FormatDocument, every_key_is_in_an_example) {
  std::string all;
  for (const Example& example : examples()) all += example.text;
  expect_shown(workflow_shape(), all, document());
}

TEST(FormatDocument, its_tables_are_the_field_table) {
  const std::string text = document();
  const std::string_view begin_mark = "<!-- fields -->\n";
  const std::size_t begin = text.find(begin_mark);
  const std::size_t end = text.find("<!-- end of fields -->");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t start = begin + begin_mark.size();
  EXPECT_EQ(text.substr(start, end - start), workflow_reference())
      << "put what workflow_reference() gives between the two markers";
}

}  // namespace
}  // namespace reeve::spec
