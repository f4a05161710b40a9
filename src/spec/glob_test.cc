// Two patterns have a path in common: a table, and a comparison with trying all short paths.
#include "spec/glob.h"

#include <gtest/gtest.h>

#include "base/generator.h"

namespace reeve::spec {
namespace {

Glob glob(std::string_view text) {
  auto parsed = Glob::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Glob{});
}

TEST(Glob, have_something_in_common) {
  struct GlobCase {
    std::string_view a;
    std::string_view b;
    bool common;
  };
  for (const auto& [a, b, common] : std::initializer_list<GlobCase>{
           {"a", "a", true},
           {"a", "b", false},
           {"a", "./a//.", true},
           {"data/x.csv", "data/*.csv", true},
           {"data/x.csv", "data/*.json", false},
           {"data/x.csv", "*.csv", false},
           {"data/a/x.csv", "data/*.csv", false},
           {"data/**", "data/a/b", true},
           {"data/**/x", "data/x", true},
           {"data/**/x", "data/a/b/x", true},
           {"data/**/x", "data/a/b/*y", false},
           {"**/x", "**/y", true},  // y/x, if y is a directory
           {"**/*.x", "**/*.y", false},
           {"**/x/**", "y/**", true},
           {"a*b", "*ab", true},
           {"a*b", "*ba", false},
           {"a?c", "abd", false},
           {"a?c", "ab*", true},
           {"?", "ä", true},
           {"??", "ä", false},
           {"out", "out/x/y", true},
           {"out/", "out/*.txt", true},
           {"out", "outer", false},
           {"o*", "out/x", false},
           {".", "any/thing", true},
           {"**", "x", true},
           {"/a/b", "b", true},
           {"/a/b", "c", true},  // it may begin in /a/b
           {"/a/*.csv", "x.json", false},
           {"/a/b", "/a/c", false},
           {"/tmp/x.csv", "*.csv", true},
           {"/", "x", true},
           {"a**b", "axb", true},
       }) {
    EXPECT_EQ(Glob::intersect(glob(a), glob(b)), common) << a << " and " << b;
    EXPECT_EQ(Glob::intersect(glob(b), glob(a)), common) << b << " and " << a;
  }
}

TEST(Glob, below_a_directory) {
  EXPECT_EQ(glob("*.csv").below(glob("data")), glob("data/*.csv"));
  EXPECT_EQ(glob("x").below(glob("/tmp/")), glob("/tmp/x"));
  EXPECT_EQ(glob("/x").below(glob("data")), glob("/x"));
}

TEST(Glob, what_is_no_pattern) {
  for (const std::string_view text : {"", "..", "a/../b", "[ab]", "{a,b}", "a\\*"})
    EXPECT_FALSE(Glob::parse(text)) << text;
  EXPECT_FALSE(Glob::parse(std::string(kGlobBytesMax + 1, 'a')));
  std::string deep;
  for (std::size_t i = 0; i <= kGlobNamesMax; ++i) deep += "a/";
  EXPECT_FALSE(Glob::parse(deep));
}

// A matcher that is simple enough to be seen right; recursive, for short texts.
bool matches_name(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return matches_name(pattern.substr(1), text) ||
           (!text.empty() && matches_name(pattern, text.substr(1)));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         matches_name(pattern.substr(1), text.substr(1));
}

using Names = std::vector<std::string>;
bool matches(const Names& pattern, std::size_t i, const Names& path, std::size_t j) {
  if (i == pattern.size()) return j == path.size();
  if (pattern[i] == "**")
    return matches(pattern, i + 1, path, j) ||
           (j < path.size() && matches(pattern, i, path, j + 1));
  return j < path.size() && matches_name(pattern[i], path[j]) &&
         matches(pattern, i + 1, path, j + 1);
}

// All names of up to four of two letters.
std::vector<std::string> all_names() {
  std::vector<std::string> names{""};
  for (std::size_t i = 0; names[i].size() < 6; ++i) {
    names.push_back(names[i] + "a");
    names.push_back(names[i] + "b");
  }
  names.erase(names.begin());
  return names;
}

std::string random_name(Generator& random) {
  std::string name;
  const auto size = random.between(1, 3);
  for (std::int64_t i = 0; i < size; ++i) name += "ab?*"[random.below(4)];
  return name == "**" ? "*" : name;
}

// What a name of up to four characters and one of up to three have in common, a text of at most
// seven shows, and the shortest has no more than their letters: six are enough.
TEST(GlobProperty, one_name_as_by_trying_all_texts) {
  Generator random{7};
  const std::vector<std::string> texts = all_names();
  for (int round = 0; round < 2000; ++round) {
    const std::string a = random_name(random) + (random.chance(500) ? "*" : "");
    const std::string b = random_name(random);
    const bool expected = std::ranges::any_of(texts, [&](const std::string& text) {
      return matches_name(a, text) && matches_name(b, text);
    });
    // What stands in front keeps `**` from being any number of names.
    EXPECT_EQ(Glob::intersect(glob("x" + a), glob("x" + b)), expected) << a << " and " << b;
  }
}

TEST(GlobProperty, paths_as_by_trying_all_paths) {
  Generator random{11};
  std::vector<Names> paths{{}};
  for (std::size_t i = 0; i < paths.size() && paths[i].size() < 5; ++i) {
    for (const char* const name : {"a", "b", "ab"}) {
      paths.push_back(paths[i]);
      paths.back().emplace_back(name);
    }
  }
  constexpr std::string_view kNames[] = {"a", "b", "a?", "*b", "*", "**", "?"};
  int common = 0;
  for (int round = 0; round < 3000; ++round) {
    Names parts[2];
    std::string text[2];
    for (int side = 0; side < 2; ++side) {
      const auto size = random.between(1, 3);
      for (std::int64_t i = 0; i < size; ++i) {
        parts[side].emplace_back(kNames[random.below(std::size(kNames))]);
        text[side] += (i == 0 ? "" : "/") + parts[side].back();
      }
      const std::string& last = parts[side].back();
      if (last.find_first_of("*?") == std::string::npos) parts[side].emplace_back("**");
    }
    // A path of no name at all is none: but `**` stands for the directory itself, too.
    const bool expected = std::ranges::any_of(paths, [&](const Names& path) {
      return matches(parts[0], 0, path, 0) && matches(parts[1], 0, path, 0);
    });
    common += expected ? 1 : 0;
    EXPECT_EQ(Glob::intersect(glob(text[0]), glob(text[1])), expected)
        << text[0] << " and " << text[1];
  }
  EXPECT_GT(common, 500);
  EXPECT_LT(common, 2500);
}

}  // namespace
}  // namespace reeve::spec
