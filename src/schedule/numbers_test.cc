#include "schedule/numbers.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/ids.h"

namespace reeve::schedule {
namespace {

using Number = Id<struct NumberTestTag, std::uint32_t>;

TEST(Numbers, begin_where_they_are_told_to_and_are_given_again) {
  Numbers<std::string, Number> numbers(1);
  EXPECT_EQ(numbers.give("a").number, Number{1});
  EXPECT_EQ(numbers.give("b").number, Number{2});
  EXPECT_FALSE(numbers.give("a").is_new);
  std::vector<Number> forgotten;
  numbers.keep({false, false, true}, [&](Number one) { forgotten.push_back(one); });
  EXPECT_EQ(forgotten, std::vector{Number{1}});
  EXPECT_FALSE(numbers.has("a", Number{1}));
  EXPECT_TRUE(numbers.has("b", Number{2}));
  const auto again = numbers.give("c");
  EXPECT_TRUE(again.is_new);
  EXPECT_EQ(again.number, Number{1});
  EXPECT_EQ(numbers.end(), 3U);
}

RC_GTEST_PROP(Numbers, never_give_two_values_one_number_nor_a_kept_value_another, ()) {
  Numbers<int, Number> numbers;
  std::map<int, Number> model;
  std::size_t most = 0;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-3, 20));
  for (const int step : steps) {
    if (step >= 0) {
      const auto given = numbers.give(step);
      RC_ASSERT(given.is_new == !model.contains(step));
      RC_ASSERT(model.emplace(step, given.number).first->second == given.number);
    } else {  // every value that the step divides is used no more
      std::vector<bool> is_used(numbers.end());
      for (const auto& [value, number] : model) is_used[number.value] = value % step != 0;
      numbers.keep(is_used, [](Number) {});
      std::erase_if(model, [&](const auto& one) { return one.first % step == 0; });
    }
    most = std::max(most, model.size());
    std::set<Number> distinct;
    for (const auto& [value, number] : model) {
      RC_ASSERT(numbers.has(value, number));
      RC_ASSERT(number.value < numbers.end());
      distinct.insert(number);
    }
    RC_ASSERT(distinct.size() == model.size());
    RC_ASSERT(numbers.size() == model.size());
    RC_ASSERT(numbers.end() <= most);
  }
}

}  // namespace
}  // namespace reeve::schedule
