#include "store/sqlite/run_scan.h"

namespace reeve::store::sqlite {
namespace {
constexpr int kRunShift = 32;  // of TaskId::packed()
}  // namespace

Result<RunScan> RunScan::open(Connection& connection, std::string_view select, Key key) {
  TRY_ASSIGN(Statement statement, connection.prepare(select));
  return RunScan(std::move(statement), key);
}

Status RunScan::step() {
  TRY_ASSIGN(const bool row, statement_.step());
  at_end_ = !row;
  if (row) {
    const std::int64_t key = statement_.integer(0);
    present_ = key_ == Key::run ? key : key >> kRunShift;
  }
  return {};
}

Result<bool> RunScan::find(RunId run) {
  const std::int64_t wanted = run.value;
  if (!started_ || (!at_end_ && present_ < wanted)) {
    started_ = true;
    statement_.reset();
    statement_.bind(1, key_ == Key::run ? wanted : wanted << kRunShift);
    TRY(step());
  }
  return !at_end_ && present_ == wanted;
}

Result<bool> RunScan::next() {
  const std::int64_t run = present_;
  TRY(step());
  return !at_end_ && present_ == run;
}

}  // namespace reeve::store::sqlite
