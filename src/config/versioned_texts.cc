#include "config/versioned_texts.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "store/sqlite/schema.h"

namespace reeve::config {
namespace {

using store::sqlite::Access;
using store::sqlite::Connection;
using store::sqlite::Migration;
using store::sqlite::Statement;

/// "REEF"
constexpr std::int64_t kApplicationId = 0x52454546;
constexpr Duration kBusyTimeout = std::chrono::seconds{5};

// Times are microseconds since 1970.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE flags (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  definition TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  removed INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 0x52454546;
)sql";
// A setting's value as the environment would have it.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE settings (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  definition TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  removed INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
)sql";
// The limits of a quota as JSON.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE quotas (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  definition TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  removed INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
)sql";
constexpr auto kSteps = std::to_array<Migration>({{1, kVersion1}, {2, kVersion2}, {3, kVersion3}});

constexpr std::string_view kColumns = "name, definition, version, at, by, removed";

std::string_view table_name(VersionedTexts::Table table) {
  switch (table) {
    case VersionedTexts::Table::flags: return "flags";
    case VersionedTexts::Table::settings: return "settings";
    case VersionedTexts::Table::quotas: return "quotas";
  }
  return "";
}

TextVersion read_row(const Statement& row) {
  return {.name = std::string(row.bytes(0)),
          .text = std::string(row.bytes(1)),
          .version = static_cast<std::uint64_t>(row.integer(2)),
          .at = Time(Duration(row.integer(3))),
          .by = std::string(row.bytes(4)),
          .removed = row.integer(5) != 0};
}

}  // namespace

VersionedTexts::VersionedTexts(Connection database, Table table, std::string noun)
    : database_(std::move(database)),
      table_(table),
      noun_(std::move(noun)) {}

Result<VersionedTexts> VersionedTexts::open(const std::string& path, Table table,
                                            std::string noun) {
  TRY_ASSIGN(Connection database, Connection::open(path, Access::read_write, kBusyTimeout));
  TRY(database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  TRY(store::sqlite::migrate(database, kSteps, kApplicationId));
  return VersionedTexts(std::move(database), table, std::move(noun));
}

Result<const VersionedTexts::Newest*> VersionedTexts::newest() {
  TRY_ASSIGN(const std::int64_t version, database_.query_integer("PRAGMA data_version"));
  if (version == seen_version_) return &newest_;
  TRY_ASSIGN(Statement rows,
             database_.prepare(fmt::format("SELECT {} FROM {} ORDER BY name, version", kColumns,
                                           table_name(table_))));
  Newest found;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) break;
    TextVersion each = read_row(rows);
    std::string name = each.name;
    found.insert_or_assign(std::move(name), std::move(each));
  }
  newest_ = std::move(found);
  seen_version_ = version;
  ++generation_;
  return &newest_;
}

tl::unexpected<Error> VersionedTexts::is_missing(std::string_view name) const {
  return fail(ErrorCode::not_found, fmt::format("there is no {} '{}'", noun_,
                                                sanitize_for_terminal(name.substr(0, 100))));
}

Status VersionedTexts::insert(const TextVersion& row) {
  TRY_ASSIGN(Statement statement,
             database_.prepare(fmt::format("INSERT INTO {} ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                                           table_name(table_), kColumns)));
  statement.bind_text(1, row.name);
  statement.bind_text(2, row.text);
  statement.bind(3, static_cast<std::int64_t>(row.version));
  statement.bind(4, row.at.time_since_epoch().count());
  statement.bind_text(5, row.by);
  statement.bind(6, row.removed ? 1 : 0);
  return statement.run();
}

Result<TextVersion> VersionedTexts::write(TextVersion next, std::uint64_t expected) {
  TRY(newest());
  const auto found = newest_.find(next.name);
  const std::uint64_t last = found == newest_.end() ? 0 : found->second.version;
  const std::uint64_t now = found == newest_.end() || found->second.removed ? 0 : last;
  if (expected != kAnyVersion && expected != now)
    return fail(ErrorCode::conflict,
                fmt::format("the {} '{}' is of version {} now, not {}: look at it again", noun_,
                            next.name, now, expected));
  if (next.removed && now == 0) return is_missing(next.name);
  next.version = last + 1;
  TRY(insert(next));
  newest_.insert_or_assign(next.name, next);
  ++generation_;
  return next;
}

Result<std::vector<TextVersion>> VersionedTexts::history(std::string_view name) {
  TRY_ASSIGN(Statement rows, database_.prepare(fmt::format(
                                 "SELECT {} FROM {} WHERE name = ?1 ORDER BY version DESC",
                                 kColumns, table_name(table_))));
  rows.bind_text(1, name);
  std::vector<TextVersion> all;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) break;
    all.push_back(read_row(rows));
  }
  if (all.empty()) return is_missing(name);
  return all;
}

}  // namespace reeve::config
