// Reads rows that belong to runs (tasks, texts, expansions) beside an ascending walk over runs: one
// statement goes through the table once, and seeks only where runs are left out in between. A
// million runs without such rows cost one seek. Thread rule: its connection's.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "store/sqlite/connection.h"

namespace reeve::store::sqlite {

class RunScan {
 public:
  enum class Key : std::uint8_t { run, packed_task };

  /// `select` is ordered by a key >= its only parameter; that key is its first column.
  static Result<RunScan> open(Connection& connection, std::string_view select, Key key);

  /// Moves to the first row of `run`; false: it has none. Runs are asked for in ascending order.
  Result<bool> find(RunId run);
  /// The next row of the same run, or false.
  Result<bool> next();
  const Statement& row() const { return statement_; }

 private:
  RunScan(Statement statement, Key key) : statement_(std::move(statement)), key_(key) {}
  Status step();

  Statement statement_;
  Key key_;
  bool started_ = false;
  bool at_end_ = false;
  std::int64_t present_ = 0;  ///< run of the present row
};

}  // namespace reeve::store::sqlite
