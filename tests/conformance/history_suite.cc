// What every History must answer, over the same beds as the store suite.
#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/conformance/store_records.h"
#include "tests/conformance/store_suite.h"

namespace reeve::tests {

using core::RunState;
using core::TaskState;
using engine::RunFilter;
using engine::RunView;
using engine::TaskFilter;
using testing::ElementsAre;
using testing::HasSubstr;

void ConformanceHistory::commit(const Batch& batch) {
  const Status done = committer_.commit(*store_, batch);
  ASSERT_TRUE(done) << done.error().text();
}

engine::History& ConformanceHistory::history() {
  if (history_ == nullptr) {
    auto opened = bed_->open_history();
    EXPECT_TRUE(opened) << opened.error().text();
    history_ = std::move(opened).value();
  }
  return *history_;
}

std::vector<std::uint32_t> ConformanceHistory::listed(const RunFilter& filter) {
  const auto views = history().list_runs(filter);
  EXPECT_TRUE(views) << views.error().text();
  std::vector<std::uint32_t> ids;
  for (const RunView& view : *views) ids.push_back(view.record.id.value);
  return ids;
}

std::vector<std::uint32_t> ConformanceHistory::listed_tasks(const TaskFilter& filter) {
  const auto tasks = history().list_tasks(RunId{1}, filter);
  EXPECT_TRUE(tasks) << tasks.error().text();
  std::vector<std::uint32_t> indexes;
  for (const core::StoredTask& task : *tasks) indexes.push_back(task.id.index);
  return indexes;
}

ErrorCode ConformanceHistory::find_failure(std::string_view reference) {
  const auto found = history().find_run(reference);
  EXPECT_FALSE(found) << reference;
  return found ? ErrorCode::io_failed : found.error().code;
}

namespace {

core::RunRecord named(std::uint32_t id, const std::string& name, const std::string& labels) {
  core::RunRecord run = run_record(id);
  run.texts = std::make_unique<core::RunTexts>();
  run.texts->name = name;
  run.texts->labels = labels;
  return run;
}

}  // namespace

TEST_P(ConformanceHistory, lists_runs_newest_first_in_pages) {
  EXPECT_TRUE(listed({}).empty());
  Batch batch;
  for (std::uint32_t id = 1; id <= 7; ++id) batch.runs.push_back(run_record(id));
  commit(batch);
  EXPECT_THAT(listed({.limit = 3}), ElementsAre(7, 6, 5));
  EXPECT_THAT(listed({.before = RunId{5}, .limit = 3}), ElementsAre(4, 3, 2));
  EXPECT_THAT(listed({.before = RunId{2}, .limit = 3}), ElementsAre(1));
  EXPECT_THAT(listed({.before = RunId{1}}), ElementsAre());
  EXPECT_THAT(listed({.before = RunId{5}, .oldest = RunId{3}}), ElementsAre(4, 3));
}

TEST_P(ConformanceHistory, filters_runs) {
  Batch batch;
  batch.runs.push_back(named(1, "nightly", R"({"team": "sim", "it's": "\"quoted\""})"));
  batch.runs.push_back(named(2, "", R"({"team": "data"})"));
  batch.runs.push_back(named(3, "hourly", "not JSON"));
  batch.runs.push_back(run_record(4, RunState::failed));
  batch.runs.push_back(run_record(5, RunState::running));
  batch.runs.back().workflow = workflow_named("other");
  commit(batch);

  EXPECT_THAT(listed({.states = {RunState::failed}}), ElementsAre(4));
  EXPECT_THAT(listed({.states = {RunState::running, RunState::failed}}), ElementsAre(5, 4));
  EXPECT_THAT(listed({.states = {RunState::running, RunState::queued}}), ElementsAre(5, 3, 2, 1));
  EXPECT_THAT(listed({.name = "nightly"}), ElementsAre(1));
  EXPECT_THAT(listed({.name = "plain"}), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(listed({.name = "nobody"}), ElementsAre());
  EXPECT_THAT(listed({.label_key = "team", .label_value = "sim"}), ElementsAre(1));
  EXPECT_THAT(listed({.label_key = "it's", .label_value = "\"quoted\""}), ElementsAre(1));
  EXPECT_THAT(listed({.label_key = "team", .label_value = ""}), ElementsAre());
  EXPECT_THAT(listed({.submitted_after = run_record(3).submitted_at}), ElementsAre(5, 4));
  EXPECT_THAT(listed({.states = {RunState::queued}, .name = "plain", .before = RunId{3}}),
              ElementsAre(2, 1));
}

TEST_P(ConformanceHistory, says_which_workflows_were_run_in_which_namespace) {
  const auto none = history().list_workflow_uses(RunId{}, 10);
  ASSERT_TRUE(none) << none.error().text();
  EXPECT_TRUE(none->uses.empty() && none->is_all);
  Batch batch;
  for (std::uint32_t id = 1; id <= 6; ++id) batch.runs.push_back(run_record(id));
  batch.runs[1] = named(2, "", R"({"namespace": "web"})");
  batch.runs[2] = named(3, "", "not JSON");
  batch.runs[4].workflow = workflow_named("other");
  commit(batch);

  const auto all = history().list_workflow_uses(RunId{}, 100);
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->uses.size(), 3U);
  EXPECT_TRUE(all->is_all);
  EXPECT_EQ(all->up_to, RunId{6});
  const engine::WorkflowUse plain{.name_space = "default",
                                  .name = "plain",
                                  .digest = batch.runs[0].workflow->digest,
                                  .first_run = RunId{1},
                                  .last_run = RunId{6},
                                  .runs = 4,
                                  .first_seen = batch.runs[0].submitted_at,
                                  .last_seen = batch.runs[5].submitted_at};
  EXPECT_EQ(all->uses[0], plain);
  EXPECT_EQ(all->uses[1].name_space, "web");
  EXPECT_EQ(all->uses[2].name, "other");

  const auto stretch = history().list_workflow_uses(RunId{1}, 2);
  ASSERT_TRUE(stretch) << stretch.error().text();
  EXPECT_FALSE(stretch->is_all);
  EXPECT_EQ(stretch->up_to, RunId{3});
  EXPECT_EQ(stretch->uses.size(), 2U);
  EXPECT_TRUE(history().list_workflow_uses(RunId{6}, 2)->is_all);

  const auto text = history().get_workflow(batch.runs[4].workflow->digest);
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_EQ(text->name, "other");
  EXPECT_EQ(text->source, batch.runs[4].workflow->source);
  EXPECT_EQ(history().get_workflow(Digest{}).error().code, ErrorCode::not_found);
}

TEST_P(ConformanceHistory, counts_tasks_by_state) {
  Batch batch;
  batch.runs.push_back(run_record(1));
  batch.runs.push_back(run_record(2));
  for (std::uint32_t i = 0; i < 10; ++i) {
    const TaskState state = i < 7 ? TaskState::succeeded : TaskState::failed;
    batch.tasks.push_back(task_row({RunId{2}, 3 * i}, state));
  }
  commit(batch);
  const auto view = history().get_run(RunId{2});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->counts.stored[static_cast<std::size_t>(TaskState::succeeded)], 7u);
  EXPECT_EQ(view->counts.stored[static_cast<std::size_t>(TaskState::failed)], 3u);
  const auto views = history().list_runs({});
  ASSERT_TRUE(views);
  EXPECT_EQ(views->front().counts.stored, view->counts.stored);
  EXPECT_EQ(views->back().counts.stored, engine::TaskCounts{}.stored);
  EXPECT_EQ(history().get_run(RunId{3}).error().code, ErrorCode::not_found);
}

TEST_P(ConformanceHistory, finds_a_run_by_each_of_its_names) {
  EXPECT_EQ(find_failure("last"), ErrorCode::not_found);
  Batch batch;
  for (std::uint32_t id = 1; id <= 40; ++id) batch.runs.push_back(run_record(id));
  // Their identifiers end alike, and the time in one is far from its submission.
  batch.runs[19].uuid = Uuid::from_parts(1, 0, 0x777777);
  batch.runs[20].uuid = Uuid::from_parts(1ULL << 47, 0, 0x777777);
  commit(batch);

  EXPECT_EQ(history().find_run("last")->value, 40u);
  EXPECT_EQ(history().find_run("12")->value, 12u);
  for (const std::uint32_t id : {1u, 20u, 21u, 40u}) {
    const std::string whole = format_uuid("run", batch.runs[id - 1].uuid);
    EXPECT_EQ(history().find_run(whole)->value, id);
    if (id == 20 || id == 21) continue;
    EXPECT_EQ(history().find_run(whole.substr(26))->value, id) << whole;
  }
  const std::string ending = format_uuid("run", batch.runs[19].uuid).substr(24);
  const auto ambiguous = history().find_run(ending);
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().code, ErrorCode::conflict);
  EXPECT_THAT(ambiguous.error().message, HasSubstr(format_uuid("run", batch.runs[19].uuid)));
  EXPECT_THAT(ambiguous.error().message, HasSubstr(format_uuid("run", batch.runs[20].uuid)));

  EXPECT_EQ(find_failure("41"), ErrorCode::not_found);
  EXPECT_EQ(find_failure("99999"), ErrorCode::not_found);
  EXPECT_EQ(find_failure("zzzz"), ErrorCode::not_found);
  EXPECT_EQ(find_failure("zz"), ErrorCode::invalid_argument);
  EXPECT_EQ(find_failure(""), ErrorCode::invalid_argument);
  EXPECT_EQ(find_failure("run_123"), ErrorCode::invalid_argument);
  EXPECT_EQ(find_failure(format_uuid("run", Uuid::from_parts(5, 5, 5))), ErrorCode::not_found);
}

TEST_P(ConformanceHistory, says_when_too_many_runs_match_an_ending) {
  Batch batch;
  for (std::uint32_t id = 1; id <= 40; ++id) {
    batch.runs.push_back(run_record(id));
    batch.runs.back().uuid = Uuid::from_parts(id, 0, 7);
  }
  commit(batch);
  const auto found = history().find_run("00007");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::conflict);
  EXPECT_THAT(found.error().message, HasSubstr(", ...;"));
  EXPECT_LT(found.error().message.size(), 300u);
}

TEST_P(ConformanceHistory, filters_tasks_in_pages) {
  Batch batch;
  batch.runs.push_back(run_record(1));
  batch.runs.push_back(run_record(2));
  for (std::uint32_t i = 0; i < 12; ++i) {
    batch.tasks.push_back(
        task_row({RunId{1}, 2 * i}, i % 2 == 0 ? TaskState::failed : TaskState::running));
    batch.tasks.back().task.group = GroupIndex{i / 4};
  }
  batch.tasks.push_back(task_row({RunId{2}, 1}, TaskState::failed));
  commit(batch);
  EXPECT_THAT(listed_tasks({.limit = 3}), ElementsAre(0, 2, 4));
  EXPECT_THAT(listed_tasks({.from = 5, .limit = 2}), ElementsAre(6, 8));
  EXPECT_THAT(listed_tasks({.states = {TaskState::failed}, .limit = 2}), ElementsAre(0, 4));
  EXPECT_THAT(
      listed_tasks({.states = {TaskState::failed, TaskState::running}, .group = GroupIndex{1}}),
      ElementsAre(8, 10, 12, 14));
  EXPECT_THAT(listed_tasks({.group = GroupIndex{9}}), ElementsAre());
  EXPECT_EQ(history().list_tasks(RunId{3}, {}).error().code, ErrorCode::not_found);
}

TEST_P(ConformanceHistory, lists_expansions_and_attempts) {
  Batch batch;
  batch.runs.push_back(run_record(1));
  batch.runs.push_back(run_record(2));
  batch.expansions = {{RunId{1}, GroupIndex{3}, 0, 2, "[1,2]"},
                      {RunId{1}, GroupIndex{1}, 2, 0, "[]"}};
  const auto at = [](int microseconds) { return Time{Duration{microseconds}}; };
  const TaskId a{RunId{1}, 0};
  const TaskId b{RunId{1}, 1};
  batch.attempts = {attempt_record(b, 1, at(30)), attempt_record(a, 1, at(10)),
                    attempt_record({RunId{2}, 0}, 1, at(15)), attempt_record(a, 2, at(20)),
                    attempt_record(b, 2, at(40))};
  commit(batch);

  EXPECT_EQ(text_of(*history().list_expansions(RunId{1})), text_of(batch.expansions));
  EXPECT_TRUE(history().list_expansions(RunId{2})->empty());
  const auto order = [](const Result<std::vector<core::AttemptRecord>>& attempts) {
    std::string out;
    for (const core::AttemptRecord& attempt : *attempts)
      out += fmt::format("{}.{} ", attempt.task.index, attempt.number);
    return out;
  };
  EXPECT_EQ(order(history().list_attempts(a)), "0.1 0.2 ");
  EXPECT_EQ(order(history().list_attempts({RunId{1}, 7})), "");
  EXPECT_EQ(order(history().list_run_attempts(RunId{1}, 0, 10)), "0.1 0.2 1.1 1.2 ");
  EXPECT_EQ(order(history().list_run_attempts(RunId{1}, 1, 2)), "0.2 1.1 ");
  EXPECT_EQ(order(history().list_run_attempts(RunId{1}, 9, 2)), "");
  EXPECT_EQ(history().list_expansions(RunId{9}).error().code, ErrorCode::not_found);
  EXPECT_EQ(history().list_attempts({RunId{9}, 0}).error().code, ErrorCode::not_found);
  EXPECT_EQ(history().list_run_attempts(RunId{9}, 0, 1).error().code, ErrorCode::not_found);
}

TEST_P(ConformanceHistory, sees_what_is_committed_while_it_is_open) {
  const std::uint64_t before = *history().version();
  EXPECT_EQ(*history().version(), before);
  EXPECT_TRUE(listed({}).empty());
  Batch batch;
  batch.runs.push_back(run_record(1));
  commit(batch);
  EXPECT_NE(*history().version(), before);
  EXPECT_THAT(listed({}), ElementsAre(1));
}

}  // namespace reeve::tests
