// Workflows and origins are stored once; runs refer to them by the number of their row. The writer
// finds or makes the row, the reader turns the row back into a shared object, each reading and
// parsing it once. Thread rule: their connection's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/records.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/rows.h"

namespace reeve::store::sqlite {

class ReferenceWriter {
 public:
  static Result<ReferenceWriter> open(Connection& connection);
  Result<std::int64_t> workflow(const spec::Workflow& workflow);
  Result<RunReferences> of(const core::RunRecord& run);

 private:
  static constexpr std::size_t kRemembered = 4096;  // of each kind; then it forgets all and looks

  ReferenceWriter() = default;
  Result<std::int64_t> origin(const std::shared_ptr<const core::RunOrigin>& origin);

  Statement find_workflow_;
  Statement add_workflow_;
  Statement find_origin_;
  Statement add_origin_;
  std::map<Digest, std::int64_t> workflows_;
  std::map<core::RunOrigin, std::int64_t> origins_;
  // What the run before this one had; most runs come in rows of the same.
  Digest last_digest_;
  std::int64_t last_workflow_ = 0;
  std::shared_ptr<const core::RunOrigin> last_origin_;  // shared: keeps the address from reuse
  std::int64_t last_origin_row_ = 0;
};

/// What a reader does with a stored workflow that this version does not accept any more.
enum class Unreadable : std::uint8_t {
  is_error,   ///< the engine could not run it
  name_only,  ///< enough to list it: no groups
};

class ReferenceReader {
 public:
  static Result<ReferenceReader> open(Connection& connection, Unreadable unreadable);
  /// Fills run.workflow and run.origin.
  Status fill(core::RunRecord& run, RunReferences references);
  Result<std::shared_ptr<const spec::Workflow>> workflow(std::int64_t row);

 private:
  ReferenceReader(Connection& connection, Unreadable unreadable)
      : path_(connection.path()),
        unreadable_(unreadable) {}
  Result<std::shared_ptr<const core::RunOrigin>> origin(std::int64_t row);

  std::string path_;
  Unreadable unreadable_;
  Statement read_workflow_;
  Statement read_origin_;
  // shared: as in RunRecord, a million runs of one workflow
  std::map<std::int64_t, std::shared_ptr<const spec::Workflow>> workflows_;
  std::map<std::int64_t, std::shared_ptr<const core::RunOrigin>> origins_;
};

}  // namespace reeve::store::sqlite
