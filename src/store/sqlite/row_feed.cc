#include "store/sqlite/row_feed.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/ensure.h"

namespace reeve::store::sqlite {
namespace {

struct FeedTable : sqlite3_vtab {
  RowFeed* feed = nullptr;
};

struct FeedCursor : sqlite3_vtab_cursor {
  RowFeed* feed = nullptr;
  std::size_t number = 0;
  const RowValues* values = nullptr;

  int stand_at(std::size_t row) {
    number = row;
    values = row < feed->rows() ? &feed->row(row) : nullptr;
    return SQLITE_OK;
  }
};

FeedCursor& cursor_of(sqlite3_vtab_cursor* cursor) { return *static_cast<FeedCursor*>(cursor); }

int connect(sqlite3* connection, void* feed, int /*words*/, const char* const* /*word*/,
            sqlite3_vtab** table, char** /*error*/) {
  auto made = std::make_unique<FeedTable>();
  made->feed = static_cast<RowFeed*>(feed);
  std::string columns;
  for (int column = 1; column <= made->feed->columns(); ++column)
    columns += fmt::format("{}c{}", column == 1 ? "" : ",", column);
  const int code =
      sqlite3_declare_vtab(connection, fmt::format("CREATE TABLE feed ({})", columns).c_str());
  if (code == SQLITE_OK) *table = made.release();
  return code;
}

int disconnect(sqlite3_vtab* table) {
  delete static_cast<FeedTable*>(table);  // NOLINT: SQLite has owned it since connect()
  return SQLITE_OK;
}

/// There is one way to read it: from the first row to the last.
int best_index(sqlite3_vtab* /*table*/, sqlite3_index_info* info) {
  info->estimatedCost = 1000;
  info->estimatedRows = 1000;
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab* table, sqlite3_vtab_cursor** out) {
  auto cursor = std::make_unique<FeedCursor>();
  cursor->feed = static_cast<FeedTable*>(table)->feed;
  *out = cursor.release();
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* cursor) {
  delete static_cast<FeedCursor*>(cursor);  // NOLINT: SQLite has owned it since open_cursor()
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* cursor, int /*number*/, const char* /*text*/, int /*words*/,
           sqlite3_value** /*word*/) {
  return cursor_of(cursor).stand_at(0);
}

int next(sqlite3_vtab_cursor* cursor) {
  return cursor_of(cursor).stand_at(cursor_of(cursor).number + 1);
}

int is_at_end(sqlite3_vtab_cursor* cursor) { return cursor_of(cursor).values == nullptr ? 1 : 0; }

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int number) {
  cursor_of(cursor).values->give(context, number + 1);
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(cursor_of(cursor).number);
  return SQLITE_OK;
}

/// Without xCreate it exists as soon as it is known, in no file.
constexpr sqlite3_module kFeedModule{.xConnect = connect,
                                     .xBestIndex = best_index,
                                     .xDisconnect = disconnect,
                                     .xOpen = open_cursor,
                                     .xClose = close_cursor,
                                     .xFilter = filter,
                                     .xNext = next,
                                     .xEof = is_at_end,
                                     .xColumn = column,
                                     .xRowid = row_id};

}  // namespace

void RowValues::bind(int column, std::int64_t value) {
  Value& out = at(column);
  out.kind = Kind::integer;
  out.integer = value;
}

void RowValues::bind_null(int column) { at(column).kind = Kind::null; }

void RowValues::bind_real(int column, double value) {
  Value& out = at(column);
  out.kind = Kind::real;
  out.real = value;
}

void RowValues::bind_text(int column, std::string_view text) {
  Value& out = at(column);
  out.kind = Kind::text;
  out.bytes = text;
}

void RowValues::bind_blob(int column, std::string_view bytes) {
  Value& out = at(column);
  out.kind = Kind::blob;
  out.bytes = bytes;
}

void RowValues::bind_text_or_null(int column, std::string_view text) {
  if (text.empty())
    bind_null(column);
  else
    bind_text(column, text);
}

void RowValues::give(sqlite3_context* context, int column) const {
  const Value& value = values_[static_cast<std::size_t>(column)];
  const char* const data = value.bytes.data() == nullptr ? "" : value.bytes.data();
  switch (value.kind) {
    case Kind::null: return sqlite3_result_null(context);
    case Kind::integer: return sqlite3_result_int64(context, value.integer);
    case Kind::real: return sqlite3_result_double(context, value.real);
    case Kind::text:
      return sqlite3_result_text64(context, data, value.bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
    case Kind::blob: return sqlite3_result_blob64(context, data, value.bytes.size(), SQLITE_STATIC);
  }
}

Result<std::unique_ptr<RowFeed>> RowFeed::open(Connection& connection, const std::string& name,
                                               int columns) {
  ENSURE(columns > 0 && columns <= RowValues::kColumnsMax);
  std::unique_ptr<RowFeed> feed(new RowFeed(columns));
  TRY(connection.add_module(name, kFeedModule, feed.get()));
  return feed;
}

Status RowFeed::run(Statement& statement, std::size_t rows, const Fill& fill, const Visit& visit) {
  if (rows == 0) return {};
  rows_ = rows;
  fill_ = &fill;
  for (;;) {
    const Result<bool> row = statement.step();
    if (row && *row) {
      if (visit) visit(statement);
      continue;
    }
    rows_ = 0;
    fill_ = nullptr;
    return row ? Status() : tl::unexpected(row.error());
  }
}

const RowValues& RowFeed::row(std::size_t number) {
  (*fill_)(number, values_);
  return values_;
}

}  // namespace reeve::store::sqlite
