// Which runs the file knows, for engine/ports/run_reference.h. Read within one transaction of the
// caller's. Thread rule: its connection's.
#pragma once

#include "engine/ports/run_reference.h"
#include "store/sqlite/connection.h"

namespace reeve::store::sqlite {

class SqliteRunNames final : public engine::RunNames {
 public:
  explicit SqliteRunNames(Connection& connection) : connection_(connection) {}

  Result<bool> exists(RunId run) override;
  /// Without an index on identifiers, which every submission would pay for: a UUIDv7 begins with
  /// its time, runs are in order of time, so the place is found by halving. Clocks may disagree:
  /// what is not near its place is looked for everywhere.
  Result<std::optional<RunId>> with_uuid(const Uuid& uuid) override;
  Status visit(const std::function<bool(const engine::RunName&)>& visit) override;

 private:
  Result<std::int64_t> first_submitted_at_or_after(Time time);

  Connection& connection_;
};

}  // namespace reeve::store::sqlite
