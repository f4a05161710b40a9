// Rows in memory as a table that SQL selects from: one `INSERT INTO t SELECT * FROM feed` writes
// all rows of a commit. To bind, run and reset a statement for each took twice as long, and each
// looked for the end of the table anew. An eponymous virtual table (sqlite.org/vtab.html, 2.1.2).
//
// Thread rule: its connection's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/sqlite/connection.h"

struct sqlite3_context;

namespace reeve::store::sqlite {

/// The values of one row; columns are numbered from 1, as a Statement's parameters are.
class RowValues {
 public:
  static constexpr int kColumnsMax = 32;

  void bind(int column, std::int64_t value);
  void bind_null(int column);
  void bind_real(int column, double value);
  /// The bytes must stay until the next row is asked for.
  void bind_text(int column, std::string_view text);
  void bind_blob(int column, std::string_view bytes);
  void bind_text_or_null(int column, std::string_view text);  ///< "" is null

  /// What SQLite asked for.
  void give(sqlite3_context* context, int column) const;

 private:
  enum class Kind : std::uint8_t { null, integer, real, text, blob };
  struct Value {
    Kind kind = Kind::null;
    std::int64_t integer = 0;
    double real = 0;
    std::string_view bytes;
  };
  Value& at(int column) { return values_[static_cast<std::size_t>(column)]; }

  std::array<Value, kColumnsMax + 1> values_{};
};

class RowFeed {
 public:
  using Fill = std::function<void(std::size_t row, RowValues& values)>;

  /// A table called `name` with the columns c1, c2, …; null: of the connection, which failed.
  /// Statements on it must go before it does.
  static Result<std::unique_ptr<RowFeed>> open(Connection& connection, const std::string& name,
                                               int columns);
  RowFeed(const RowFeed&) = delete;
  RowFeed& operator=(const RowFeed&) = delete;

  using Visit = std::function<void(const Statement& row)>;
  /// Runs a statement that selects from it once: there are so many rows, in this order, numbered
  /// from 0 by `rowid`. Nothing is run for none. `visit` is called for each row that it gives.
  Status run(Statement& statement, std::size_t rows, const Fill& fill, const Visit& visit = {});

  // For SQLite.
  int columns() const { return columns_; }
  std::size_t rows() const { return rows_; }
  const RowValues& row(std::size_t number);

 private:
  explicit RowFeed(int columns) : columns_(columns) {}

  const int columns_;
  std::size_t rows_ = 0;
  const Fill* fill_ = nullptr;
  RowValues values_;
};

}  // namespace reeve::store::sqlite
