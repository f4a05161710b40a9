#include "config/flag_store.h"

#include <array>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"

namespace reeve::config {
namespace {

using store::sqlite::Access;
using store::sqlite::Connection;
using store::sqlite::Migration;
using store::sqlite::Statement;

/// "REEF"
constexpr std::int64_t kFlagsApplicationId = 0x52454546;
constexpr Duration kBusyTimeout = std::chrono::seconds{5};

// Nothing is ever changed or removed: the newest row of a name says what holds. Times are
// microseconds since 1970.
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
constexpr auto kSteps = std::to_array<Migration>({{1, kVersion1}});

Result<FlagVersion> read_row(const Statement& row) {
  FlagVersion found;
  TRY_ASSIGN(found.flag, parse_flag(row.bytes(0)));
  found.version = static_cast<std::uint64_t>(row.integer(1));
  found.at = Time(Duration(row.integer(2)));
  found.by = row.bytes(3);
  found.removed = row.integer(4) != 0;
  return found;
}

tl::unexpected<Error> no_flag(std::string_view name) {
  return fail(ErrorCode::not_found,
              fmt::format("there is no flag '{}'", sanitize_for_terminal(name.substr(0, 100))));
}

}  // namespace

/// Under the mutex, all of it.
struct FlagStore::State {
  explicit State(Connection opened) : database(std::move(opened)) {}

  std::mutex mutex;
  Connection database;
  std::int64_t seen_version = -1;
  std::map<std::string, FlagVersion, std::less<>> newest;  ///< also of removed ones

  Status refresh();
  Result<FlagVersion> write(FlagVersion next, std::uint64_t expected);
};

Status FlagStore::State::refresh() {
  TRY_ASSIGN(const std::int64_t version, database.query_integer("PRAGMA data_version"));
  if (version == seen_version) return {};
  TRY_ASSIGN(Statement select,
             database.prepare("SELECT definition, version, at, by, removed FROM flags"
                              " ORDER BY name, version"));
  std::map<std::string, FlagVersion, std::less<>> found;
  for (;;) {
    TRY_ASSIGN(const bool row, select.step());
    if (!row) break;
    TRY_ASSIGN(FlagVersion each, read_row(select));
    std::string name = each.flag.name;
    found.insert_or_assign(std::move(name), std::move(each));
  }
  newest = std::move(found);
  seen_version = version;
  return {};
}

FlagStore::FlagStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
FlagStore::~FlagStore() = default;

Result<std::unique_ptr<FlagStore>> FlagStore::open(const std::string& path) {
  TRY_ASSIGN(Connection database, Connection::open(path, Access::read_write, kBusyTimeout));
  TRY(database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  TRY(store::sqlite::migrate(database, kSteps, kFlagsApplicationId));
  auto state = std::make_unique<State>(std::move(database));
  TRY(state->refresh());
  return std::unique_ptr<FlagStore>(new FlagStore(std::move(state)));
}

Result<std::vector<FlagVersion>> FlagStore::list() {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  std::vector<FlagVersion> all;
  for (const auto& [name, version] : state_->newest) {
    if (!version.removed) all.push_back(version);
  }
  return all;
}

Result<std::optional<FlagVersion>> FlagStore::find(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const auto found = state_->newest.find(name);
  if (found == state_->newest.end() || found->second.removed) return std::optional<FlagVersion>();
  return std::optional(found->second);
}

Result<FlagAnswer> FlagStore::ask(std::string_view name, const FlagSubject& subject) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const auto found = state_->newest.find(name);
  if (found == state_->newest.end() || found->second.removed)
    return FlagAnswer{false, "there is no such flag"};
  return evaluate(found->second.flag, subject);
}

Result<FlagVersion> FlagStore::State::write(FlagVersion next, std::uint64_t expected) {
  TRY(refresh());
  const auto found = newest.find(next.flag.name);
  const std::uint64_t last = found == newest.end() ? 0 : found->second.version;
  const std::uint64_t now = found == newest.end() || found->second.removed ? 0 : last;
  if (expected != kAnyVersion && expected != now)
    return fail(ErrorCode::conflict,
                fmt::format("the flag '{}' is of version {} now, not {}: look at it again",
                            next.flag.name, now, expected));
  if (next.removed && now == 0) return no_flag(next.flag.name);
  next.version = last + 1;
  TRY_ASSIGN(Statement row, database.prepare("INSERT INTO flags VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  const std::string definition = flag_json(next.flag);
  row.bind_text(1, next.flag.name);
  row.bind(2, static_cast<std::int64_t>(next.version));
  row.bind_text(3, definition);
  row.bind(4, next.at.time_since_epoch().count());
  row.bind_text(5, next.by);
  row.bind(6, next.removed ? 1 : 0);
  TRY(row.run());
  newest.insert_or_assign(next.flag.name, next);
  return next;
}

Result<FlagVersion> FlagStore::set(const Flag& flag, std::uint64_t expected, std::string_view by,
                                   Time now) {
  TRY(validate(flag));
  const std::lock_guard lock(state_->mutex);
  return state_->write({.flag = flag, .at = now, .by = std::string(by)}, expected);
}

Status FlagStore::remove(std::string_view name, std::uint64_t expected, std::string_view by,
                         Time now) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->refresh());
  const auto found = state_->newest.find(name);
  if (found == state_->newest.end()) return no_flag(name);
  TRY(state_->write({.flag = found->second.flag, .at = now, .by = std::string(by), .removed = true},
                    expected));
  return {};
}

Result<std::vector<FlagVersion>> FlagStore::history(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(Statement select,
             state_->database.prepare("SELECT definition, version, at, by, removed FROM flags"
                                      " WHERE name = ?1 ORDER BY version DESC"));
  select.bind_text(1, name);
  std::vector<FlagVersion> all;
  for (;;) {
    TRY_ASSIGN(const bool row, select.step());
    if (!row) break;
    TRY_ASSIGN(FlagVersion each, read_row(select));
    all.push_back(std::move(each));
  }
  if (all.empty()) return no_flag(name);
  return all;
}

}  // namespace reeve::config
