#include "store/sqlite/sqlite_history.h"

#include <algorithm>
#include <filesystem>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "store/sqlite/rows.h"
#include "store/sqlite/run_names.h"
#include "store/sqlite/schema.h"

namespace reeve::store::sqlite {

using core::AttemptRecord;
using core::StoredTask;
using engine::RunFilter;
using engine::RunView;
using engine::TaskFilter;

namespace {

/// What runs (?1, ?2] have of workflows: grouped first, so that names are looked up once for each.
constexpr const char* kWorkflowUses =
    "SELECT place, name, digest, first, last, runs, seen_first, seen_last FROM ("
    "SELECT workflow, coalesce(json_extract(CASE WHEN json_valid(labels) THEN labels END, "
    "'$.namespace'), ?3) AS place, min(runs.id) AS first, max(runs.id) AS last, "
    "count(*) AS runs, min(submitted_at) AS seen_first, max(submitted_at) AS seen_last "
    "FROM runs LEFT JOIN run_texts ON run = runs.id WHERE runs.id > ?1 AND runs.id <= ?2 "
    "GROUP BY workflow, place) AS used JOIN workflows ON workflows.id = used.workflow "
    "ORDER BY first, place";

constexpr Duration kBusyTimeout = std::chrono::seconds{5};

/// " AND column IN (1,2)", or nothing when every value is wanted.
template <class Enum>
std::string among(std::string_view column, const std::vector<Enum>& wanted) {
  if (wanted.empty()) return {};
  std::string list;
  for (const Enum value : wanted)
    list += fmt::format("{}{}", list.empty() ? "" : ",", static_cast<int>(value));
  return fmt::format(" AND {} IN ({})", column, list);
}

/// Numbered parameters, because not every filter uses all of them.
std::string runs_query(const RunFilter& filter) {
  std::string sql =
      fmt::format("SELECT {}, {} FROM runs LEFT JOIN run_texts ON run = runs.id WHERE runs.id < ?1",
                  kJoinedRunColumns, kRunTextsColumns);
  sql += among("state", filter.states);
  const bool open_only =
      !filter.states.empty() && std::ranges::none_of(filter.states, [](core::RunState state) {
        return core::is_final(state);
      });
  if (open_only) sql += " AND state < 2";  // lets the partial index runs_open serve
  if (!filter.name.empty())
    sql += " AND (name = ?2 OR workflow IN (SELECT id FROM workflows WHERE workflows.name = ?2))";
  if (!filter.label_key.empty()) {
    sql +=
        " AND EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(labels) THEN labels ELSE '{}' "
        "END) WHERE key = ?3 AND value = ?4)";
  }
  if (!filter.name_spaces.empty()) {
    sql += fmt::format(
        " AND coalesce(json_extract(CASE WHEN json_valid(labels) THEN labels END, '$.namespace'), "
        "'{}') IN (SELECT value FROM json_each(?7))",
        engine::kUnlabelledNamespace);
  }
  if (filter.submitted_after != kUnset) sql += " AND submitted_at > ?5";
  if (filter.oldest.value != 0) sql += fmt::format(" AND runs.id >= {}", filter.oldest.value);
  return sql + " ORDER BY runs.id DESC LIMIT ?6";
}

void bind_filter(Statement& rows, const RunFilter& filter) {
  rows.bind(1, filter.before.value == 0 ? std::int64_t{kRunIdMax} + 1 : filter.before.value);
  if (!filter.name.empty()) rows.bind_text(2, filter.name);
  if (!filter.label_key.empty()) {
    rows.bind_text(3, filter.label_key);
    rows.bind_text(4, filter.label_value);
  }
  if (filter.submitted_after != kUnset)
    rows.bind(5, filter.submitted_after.time_since_epoch().count());
  rows.bind(6, filter.limit);
  if (!filter.name_spaces.empty()) {
    boost::json::array all;
    for (const std::string& each : filter.name_spaces) all.emplace_back(each);
    rows.bind_text(7, boost::json::serialize(all));
  }
}

/// Opens and looks at the file, so that what is wrong with it shows here.
Result<Connection> open_checked(const std::string& path, Access access) {
  TRY_ASSIGN(Connection connection, Connection::open(path, access, kBusyTimeout));
  TRY(check_version(connection));
  return connection;
}

/// A reader needs the log's shared memory file, which cannot be made in a read-only directory. If
/// there is no log, nobody is writing, and the file alone is the whole truth.
bool is_at_rest(const std::string& path) {
  std::error_code problem;
  const auto log_bytes = std::filesystem::file_size(path + "-wal", problem);
  return problem || log_bytes == 0;
}

}  // namespace

Result<std::unique_ptr<SqliteHistory>> SqliteHistory::open(const std::string& path) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) {
    return fail(ErrorCode::not_found,
                fmt::format("nothing is stored at {}: no workflow has been run there yet", path));
  }
  Result<Connection> connection = open_checked(path, Access::read_only);
  if (!connection && connection.error().code == ErrorCode::permission_denied && is_at_rest(path))
    connection = open_checked(path, Access::immutable);
  if (!connection) return tl::unexpected(std::move(connection).error());
  std::unique_ptr<SqliteHistory> history(new SqliteHistory(std::move(connection).value()));
  TRY_ASSIGN(RunReader reader, RunReader::open(history->connection_, Unreadable::name_only));
  history->reader_.emplace(std::move(reader));
  return history;
}

Result<engine::TaskCounts> SqliteHistory::count_tasks(RunId run) {
  TRY_ASSIGN(Statement rows, connection_.prepare("SELECT state, count(*) FROM tasks "
                                                 "WHERE id BETWEEN ? AND ? GROUP BY state"));
  const TaskRange range = tasks_of(run);
  rows.bind(1, range.first);
  rows.bind(2, range.last);
  engine::TaskCounts counts;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return counts;
    const auto state = static_cast<std::uint64_t>(rows.integer(0));
    if (state >= counts.stored.size())
      return corrupt(connection_.path(), fmt::format("a task state of run {}", run.value));
    counts.stored[state] = static_cast<std::uint64_t>(rows.integer(1));
  }
}

Status SqliteHistory::require_run(RunId run) {
  SqliteRunNames names(connection_);
  TRY_ASSIGN(const bool exists, names.exists(run));
  if (exists) return {};
  return fail(ErrorCode::not_found, fmt::format("there is no run {}", run.value));
}

Result<std::vector<RunView>> SqliteHistory::list_runs(const RunFilter& filter) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY_ASSIGN(Statement rows, connection_.prepare(runs_query(filter)));
  bind_filter(rows, filter);
  std::vector<RunView> views;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return views;
    RunView& view = views.emplace_back();
    TRY_ASSIGN(view.record, reader_->record(rows));
    TRY_ASSIGN(view.counts, count_tasks(view.record.id));
  }
}

Result<RunView> SqliteHistory::get_run(RunId run) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  RunView view;
  TRY_ASSIGN(view.record, reader_->record(run));
  TRY_ASSIGN(view.counts, count_tasks(run));
  return view;
}

Result<RunId> SqliteHistory::find_run(std::string_view reference) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  SqliteRunNames names(connection_);
  return engine::resolve_run(reference, names);
}

Result<std::vector<StoredTask>> SqliteHistory::list_tasks(RunId run, const TaskFilter& filter) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY(require_run(run));
  std::string sql = fmt::format("SELECT {} FROM tasks WHERE id BETWEEN ?1 AND ?2", kTaskColumns);
  sql += among("state", filter.states);
  if (filter.group) sql += fmt::format(" AND group_index = {}", filter.group->value);
  TRY_ASSIGN(Statement rows, connection_.prepare(sql + " ORDER BY id LIMIT ?3"));
  const TaskRange range = tasks_of(run);
  rows.bind(1, range.first + filter.from);
  rows.bind(2, range.last);
  rows.bind(3, filter.limit);
  std::vector<StoredTask> tasks;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return tasks;
    StoredTask& task = tasks.emplace_back();
    if (!read_task(rows, task))
      return corrupt(connection_.path(),
                     fmt::format("task {} of run {}", task.id.index, run.value));
  }
}

Result<std::vector<core::Expansion>> SqliteHistory::list_expansions(RunId run) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY(require_run(run));
  TRY_ASSIGN(Statement rows,
             connection_.prepare(fmt::format("SELECT {} FROM expansions WHERE run = ? ORDER BY id",
                                             kExpansionColumns)));
  rows.bind(1, run.value);
  std::vector<core::Expansion> expansions;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return expansions;
    if (!read_expansion(rows, expansions.emplace_back()))
      return corrupt(connection_.path(), fmt::format("an expansion of run {}", run.value));
  }
}

Result<std::vector<AttemptRecord>> SqliteHistory::read_attempts(Statement& rows) {
  std::vector<AttemptRecord> attempts;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return attempts;
    AttemptRecord& attempt = attempts.emplace_back();
    if (!read_attempt(rows, attempt)) {
      return corrupt(connection_.path(),
                     fmt::format("attempt {} of task {} of run {}", attempt.number,
                                 attempt.task.index, attempt.task.run.value));
    }
  }
}

Result<std::vector<AttemptRecord>> SqliteHistory::list_attempts(TaskId task) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY(require_run(task.run));
  TRY_ASSIGN(Statement rows,
             connection_.prepare(fmt::format("SELECT {} FROM attempts WHERE task = ? "
                                             "ORDER BY number",
                                             kAttemptColumns)));
  rows.bind(1, static_cast<std::int64_t>(task.packed()));
  return read_attempts(rows);
}

Result<std::vector<AttemptRecord>> SqliteHistory::list_run_attempts(RunId run, std::uint64_t offset,
                                                                    std::uint32_t limit) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY(require_run(run));
  TRY_ASSIGN(Statement rows,
             connection_.prepare(fmt::format("SELECT {} FROM attempts WHERE task BETWEEN ? AND ? "
                                             "ORDER BY ended_at, task, number LIMIT ? OFFSET ?",
                                             kAttemptColumns)));
  const TaskRange range = tasks_of(run);
  rows.bind(1, range.first);
  rows.bind(2, range.last);
  rows.bind(3, limit);
  rows.bind(4, static_cast<std::int64_t>(offset));
  return read_attempts(rows);
}

Result<std::uint64_t> SqliteHistory::version() {
  TRY_ASSIGN(const std::int64_t version, connection_.query_integer("PRAGMA data_version"));
  return static_cast<std::uint64_t>(version);
}

Result<engine::WorkflowUses> SqliteHistory::list_workflow_uses(RunId after,
                                                               std::uint32_t runs_max) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY_ASSIGN(Statement newest, connection_.prepare("SELECT coalesce(max(id), 0) FROM runs"));
  TRY(newest.step());
  const auto last = static_cast<std::uint32_t>(newest.integer(0));
  engine::WorkflowUses out{.uses = {}, .up_to = after};
  if (last <= after.value) return out;
  out.is_all = last - after.value <= runs_max;
  out.up_to = RunId{out.is_all ? last : after.value + runs_max};
  TRY_ASSIGN(Statement rows, connection_.prepare(kWorkflowUses));
  rows.bind(1, after.value);
  rows.bind(2, out.up_to.value);
  rows.bind_text(3, engine::kUnlabelledNamespace);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return out;
    engine::WorkflowUse& use = out.uses.emplace_back();
    use.name_space = rows.bytes(0);
    use.name = rows.bytes(1);
    if (rows.bytes(2).size() != use.digest.bytes.size())
      return corrupt(connection_.path(), fmt::format("the digest of the workflow '{}'", use.name));
    std::ranges::copy(rows.bytes(2), use.digest.bytes.begin());
    use.first_run = RunId{static_cast<std::uint32_t>(rows.integer(3))};
    use.last_run = RunId{static_cast<std::uint32_t>(rows.integer(4))};
    use.runs = static_cast<std::uint64_t>(rows.integer(5));
    use.first_seen = Time{Duration{rows.integer(6)}};
    use.last_seen = Time{Duration{rows.integer(7)}};
  }
}

Result<engine::WorkflowText> SqliteHistory::get_workflow(const Digest& digest) {
  TRY_ASSIGN(const ReadTransaction transaction, ReadTransaction::begin(connection_));
  TRY_ASSIGN(Statement row,
             connection_.prepare("SELECT name, origin, source FROM workflows WHERE digest = ?"));
  const std::string bytes(digest.bytes.begin(), digest.bytes.end());
  row.bind_blob(1, bytes);
  TRY_ASSIGN(const bool is_there, row.step());
  if (!is_there) return fail(ErrorCode::not_found, "no such workflow has been run");
  return engine::WorkflowText{std::string(row.bytes(0)), std::string(row.bytes(1)),
                              std::string(row.bytes(2))};
}

}  // namespace reeve::store::sqlite
