// The stores alone, without engine or core: rows of the engine's pattern per second beside a bare
// loop of five prepared SQLite operations a task (the floor that the speed table names), and how
// long a start takes to read a million rows. Prints a table; each figure is the median of five.
//   store_bench [DIRECTORY [TASKS]]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "spec/parse.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_history.h"
#include "store/sqlite/sqlite_store.h"

namespace reeve::bench {
namespace {

constexpr int kRepeats = 5;
constexpr std::int64_t kStart = 1'764'000'000'000'000;  // microseconds: in November 2025

double seconds_of(const std::function<void()>& work) {
  const auto before = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

double median_of(const std::function<double()>& measure) {
  std::vector<double> values;
  for (int i = 0; i < kRepeats; ++i) values.push_back(measure());
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// A file name that nothing exists under.
std::string fresh_file(const std::string& directory) {
  const std::string path = directory + "/store.db";
  for (const char* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  return path;
}

// ---- the floor ----

/// Five prepared operations a task, in transactions of `batch` tasks, and nothing else.
class BareLoop {
 public:
  explicit BareLoop(const std::string& path) {
    ENSURE(sqlite3_open(path.c_str(), &connection_) == SQLITE_OK);
    run_sql(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, state INTEGER, since INTEGER) STRICT;"
        "CREATE TABLE attempts (id INTEGER PRIMARY KEY, task INTEGER, ended INTEGER) STRICT;"
        "CREATE TABLE journal (step INTEGER PRIMARY KEY, events BLOB) STRICT");
    insert_task_ = prepare("INSERT INTO tasks VALUES (?1, 1, ?2)");
    update_task_ = prepare("UPDATE tasks SET state = 8, since = ?2 WHERE id = ?1");
    insert_attempt_ = prepare("INSERT INTO attempts VALUES (?1, ?1, ?2)");
    update_attempt_ = prepare("UPDATE attempts SET ended = ?2 WHERE id = ?1");
    insert_event_ = prepare("INSERT INTO journal VALUES (?1, zeroblob(64 + ?2 * 0))");
  }
  ~BareLoop() {
    for (sqlite3_stmt* const each :
         {insert_task_, update_task_, insert_attempt_, update_attempt_, insert_event_})
      sqlite3_finalize(each);
    sqlite3_close(connection_);
  }
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;

  void run(int tasks, int batch) {
    for (int first = 0; first < tasks; first += batch) {
      run_sql("BEGIN IMMEDIATE");
      for (int i = first; i < std::min(first + batch, tasks); ++i) {
        for (sqlite3_stmt* const each :
             {insert_task_, update_task_, insert_attempt_, update_attempt_, insert_event_}) {
          sqlite3_bind_int64(each, 1, i);
          sqlite3_bind_int64(each, 2, kStart + i);
          ENSURE(sqlite3_step(each) == SQLITE_DONE);
          sqlite3_reset(each);
        }
      }
      run_sql("COMMIT");
    }
  }

 private:
  void run_sql(const char* sql) {
    ENSURE(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    ENSURE(sqlite3_prepare_v2(connection_, sql, -1, &statement, nullptr) == SQLITE_OK);
    return statement;
  }

  sqlite3* connection_ = nullptr;
  sqlite3_stmt* insert_task_ = nullptr;
  sqlite3_stmt* update_task_ = nullptr;
  sqlite3_stmt* insert_attempt_ = nullptr;
  sqlite3_stmt* update_attempt_ = nullptr;
  sqlite3_stmt* insert_event_ = nullptr;
};

// ---- the engine's pattern ----

std::shared_ptr<const spec::Workflow> plain_workflow() {  // shared: as in RunRecord
  const spec::Parsed parsed =
      spec::parse_workflow("name: plain\ntasks:\n  one:\n    run: 'true'\n", "plain.yaml");
  ENSURE(parsed.workflow != nullptr);
  return parsed.workflow;
}

/// Commits as the engine does: one journal record with each.
class Feeder {
 public:
  explicit Feeder(engine::Store& store) : store_(store) {}

  /// An array of `count` tasks: each commit ends the tasks that the one before has started and
  /// starts as many.
  void run_array(std::uint32_t count, std::uint32_t batch) {
    const core::RunRecord run = record(1);
    const core::RunRecord* const runs[] = {&run};
    commit({.runs = runs});
    std::vector<core::Task> ended(batch);
    std::vector<core::Task> started(batch);
    std::vector<engine::TaskRow> rows;
    std::vector<core::AttemptRecord> attempts;
    for (std::uint32_t first = 0; first < count + batch; first += batch) {
      rows.clear();
      attempts.clear();
      for (std::uint32_t i = 0; first > 0 && i < batch; ++i) {
        ended[i] = task(first - batch + i, core::TaskState::succeeded);
        rows.push_back({{RunId{1}, first - batch + i}, &ended[i], nullptr});
        attempts.push_back(attempt(first - batch + i));
      }
      for (std::uint32_t i = 0; first < count && i < batch; ++i) {
        started[i] = task(first + i, core::TaskState::starting);
        rows.push_back({{RunId{1}, first + i}, &started[i], nullptr});
      }
      events_.assign(std::size_t{75} * batch, 'e');
      commit({.tasks = rows, .attempts = attempts, .last_token = Token{first}});
    }
  }

  /// Submissions of single tasks.
  void submit_runs(std::uint32_t count, std::uint32_t batch) {
    std::vector<core::RunRecord> records(batch);
    std::vector<const core::RunRecord*> runs(batch);
    for (std::uint32_t first = 0; first < count; first += batch) {
      for (std::uint32_t i = 0; i < batch; ++i) {
        records[i] = record(first + i + 1);
        runs[i] = &records[i];
      }
      events_.assign(std::size_t{90} * batch, 'e');
      commit({.runs = runs});
    }
  }

 private:
  core::RunRecord record(std::uint32_t id) {
    core::RunRecord run;
    run.id = RunId{id};
    run.uuid = Uuid::from_parts(kStart / 1000 + id, id, id);
    run.submitted_at = Time{Duration{kStart + id}};
    run.workflow = workflow_;
    run.origin = origin_;
    run.inputs = R"({"argv":["/bin/true"],"name":"true"})";
    return run;
  }
  static core::Task task(std::uint32_t index, core::TaskState state) {
    core::Task task;
    task.state = state;
    task.attempt = 1;
    task.token = Token{index + 1};
    task.queued_at = Time{Duration{kStart}};
    task.since = Time{Duration{kStart + index}};
    task.reason = {ReasonCode::placed, 0, index};
    if (state == core::TaskState::succeeded) {
      task.outcome = OutcomeClass::exited;
      task.started_at = task.since;
      task.reason = {ReasonCode::completed, 0, 0};
    }
    return task;
  }
  static core::AttemptRecord attempt(std::uint32_t index) {
    core::AttemptRecord attempt;
    attempt.task = {RunId{1}, index};
    attempt.number = 1;
    attempt.token = Token{index + 1};
    attempt.queued_at = Time{Duration{kStart}};
    attempt.started_at = Time{Duration{kStart + index}};
    attempt.ended_at = Time{Duration{kStart + index + 700}};
    attempt.outcome = {OutcomeClass::exited, 0, {ReasonCode::completed, 0, 0}};
    attempt.usage = {Duration{500}, Duration{300}, 1 << 20, 0, 0, 2, 0};
    attempt.placed = {ReasonCode::placed, 0, index};
    return attempt;
  }
  void commit(engine::Commit commit) {
    engine::JournalRecord journal;
    journal.step = ++step_;
    journal.now = Time{Duration{kStart + static_cast<std::int64_t>(step_)}};
    journal.events = std::move(events_);
    journal.chain = chain_ = engine::chain_digest(chain_, journal);
    commit.journal = &journal;
    const Status done = store_.commit(commit);
    if (!done) fmt::print(stderr, "{}\n", done.error().text());
    ENSURE(done);
    events_ = std::move(journal.events);
  }

  engine::Store& store_;
  const std::shared_ptr<const spec::Workflow> workflow_ = plain_workflow();  // shared: by runs
  const std::shared_ptr<const core::RunOrigin> origin_ =
      std::make_shared<const core::RunOrigin>(core::RunOrigin{"/home/someone/work", "someone"});
  std::string events_;
  std::uint64_t step_ = 0;
  Digest chain_;
};

std::unique_ptr<store::sqlite::SqliteStore> open_sqlite(const std::string& path) {
  auto store = store::sqlite::SqliteStore::open(path);
  ENSURE(store);
  return std::move(store).value();
}

// ---- the table ----

class Table {
 public:
  Table(std::string directory, std::uint32_t tasks)
      : directory_(std::move(directory)),
        tasks_(tasks) {}

  void print() {
    print_arrays();
    row("sqlite, separate runs submitted, 1,000 a commit", median_of([&] {
          const auto store = open_sqlite(fresh());
          return rate([&] { Feeder(*store).submit_runs(tasks_, 1000); });
        }),
        "runs/s");
    print_loads();
    row("memory, array, 1,000 a commit", median_of([&] {
          store::memory::MemoryDisk disk({.keep_events = false, .keep_attempts = false});
          store::memory::MemoryStore store(disk);
          return rate([&] { Feeder(store).run_array(tasks_, 1000); });
        }),
        "tasks/s");
    fresh();
  }

 private:
  std::string fresh() { return fresh_file(directory_); }
  double rate(const std::function<void()>& work) { return tasks_ / seconds_of(work); }

  void row(const std::string& what, double value, std::string_view unit) const {
    const std::string ratio =
        unit == "s" || floor_ == 0 ? "" : fmt::format("{:.2f} of the bare loop", value / floor_);
    fmt::print("{:<52}{:>12} {:<8} {}\n", what,
               unit == "s" ? fmt::format("{:.3f}", value) : fmt::format("{:.0f}", value), unit,
               ratio);
    std::fflush(stdout);
  }

  /// The floor is measured again beside every figure: a busy machine slows both.
  void print_arrays() {
    std::vector<double> floors;
    const auto beside_floor = [&](std::uint32_t batch) {
      return median_of([&] {
        floors.push_back(rate([&] { BareLoop(fresh()).run(static_cast<int>(tasks_), 1000); }));
        const auto store = open_sqlite(fresh());
        return rate([&] { Feeder(*store).run_array(tasks_, batch); });
      });
    };
    constexpr std::array<std::uint32_t, 3> kBatches = {100, 1000, 4000};
    std::array<double, kBatches.size()> rates{};
    for (std::size_t i = 0; i < kBatches.size(); ++i) rates[i] = beside_floor(kBatches[i]);
    std::ranges::sort(floors);
    floor_ = floors[floors.size() / 2];
    row("bare loop of five operations, 1,000 a commit", floor_, "tasks/s");
    for (std::size_t i = 0; i < kBatches.size(); ++i)
      row(fmt::format("sqlite, array, {} a commit", kBatches[i]), rates[i], "tasks/s");
  }

  /// What the store's share of a start takes, and what looking things up takes beside it.
  void print_loads() {
    const std::string path = directory_ + "/store.db";
    const auto load = [&] {
      return seconds_of([&] {
        const auto snapshot = open_sqlite(path)->load();
        ENSURE(snapshot && !snapshot->runs.empty());
      });
    };
    // The file holds the separate runs of the row before.
    row(fmt::format("sqlite, open and load {} queued runs", tasks_), median_of(load), "s");
    const auto ending = [&] {
      return seconds_of([&] {
        const auto history = store::sqlite::SqliteHistory::open(path);
        ENSURE(!(*history)->find_run("zzzzzz"));
      });
    };
    row("sqlite, look for an ending that no run has", median_of(ending), "s");
    {
      const auto store = open_sqlite(fresh());
      Feeder(*store).run_array(tasks_, 4000);
    }
    row(fmt::format("sqlite, open and load a run of {} tasks", tasks_), median_of(load), "s");
    const auto view = [&] {
      return seconds_of([&] {
        const auto history = store::sqlite::SqliteHistory::open(path);
        ENSURE((*history)->get_run(RunId{1}));
      });
    };
    row("sqlite, view of that run with its counts", median_of(view), "s");
  }

  std::string directory_;
  std::uint32_t tasks_;
  double floor_ = 0;
};

}  // namespace
}  // namespace reeve::bench

int main(int count, char** arguments) {
  std::string directory = count > 1 ? arguments[1] : "/tmp/reeve-store-bench-XXXXXX";
  if (count <= 1) ENSURE(mkdtemp(directory.data()) != nullptr);
  const auto tasks = count > 2 ? std::stoul(arguments[2]) : 1'000'000;
  reeve::bench::Table(directory, static_cast<std::uint32_t>(tasks)).print();
  if (count <= 1) std::filesystem::remove_all(directory);
  return 0;
}
