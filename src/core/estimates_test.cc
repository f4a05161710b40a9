#include "core/estimates.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::core {
namespace {

using std::chrono::seconds;

EstimateRecord& touch(EstimateTable& table, std::uint64_t key) {
  EstimateRecord& record = table.touch(key, {"w", "t"});
  record.estimate.add_run(seconds{key}, 0);
  return record;
}

TEST(EstimateTable, keeps_one_for_each_key) {
  EstimateTable table;
  EXPECT_EQ(table.find(7), nullptr);
  touch(table, 7);
  touch(table, 8);
  touch(table, 7);
  EXPECT_EQ(table.size(), 2U);
  ASSERT_NE(table.find(7), nullptr);
  EXPECT_EQ(table.find(7)->seconds.count, 2U);
  EXPECT_EQ(table.at(EstimateId{2}).key, 8U);
}

TEST(EstimateTable, the_one_that_ended_longest_ago_makes_way) {
  EstimateTable table(3);
  for (const std::uint64_t key : {1, 2, 3, 1, 4}) touch(table, key);
  EXPECT_EQ(table.find(2), nullptr);
  EXPECT_NE(table.find(1), nullptr);
  EXPECT_EQ(table.at(EstimateId{2}).key, 4U) << "its number goes on to the newcomer";
  EXPECT_EQ(table.find(4)->seconds.count, 1U) << "who inherits nothing else";
  table.check_invariants();
}

TEST(EstimateTable, notes_a_row_once_until_it_is_written) {
  EstimateTable table;
  const EstimateId id = touch(table, 1).id;
  EXPECT_TRUE(table.note(id));
  EXPECT_FALSE(table.note(id));
  table.written(id);
  EXPECT_TRUE(table.note(id));
}

TEST(EstimateTable, names_are_cut) {
  EstimateTable table;
  EXPECT_EQ(table.touch(1, {std::string(5000, 'w'), "t"}).workflow.size(), kEstimateNameMax);
}

TEST(EstimateTable, refuses_rows_that_contradict_each_other) {
  EstimateTable source;
  touch(source, 1);
  touch(source, 2);
  const std::vector<EstimateRecord> good = source.records();
  const auto load = [&](auto change) {
    std::vector<EstimateRecord> records = good;
    change(records);
    EstimateTable table(10);
    return table.load(std::move(records)).has_value();
  };
  EXPECT_TRUE(load([](auto&) {}));
  EXPECT_FALSE(load([](auto& records) { records[0].id = records[1].id; }));
  EXPECT_FALSE(load([](auto& records) { records[0].key = records[1].key; }));
  EXPECT_FALSE(load([](auto& records) { records[0].used = records[1].used; }));
  EXPECT_FALSE(load([](auto& records) { records[0].id = EstimateId{0}; }));
  EXPECT_FALSE(load([](auto& records) { records[0].id = EstimateId{11}; }));
  EXPECT_FALSE(load([](auto& records) { records[0].estimate.ends = -1; }));
}

/// Whatever ends, a table from the rows goes on as the one that wrote them.
RC_GTEST_PROP(EstimateTable, is_the_same_after_a_recovery, (const std::vector<bool>& restarts)) {
  EstimateTable table(5);
  EstimateTable other(5);
  for (const bool restart : restarts) {
    const auto key = *rc::gen::inRange<std::uint64_t>(1, 9);
    touch(table, key);
    touch(other, key);
    RC_ASSERT(table.records() == other.records());
    if (restart) {
      EstimateTable loaded(5);
      RC_ASSERT(loaded.load(other.records()).has_value());
      other = std::move(loaded);
    }
    table.check_invariants();
    other.check_invariants();
  }
}

}  // namespace
}  // namespace reeve::core
