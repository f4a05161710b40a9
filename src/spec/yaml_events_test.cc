#include "spec/yaml_events.h"

#include <cmath>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "spec/diagnostics.h"
#include "spec/json_text.h"

namespace reeve::spec {
namespace {

std::string json_of(std::string_view source) {
  const YamlText text = read_yaml(source);
  if (!text.problems.empty()) {
    std::string out;
    for (const YamlProblem& problem : text.problems)
      out += std::to_string(problem.offset) + ": " + problem.message + "\n";
    return out;
  }
  if (!text.document.root()) return "nothing";
  std::string out;
  EXPECT_TRUE(append_json(out, text.document.root()->json(), JsonStyle::compact, 1 << 20));
  return out;
}

TEST(Yaml, scalars_follow_the_core_schema_of_yaml_1_2) {
  EXPECT_EQ(json_of("[yes, no, on, off, y, True, FALSE, true, false]"),
            R"(["yes","no","on","off","y",true,false,true,false])");
  EXPECT_EQ(json_of("[~, null, Null, NULL, '', 'null', \"~\"]"),
            R"([null,null,null,null,"","null","~"])");
  EXPECT_EQ(json_of("[1, -2, +3, 0x1F, 0o17, 017, 1_000, 0b1, 1:30]"),
            R"([1,-2,3,31,15,17,"1_000","0b1","1:30"])");
  EXPECT_EQ(json_of("[1.5, .5, 1., 1e3, 1.0e-2, 1.2.3, ., e3, 1e, '1', -, 9999999999999999999]"),
            R"([1.5,0.5,1,1000,0.01,"1.2.3",".","e3","1e","1","-",1e+19])");
  EXPECT_EQ(json_of("[.inf, -.INF, +.Inf, .nan]"), "[null,null,null,null]");
  EXPECT_EQ(json_of("!!str 5"), "\"5\"");
  EXPECT_EQ(json_of("!!int 5"), "5");
}

TEST(Yaml, styles_and_structures) {
  EXPECT_EQ(
      json_of("a: |\n  x\n   y\nb: >-\n  x\n  y\nc: 'it''s'\nd: \"\\u00e9\\n\"\ne: p\n  q\n"),
      "{\"a\":\"x\\n y\\n\",\"b\":\"x y\",\"c\":\"it's\",\"d\":\"\xC3\xA9\\n\",\"e\":\"p q\"}");
  EXPECT_EQ(json_of("- [1, [2]]\n- {a: {b: []}}\n-\n"), R"([[1,[2]],{"a":{"b":[]}},null])");
  EXPECT_EQ(json_of(""), "nothing");
  EXPECT_EQ(json_of("# a comment\n"), "nothing");
  EXPECT_EQ(json_of("---\n...\n"), "null");
  EXPECT_EQ(json_of("%YAML 1.2\n---\na: 1\n"), R"({"a":1})");
}

TEST(Yaml, aliases_and_merge_keys) {
  EXPECT_EQ(json_of("a: &x {k: [1]}\nb: *x\nc: [*x, *x]"),
            R"({"a":{"k":[1]},"b":{"k":[1]},"c":[{"k":[1]},{"k":[1]}]})");
  EXPECT_EQ(json_of("a: &x 5\nb: *x"), R"({"a":5,"b":5})");
  EXPECT_EQ(json_of("a: &x\nb: *x"), R"({"a":null,"b":null})");
  EXPECT_EQ(json_of("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}"),
            R"({"a":{"p":1,"q":2},"b":{"q":3,"p":1}})");
  EXPECT_EQ(json_of("a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {r: 3, <<: [*x, *y]}"),
            R"({"a":{"p":1},"b":{"p":2,"q":2},"c":{"r":3,"p":1,"q":2}})");
  EXPECT_EQ(json_of("a: &x {p: &z [1]}\nb: &y {<<: *x}\nc: {<<: *y, d: *z}"),
            R"({"a":{"p":[1]},"b":{"p":[1]},"c":{"d":[1],"p":[1]}})");
  EXPECT_EQ(json_of("{<<: {a: 1}}"), R"({"a":1})");
  EXPECT_EQ(json_of("{<<: {}}"), "{}");
  EXPECT_EQ(json_of("{'<<': 1}"), R"({"<<":1})");
  EXPECT_EQ(json_of("{<<: 1}"), "5: '<<' merges a map or a list of maps: <<: *name\n");
  EXPECT_EQ(json_of("{<<: [{a: 1}, 2]}"), "5: '<<' merges a map or a list of maps: <<: *name\n");
}

TEST(Yaml, refuses_what_is_not_one_plain_text) {
  EXPECT_EQ(json_of("a: 1\n---\nb: 2\n"),
            "5: a second document begins here; a workflow file holds one\n");
  EXPECT_EQ(json_of("a: 1\nb: 2\na: 3\nb: 4"),
            "10: the key 'a' is given twice\n15: the key 'b' is given twice\n");
  EXPECT_EQ(json_of("a: \xff"),
            "3: the file is not UTF-8 text (a byte that no UTF-8 character has here)\n");
  EXPECT_EQ(json_of("\xc3\xa9: 1\nb: \xc3"),
            "9: the file is not UTF-8 text (a byte that no UTF-8 character has here)\n");
  EXPECT_EQ(json_of(std::string_view("a: \0", 4)), "3: a NUL byte; the file is not text\n");
  EXPECT_EQ(json_of("a: !env X"), "3: tags such as '!env' mean nothing here; leave it out\n");
  EXPECT_EQ(json_of("a: !ref [X]"), "3: tags such as '!ref' mean nothing here; leave it out\n");
  EXPECT_EQ(json_of("[a]: 1"), "0: a key is a plain text, not a list, a map or an alias\n");
  EXPECT_EQ(json_of("&x a: 1\n*x : 2"),
            "8: a key is a plain text, not a list, a map or an alias\n");
  EXPECT_EQ(json_of("a: &x [1, *x]"), "10: an alias stands inside of the value that it names\n");
  EXPECT_EQ(json_of("a: *nope"), "3: this is not YAML: the referenced anchor is not defined\n");
  EXPECT_EQ(json_of("a: b: c"),
            "4: unexpected ':'; check the indentation, and quote a text that "
            "holds ': '\n");
  EXPECT_EQ(json_of("a: [1, 2"), "8: a '[' is not closed, or a ',' is missing\n");
  EXPECT_EQ(json_of("a: @x"), "3: a text cannot begin with this character; put it in quotes\n");
}

TEST(Yaml, nesting_is_bounded) {
  const std::string fits(kDepthMax, '[');
  EXPECT_EQ(json_of(fits + std::string(kDepthMax, ']')).size(), 2 * kDepthMax);
  for (const std::string& text : {std::string(100'000, '['), "a: " + std::string(200'000, '{'),
                                  fits + "[" + std::string(kDepthMax + 1, ']')}) {
    EXPECT_NE(json_of(text).find("nested deeper than 64 levels"), std::string::npos);
  }
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  EXPECT_NE(json_of(dashes).find("nested deeper than 64 levels"), std::string::npos);
  // An alias counts with what it stands for.
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_NE(json_of("a: &x " + deep + "\nb: " + std::string(40, '[') + "*x" + std::string(40, ']'))
                .find("nested deeper than 64 levels"),
            std::string::npos);
}

TEST(Yaml, aliases_that_expand_without_bound_are_refused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += before + (k < 9 ? ", " : "]\n");
  }
  EXPECT_NE(json_of(bomb).find("the aliases of this file expand to more than 1000000 values"),
            std::string::npos);
}

TEST(Yaml, nodes_know_their_place) {
  const std::string_view source = "a: 1\nb:\n  - x\n  - {c: d}\n";
  const YamlText text = read_yaml(source);
  const YamlNode root = *text.document.root();
  EXPECT_TRUE(root.is_map());
  EXPECT_EQ(root.size(), 2U);
  const YamlNode list = *root.find("b");
  EXPECT_EQ(list.items().size(), 2U);
  EXPECT_EQ(source[list.items()[0].offset()], 'x');
  EXPECT_EQ(list.items()[1].entries()[0].value.text(), "d");
  EXPECT_FALSE(list.find("x"));
  EXPECT_FALSE(root.find("zz"));
  EXPECT_FALSE(list.items()[0].first());
  EXPECT_TRUE(list.items()[0].items().empty());
  EXPECT_TRUE(list.entries().empty());
  EXPECT_EQ(list.text(), "");
  EXPECT_EQ(list.scalar_value(), Json(nullptr));
  EXPECT_TRUE(root == *text.document.root());
}

// The offset of `marker` in the value of key `a`, found in the source.
std::string found_at(std::string_view source, std::string_view marker) {
  const YamlText text = read_yaml(source);
  const YamlNode node = *text.document.root()->find("a");
  const std::size_t offset =
      locate_in_scalar(source, node.offset(), node.text(), node.text().find(marker));
  return std::string(source.substr(offset, marker.size()));
}

TEST(Yaml, places_inside_of_scalars_are_found_in_the_source) {
  EXPECT_EQ(found_at("a: one MARK two", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: 'it''s ''here'' MARK'", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: \"\\ttab \\u00e9 \\x41 \\\" MARK\"", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: \"\\U0001F600x MARK\"", "MARK").size(), 4U);
  EXPECT_EQ(found_at("a: |\n    one\n      two\n\n    MARK\nb: 1", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: |2\n    one\n  MARK\n", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: >-\n  one\n  two\n\n  three\n  MARK\n", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: one\n  two\n\n  three MARK", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: \"one\n  two\n\n  MARK\"", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: \"MARK\"", "MARK"), "MARK");
  EXPECT_EQ(found_at("a: &x\n  'MARK'", "MARK").size(), 4U);
  EXPECT_EQ(locate_in_scalar("abc", 0, "xyz", 2), 0U);
  EXPECT_EQ(locate_in_scalar("abc", 9, "xyz", 2), 3U);
  EXPECT_EQ(locate_in_scalar("|", 0, "xyz", 2), 1U);
  EXPECT_EQ(locate_in_scalar("\"\\", 0, "xy", 1), 2U);
}

}  // namespace
}  // namespace reeve::spec
