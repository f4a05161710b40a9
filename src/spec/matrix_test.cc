#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "spec/fan_out.h"
#include "spec/workflow.h"

namespace reeve::spec {
namespace {

std::string expand(std::string_view text) {
  const auto legs = expand_matrix(boost::json::parse(text));
  if (!legs) return legs.error().message;
  std::string out;
  for (const Json& leg : *legs) out += boost::json::serialize(leg) + "\n";
  return out;
}

TEST(Matrix, product_in_the_order_of_the_axes) {
  EXPECT_EQ(expand(R"({"a": [1, 2], "b": ["x", "y"]})"),
            "{\"a\":1,\"b\":\"x\"}\n{\"a\":1,\"b\":\"y\"}\n{\"a\":2,\"b\":\"x\"}\n"
            "{\"a\":2,\"b\":\"y\"}\n");
  EXPECT_EQ(expand(R"({"a": [{"n": 1}, null]})"), "{\"a\":{\"n\":1}}\n{\"a\":null}\n");
  EXPECT_EQ(expand("{}"), "");
}

TEST(Matrix, exclude_removes_every_leg_that_it_matches) {
  EXPECT_EQ(expand(R"({"a": [1, 2], "b": [3, 4], "exclude": [{"a": 1}, {"a": 2, "b": 4}]})"),
            "{\"a\":2,\"b\":3}\n");
}

// The example of GitHub's documentation ("Expanding or adding matrix configurations").
TEST(Matrix, include_as_github_documents_it) {
  EXPECT_EQ(expand(R"({"fruit": ["apple", "pear"], "animal": ["cat", "dog"], "include": [
      {"color": "green"}, {"color": "pink", "animal": "cat"}, {"fruit": "apple", "shape": "circle"},
      {"fruit": "banana"}, {"fruit": "banana", "animal": "cat"}]})"),
            "{\"fruit\":\"apple\",\"animal\":\"cat\",\"color\":\"pink\",\"shape\":\"circle\"}\n"
            "{\"fruit\":\"apple\",\"animal\":\"dog\",\"color\":\"green\",\"shape\":\"circle\"}\n"
            "{\"fruit\":\"pear\",\"animal\":\"cat\",\"color\":\"pink\"}\n"
            "{\"fruit\":\"pear\",\"animal\":\"dog\",\"color\":\"green\"}\n"
            "{\"fruit\":\"banana\"}\n"
            "{\"fruit\":\"banana\",\"animal\":\"cat\"}\n");
  EXPECT_EQ(expand(R"({"include": [{"a": 1}, {"a": 2}]})"), "{\"a\":1}\n{\"a\":2}\n");
  EXPECT_EQ(expand(R"({"a": [1], "exclude": [{"a": 1}], "include": [{"a": 1, "b": 2}]})"),
            "{\"a\":1,\"b\":2}\n");
  EXPECT_EQ(expand(R"({"a": [1], "include": null, "exclude": []})"), "{\"a\":1}\n");
}

TEST(Matrix, errors) {
  EXPECT_EQ(expand("[1]"),
            "matrix: expected an object {axis: [values]}, got a value of kind array");
  EXPECT_EQ(expand(R"({"a": 1})"), "matrix: the axis 'a' is a list of values, not of kind number");
  EXPECT_EQ(expand(R"({"a": []})"), "matrix: the axis 'a' has no values");
  EXPECT_EQ(expand(R"({"a": [1], "include": 3})"),
            "matrix: include is a list of maps, not of kind number");
  EXPECT_EQ(expand(R"({"a": [1], "exclude": ["x"]})"),
            "matrix: exclude is a list of maps; one of its elements is of kind string");
  EXPECT_EQ(expand(R"({"a": [1], "exclude": [{"b": 1}]})"),
            "matrix: exclude names 'b', which is no axis of the matrix");
  std::string axis = "[0";
  for (int i = 1; i < 1000; ++i) axis += "," + std::to_string(i);
  axis += "]";
  EXPECT_EQ(expand("{\"a\": " + axis + ", \"b\": " + axis + "}"),
            "matrix: more than 100000 combinations");
  std::string patterns = "[{\"a\":1}";
  for (int i = 1; i < 25'000; ++i) patterns += ",{\"a\":1}";
  EXPECT_EQ(expand("{\"a\": " + axis + ", \"include\": " + patterns + "]}"),
            "matrix: too many combinations for so many entries of include and exclude");
  std::string legs = "[{\"a\":1}";
  for (std::size_t i = 0; i < kMatrixLegsMax; ++i) legs += ",{\"a\":1}";
  EXPECT_EQ(expand("{\"include\": " + legs + "]}"), "matrix: more than 100000 combinations");
}

// A model that follows GitHub's text word by word, without regard to cost.
std::vector<boost::json::object> model(const std::vector<std::pair<std::string, int>>& axes,
                                       const std::vector<boost::json::object>& exclude,
                                       const std::vector<boost::json::object>& include) {
  std::vector<boost::json::object> legs{{}};
  for (const auto& [name, count] : axes) {
    std::vector<boost::json::object> longer;
    for (const auto& leg : legs) {
      for (int value = 0; value < count; ++value) {
        longer.push_back(leg);
        longer.back()[name] = value;
      }
    }
    legs = std::move(longer);
  }
  if (axes.empty()) legs.clear();
  std::erase_if(legs, [&](const auto& leg) {
    for (const auto& pattern : exclude) {
      bool all = true;
      for (const auto& [key, value] : pattern) all = all && leg.at(key) == value;
      if (all) return true;
    }
    return false;
  });
  const auto original = legs;
  for (const auto& addition : include) {
    bool used = false;
    for (std::size_t i = 0; i < original.size(); ++i) {
      bool overwrites = false;
      for (const auto& [key, value] : addition)
        overwrites = overwrites || (original[i].contains(key) && original[i].at(key) != value);
      if (overwrites) continue;
      for (const auto& [key, value] : addition) legs[i][key] = value;
      used = true;
    }
    if (!used) legs.push_back(addition);
  }
  return legs;
}

RC_GTEST_PROP(MatrixProperty, agrees_with_the_model, ()) {
  std::vector<std::pair<std::string, int>> axes;
  boost::json::object matrix;
  for (const char* name : {"a", "b", "c"}) {
    const int count = *rc::gen::inRange(0, 4);
    if (count == 0) continue;
    axes.emplace_back(name, count);
    boost::json::array values;
    for (int i = 0; i < count; ++i) values.push_back(i);
    matrix[name] = values;
  }
  const auto entries = [&](bool foreign) {
    std::vector<boost::json::object> out(*rc::gen::inRange<std::size_t>(0, 4));
    for (auto& entry : out) {
      for (const auto& [name, count] : axes) {
        if (*rc::gen::arbitrary<bool>()) entry[name] = *rc::gen::inRange(0, count + 1);
      }
      if (foreign && *rc::gen::arbitrary<bool>()) entry["extra"] = *rc::gen::inRange(0, 3);
    }
    return out;
  };
  const auto exclude = entries(false);
  const auto include = entries(true);
  matrix["exclude"] = boost::json::array(exclude.begin(), exclude.end());
  matrix["include"] = boost::json::array(include.begin(), include.end());
  const auto legs = expand_matrix(Json(matrix));
  RC_ASSERT(legs.has_value());
  const auto expected = model(axes, exclude, include);
  RC_ASSERT(legs->size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) RC_ASSERT((*legs)[i] == Json(expected[i]));
}

RC_GTEST_PROP(ArrayRangeProperty, counts_the_indexes, ()) {
  const auto first = *rc::gen::inRange(0, 50);
  const auto last = *rc::gen::inRange(first, 100);
  const auto step = *rc::gen::inRange(1, 12);
  std::uint32_t count = 0;
  for (int i = first; i <= last; i += step) ++count;
  const auto range = parse_array_range(std::to_string(first) + "-" + std::to_string(last) + ":" +
                                       std::to_string(step));
  RC_ASSERT(range.has_value());
  RC_ASSERT(range->array.count == count);
}

}  // namespace
}  // namespace reeve::spec
