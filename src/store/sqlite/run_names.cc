#include "store/sqlite/run_names.h"

#include "store/sqlite/rows.h"

namespace reeve::store::sqlite {
namespace {

/// Runs on either side of the place that an identifier's time points at.
constexpr std::int64_t kNear = 4096;

Time time_of(const Uuid& uuid) {
  std::int64_t milliseconds = 0;
  for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds * 256 + uuid.bytes[i];
  return Time{std::chrono::milliseconds{milliseconds}};
}

}  // namespace

Result<bool> SqliteRunNames::exists(RunId run) {
  TRY_ASSIGN(Statement row, connection_.prepare("SELECT 1 FROM runs WHERE id=?"));
  row.bind(1, run.value);
  return row.step();
}

Result<std::int64_t> SqliteRunNames::first_submitted_at_or_after(Time time) {
  TRY_ASSIGN(std::int64_t high, connection_.query_integer("SELECT max(id) + 1 FROM runs"));
  TRY_ASSIGN(Statement at, connection_.prepare("SELECT submitted_at FROM runs WHERE id >= ? "
                                               "ORDER BY id LIMIT 1"));
  std::int64_t low = 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    at.bind(1, middle);
    TRY_ASSIGN(const bool found, at.step());
    const bool is_before = found && at.integer(0) < time.time_since_epoch().count();
    at.reset();
    if (is_before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::optional<RunId>> SqliteRunNames::with_uuid(const Uuid& uuid) {
  TRY_ASSIGN(const std::int64_t place, first_submitted_at_or_after(time_of(uuid)));
  TRY_ASSIGN(Statement near, connection_.prepare("SELECT id FROM runs "
                                                 "WHERE id BETWEEN ? AND ? AND uuid = ?"));
  near.bind(1, place - kNear);
  near.bind(2, place + kNear);
  near.bind_blob(3, bytes_of(uuid));
  TRY_ASSIGN(bool found, near.step());
  if (found) return RunId{static_cast<std::uint32_t>(near.integer(0))};
  TRY_ASSIGN(Statement everywhere, connection_.prepare("SELECT id FROM runs WHERE uuid = ?"));
  everywhere.bind_blob(1, bytes_of(uuid));
  TRY_ASSIGN(found, everywhere.step());
  if (!found) return std::nullopt;
  return RunId{static_cast<std::uint32_t>(everywhere.integer(0))};
}

Status SqliteRunNames::visit(const std::function<bool(const engine::RunName&)>& visit) {
  TRY_ASSIGN(Statement rows, connection_.prepare("SELECT id, uuid FROM runs ORDER BY id DESC"));
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return {};
    engine::RunName name{RunId{static_cast<std::uint32_t>(rows.integer(0))}, {}};
    if (!read_uuid(rows.bytes(1), name.uuid))
      return corrupt(connection_.path(), "an identifier in table runs");
    if (!visit(name)) return {};
  }
}

}  // namespace reeve::store::sqlite
