#include "bench/finished_runs.h"

#include <vector>

#include <fmt/format.h>

#include "spec/parse.h"
#include "store/sqlite/sqlite_store.h"

namespace reeve::bench {
namespace {

constexpr std::int64_t kBegan = 1'764'000'000'000'000;  // microseconds: in November 2025
constexpr std::uint64_t kRunsPerCommit = 5000;

/// Owns what the commits of one store have in common.
class Writer {
 public:
  explicit Writer(engine::Store& store) : store_(store) {
    workflow_ = spec::parse_workflow("name: plain\ntasks: {one: {run: 'true'}}\n", "p").workflow;
    // shared: as in RunRecord
    origin_ = std::make_shared<const core::RunOrigin>(core::RunOrigin{"/srv/work", "somebody"});
  }

  Status write(std::uint64_t first, std::uint64_t count) {
    runs_.clear();
    tasks_.clear();
    runs_.reserve(count);
    tasks_.reserve(count);
    std::vector<const core::RunRecord*> run_rows;
    std::vector<engine::TaskRow> task_rows;
    for (std::uint64_t id = first; id < first + count; ++id) {
      run_rows.push_back(&runs_.emplace_back(run(id)));
      const core::Task& ended = tasks_.emplace_back(task(id));
      task_rows.push_back({{run_rows.back()->id, 0}, &ended, nullptr});
    }
    engine::JournalRecord journal;
    journal.step = ++step_;
    journal.now = Time{Duration{kBegan + static_cast<std::int64_t>(first)}};
    journal.chain = chain_ = engine::chain_digest(chain_, journal);
    return store_.commit({.journal = &journal,
                          .runs = run_rows,
                          .tasks = task_rows,
                          .last_token = Token{first + count}});
  }

 private:
  static core::RunState state_of(std::uint64_t id) {
    const std::uint64_t place = id % 1000;
    if (place == 999) return core::RunState::cancelled;
    return place >= 970 ? core::RunState::failed : core::RunState::succeeded;
  }

  core::RunRecord run(std::uint64_t id) const {
    core::RunRecord run;
    run.id = RunId{static_cast<std::uint32_t>(id)};
    run.uuid = Uuid::from_parts(static_cast<std::uint64_t>(kBegan) / 1000 + id, id, id);
    run.submitted_at = Time{Duration{kBegan + static_cast<std::int64_t>(id)}};
    run.started_at = run.submitted_at;
    run.ended_at = run.submitted_at;
    run.state = state_of(id);
    run.workflow = workflow_;
    run.origin = origin_;
    run.texts = std::make_unique<core::RunTexts>();
    run.texts->name = fmt::format("job-{}", id % 1000);
    run.texts->labels = fmt::format(R"({{"team":"t{}"}})", id % 100);
    if (id % 100'000 == 7)
      run.texts->labels = fmt::format(R"({{"ticket":"{}"}})", id / 100'000 % 10);
    return run;
  }

  static core::Task task(std::uint64_t id) {
    core::Task task;
    const bool is_good = state_of(id) == core::RunState::succeeded;
    task.state = is_good ? core::TaskState::succeeded : core::TaskState::failed;
    task.outcome = OutcomeClass::exited;
    task.attempt = 1;
    task.token = Token{id};
    task.since = Time{Duration{kBegan + static_cast<std::int64_t>(id)}};
    task.queued_at = task.since;
    task.started_at = task.since;
    task.reason = {ReasonCode::completed, 0, 0};
    return task;
  }

  engine::Store& store_;
  std::shared_ptr<const spec::Workflow> workflow_;  // shared: as in RunRecord
  std::shared_ptr<const core::RunOrigin> origin_;   // shared: as in RunRecord
  std::vector<core::RunRecord> runs_;
  std::vector<core::Task> tasks_;
  std::uint64_t step_ = 0;
  Digest chain_;
};

}  // namespace

Status fill_with_finished_runs(const std::string& path, std::uint64_t runs) {
  TRY_ASSIGN(const auto store, store::sqlite::SqliteStore::open(path));
  Writer writer(*store);
  for (std::uint64_t first = 1; first <= runs; first += kRunsPerCommit)
    TRY(writer.write(first, std::min(kRunsPerCommit, runs + 1 - first)));
  return {};
}

}  // namespace reeve::bench
