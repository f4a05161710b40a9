#include "store/sqlite/references.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "spec/parse.h"

namespace reeve::store::sqlite {
namespace {

// shared: as in RunRecord
using WorkflowPointer = std::shared_ptr<const spec::Workflow>;

/// The row that the bound `find` gives, or that `add`, bound the same, makes.
Result<std::int64_t> find_or_add(Statement& find, Statement& add) {
  TRY_ASSIGN(const bool found, find.step());
  if (found) {
    const std::int64_t row = find.integer(0);
    find.reset();
    return row;
  }
  TRY_ASSIGN(const bool added, add.step());
  ENSURE(added);  // RETURNING gives a row or fails
  const std::int64_t row = add.integer(0);
  TRY(add.run());
  return row;
}

std::string first_error(const spec::Parsed& parsed) {
  for (const spec::Diagnostic& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity == spec::Severity::error) return diagnostic.text();
  }
  return "it was not accepted";
}

}  // namespace

Result<ReferenceWriter> ReferenceWriter::open(Connection& connection) {
  ReferenceWriter writer;
  TRY_ASSIGN(writer.find_workflow_, connection.prepare("SELECT id FROM workflows WHERE digest=?"));
  TRY_ASSIGN(writer.add_workflow_,
             connection.prepare("INSERT INTO workflows (digest, name, origin, source) "
                                "VALUES (?,?,?,?) RETURNING id"));
  TRY_ASSIGN(writer.find_origin_,
             connection.prepare("SELECT id FROM origins WHERE directory=? AND submitter=?"));
  TRY_ASSIGN(writer.add_origin_,
             connection.prepare("INSERT INTO origins (directory, submitter) VALUES (?,?) "
                                "RETURNING id"));
  return writer;
}

Result<std::int64_t> ReferenceWriter::workflow(const spec::Workflow& workflow) {
  if (last_workflow_ != 0 && last_digest_ == workflow.digest) return last_workflow_;
  const auto known = workflows_.find(workflow.digest);
  std::int64_t row = known == workflows_.end() ? 0 : known->second;
  if (row == 0) {
    find_workflow_.bind_blob(1, bytes_of(workflow.digest));
    add_workflow_.bind_blob(1, bytes_of(workflow.digest));
    add_workflow_.bind_text(2, workflow.name);
    add_workflow_.bind_text(3, workflow.origin);
    add_workflow_.bind_text(4, workflow.source);
    TRY_ASSIGN(row, find_or_add(find_workflow_, add_workflow_));
    if (workflows_.size() >= kRemembered) workflows_.clear();
    workflows_.emplace(workflow.digest, row);
  }
  last_digest_ = workflow.digest;
  last_workflow_ = row;
  return row;
}

Result<std::int64_t> ReferenceWriter::origin(const std::shared_ptr<const core::RunOrigin>& origin) {
  if (last_origin_row_ != 0 && last_origin_ == origin) return last_origin_row_;
  const auto known = origins_.find(*origin);
  std::int64_t row = known == origins_.end() ? 0 : known->second;
  if (row == 0) {
    for (Statement* const statement : {&find_origin_, &add_origin_}) {
      statement->bind_text(1, origin->directory);
      statement->bind_text(2, origin->submitter);
    }
    TRY_ASSIGN(row, find_or_add(find_origin_, add_origin_));
    if (origins_.size() >= kRemembered) origins_.clear();
    origins_.emplace(*origin, row);
  }
  last_origin_ = origin;
  last_origin_row_ = row;
  return row;
}

Result<RunReferences> ReferenceWriter::of(const core::RunRecord& run) {
  ENSURE(run.workflow != nullptr && run.origin != nullptr);
  RunReferences references;
  TRY_ASSIGN(references.workflow, workflow(*run.workflow));
  TRY_ASSIGN(references.origin, origin(run.origin));
  return references;
}

Result<ReferenceReader> ReferenceReader::open(Connection& connection, Unreadable unreadable) {
  ReferenceReader reader(connection, unreadable);
  TRY_ASSIGN(reader.read_workflow_,
             connection.prepare("SELECT digest, name, origin, source FROM workflows WHERE id=?"));
  TRY_ASSIGN(reader.read_origin_,
             connection.prepare("SELECT directory, submitter FROM origins WHERE id=?"));
  return reader;
}

Result<WorkflowPointer> ReferenceReader::workflow(std::int64_t row) {
  const auto known = workflows_.find(row);
  if (known != workflows_.end()) return known->second;
  read_workflow_.bind(1, row);
  TRY_ASSIGN(const bool found, read_workflow_.step());
  if (!found) return corrupt(path_, fmt::format("workflow {} is missing", row));
  auto stored = std::make_shared<spec::Workflow>();
  const bool has_digest = read_digest(read_workflow_.bytes(0), stored->digest);
  stored->name = read_workflow_.bytes(1);
  stored->origin = read_workflow_.bytes(2);
  stored->source = read_workflow_.bytes(3);
  read_workflow_.reset();
  if (!has_digest || digest_of(stored->source) != stored->digest)
    return corrupt(path_,
                   fmt::format("workflow {} ({}) is not what its digest says", row, stored->name));

  WorkflowPointer result = spec::bare_command_workflow();
  if (result->digest != stored->digest) {
    spec::Parsed parsed = spec::parse_workflow(stored->source, stored->origin);
    if (parsed.workflow == nullptr && unreadable_ == Unreadable::is_error) {
      return fail(ErrorCode::unsupported,
                  fmt::format("the stored workflow {} cannot be run by this version of Reeve: {}",
                              stored->name, first_error(parsed)));
    }
    result = parsed.workflow == nullptr ? std::move(stored) : std::move(parsed.workflow);
  }
  workflows_.emplace(row, result);
  return result;
}

Result<std::shared_ptr<const core::RunOrigin>> ReferenceReader::origin(std::int64_t row) {
  const auto known = origins_.find(row);
  if (known != origins_.end()) return known->second;
  read_origin_.bind(1, row);
  TRY_ASSIGN(const bool found, read_origin_.step());
  if (!found) return corrupt(path_, fmt::format("origin {} is missing", row));
  auto result = std::make_shared<const core::RunOrigin>(
      core::RunOrigin{std::string(read_origin_.bytes(0)), std::string(read_origin_.bytes(1))});
  read_origin_.reset();
  origins_.emplace(row, result);
  return result;
}

Status ReferenceReader::fill(core::RunRecord& run, RunReferences references) {
  TRY_ASSIGN(run.workflow, workflow(references.workflow));
  TRY_ASSIGN(run.origin, origin(references.origin));
  return {};
}

}  // namespace reeve::store::sqlite
