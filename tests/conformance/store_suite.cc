#include "tests/conformance/store_suite.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "tests/conformance/store_records.h"

namespace reeve::tests {

using core::RunState;
using core::Snapshot;
using core::StoredRun;
using core::TaskState;
using engine::JournalRecord;
using testing::HasSubstr;

void ConformanceStore::reopen() {
  store_.reset();
  auto opened = bed_->open_store();
  ASSERT_TRUE(opened) << opened.error().text();
  store_ = std::move(opened).value();
}

namespace {

/// A failing Result prints its error.
template <class T>
T value_of(Result<T> result) {
  if (result) return std::move(result).value();
  ADD_FAILURE() << result.error().text();
  std::abort();  // the rest of the test would be about nothing
}

std::string text_of_run(const StoredRun& run) {
  return text_of(run.record) + "\n" + text_of(run.expansions) + text_of(run.tasks);
}

std::vector<std::uint64_t> steps_from(engine::Store& store, std::uint64_t from) {
  std::vector<std::uint64_t> steps;
  const Status read = store.read_journal(from, [&](const JournalRecord& record) {
    steps.push_back(record.step);
    return true;
  });
  EXPECT_TRUE(read) << read.error().text();
  return steps;
}

std::vector<schedule::UsageRecord> sorted(std::vector<schedule::UsageRecord> usage) {
  std::ranges::sort(usage, {}, [](const schedule::UsageRecord& one) {
    return std::tie(one.queue, one.is_user, one.user);
  });
  return usage;
}

Batch batch_of(core::RunRecord run) {
  Batch batch;
  batch.runs.push_back(std::move(run));
  return batch;
}

Batch random_batch(const Model& model) {
  Batch batch;
  const auto new_runs = *rc::gen::inRange<std::uint32_t>(0, 3);
  const std::uint32_t known = model.last_run() + new_runs;
  for (std::uint32_t id = 1; id <= known; ++id) {
    const bool is_new = id > model.last_run();
    if (is_new || *rc::gen::inRange(0, 3) == 0) batch.runs.push_back(random_run(id));
    const auto tasks = *rc::gen::inRange<std::uint32_t>(0, 3);
    for (std::uint32_t i = 0; i < tasks; ++i)
      batch.tasks.push_back(random_task({RunId{id}, *rc::gen::inRange<std::uint32_t>(0, 5)}));
    if (*rc::gen::inRange(0, 3) == 0) batch.expansions.push_back(random_expansion(RunId{id}));
  }
  if (*rc::gen::arbitrary<bool>()) batch.estimates.push_back(random_estimate());
  if (*rc::gen::arbitrary<bool>()) batch.drains.push_back(random_drain());
  if (*rc::gen::arbitrary<bool>()) batch.usage.push_back(random_usage());
  batch.last_token = Token{*rc::gen::arbitrary<std::uint64_t>()};
  return batch;
}

/// Attempts of known runs, with numbers that were not used before.
void add_attempts(Batch& batch, std::uint32_t last_run, std::uint32_t& number) {
  if (last_run == 0) return;
  const auto count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) {
    const RunId run{*rc::gen::inRange<std::uint32_t>(1, last_run + 1)};
    batch.attempts.push_back(
        random_attempt({run, *rc::gen::inRange<std::uint32_t>(0, 3)}, ++number));
  }
}

}  // namespace

TEST_P(ConformanceStore, is_empty_at_first) {
  const Snapshot snapshot = value_of(store_->load());
  EXPECT_TRUE(snapshot.runs.empty());
  EXPECT_EQ(snapshot.last_step, 0u);
  EXPECT_EQ(snapshot.last_run.value, 0u);
  EXPECT_EQ(snapshot.last_token.value, 0u);
  EXPECT_EQ(snapshot.last_chain, Digest{});
  EXPECT_EQ(store_->load_run(RunId{1}).error().code, ErrorCode::not_found);
  EXPECT_EQ(store_->load_workflow(Digest{}).error().code, ErrorCode::not_found);
  EXPECT_TRUE(steps_from(*store_, 1).empty());
}

TEST_P(ConformanceStore, gives_back_every_field_after_reopening) {
  const bool holds = rc::check([] {
    const auto bed = GetParam()();
    auto store = value_of(bed->open_store());
    Committer committer;
    Model model;
    std::uint32_t number = 0;
    Token last_token;
    const auto rounds = *rc::gen::inRange(1, 5);
    for (int round = 0; round < rounds; ++round) {
      Batch batch = random_batch(model);
      last_token = batch.last_token;
      model.apply(batch);
      Batch with_attempts;
      add_attempts(with_attempts, model.last_run(), number);
      batch.attempts = with_attempts.attempts;
      model.apply(with_attempts);
      const Status done = committer.commit(*store, batch);
      if (!done) RC_FAIL(done.error().text());
      if (*rc::gen::arbitrary<bool>()) {
        store.reset();
        store = value_of(bed->open_store());
      }
    }
    const Snapshot snapshot = value_of(store->load());
    RC_ASSERT(text_of(snapshot.runs) == text_of(model.open_runs()));
    RC_ASSERT(text_of(snapshot.estimates) == text_of(model.estimates()));
    RC_ASSERT(snapshot.drains == model.drains());
    RC_ASSERT(sorted(snapshot.usage) == sorted(model.usage()));
    RC_ASSERT(snapshot.last_token == last_token);
    RC_ASSERT(snapshot.last_run.value == model.last_run());
    RC_ASSERT(snapshot.last_step == committer.step());
    RC_ASSERT(snapshot.last_chain == committer.chain());
    const auto history = value_of(bed->open_history());
    for (std::uint32_t id = 1; id <= model.last_run(); ++id) {
      const StoredRun expected = model.run(id);
      RC_ASSERT(text_of_run(value_of(store->load_run(RunId{id}))) == text_of_run(expected));
      RC_ASSERT(text_of(value_of(history->get_run(RunId{id})).record) == text_of(expected.record));
      RC_ASSERT(text_of(value_of(history->list_tasks(RunId{id}, {}))) == text_of(expected.tasks));
      for (std::uint32_t index = 0; index < 3; ++index) {
        const TaskId task{RunId{id}, index};
        RC_ASSERT(text_of(value_of(history->list_attempts(task))) ==
                  text_of(model.attempts_of(task)));
      }
    }
  });
  EXPECT_TRUE(holds);
}

TEST_P(ConformanceStore, a_row_written_again_replaces_the_old_one) {
  Committer committer;
  Batch first = batch_of(run_record(1));
  first.runs.back().texts = std::make_unique<core::RunTexts>();
  first.runs.back().texts->name = "once";
  first.tasks.push_back(task_row({RunId{1}, 0}, TaskState::starting));
  first.tasks.back().extra = std::make_unique<core::TaskExtra>();
  first.tasks.back().extra->message = "once";
  ASSERT_TRUE(committer.commit(*store_, first));

  Batch second = batch_of(run_record(1, RunState::running));
  second.tasks.push_back(task_row({RunId{1}, 0}, TaskState::running));
  ASSERT_TRUE(committer.commit(*store_, second));

  const StoredRun run = value_of(store_->load_run(RunId{1}));
  EXPECT_EQ(run.record.state, RunState::running);
  EXPECT_EQ(run.record.texts, nullptr);
  ASSERT_EQ(run.tasks.size(), 1u);
  EXPECT_EQ(run.tasks[0].task.state, TaskState::running);
  EXPECT_EQ(run.tasks[0].extra, nullptr);
}

TEST_P(ConformanceStore, says_how_a_run_ended_also_between_commits) {
  Committer committer;
  EXPECT_EQ(store_->find_end(RunId{1}).error().code, ErrorCode::not_found);
  ASSERT_TRUE(committer.commit(*store_, batch_of(run_record(1, RunState::failed))));
  for (int i = 0; i < 2; ++i) {
    const engine::RunEnd end = value_of(store_->find_end(RunId{1}));
    EXPECT_EQ(end.state, RunState::failed);
    EXPECT_EQ(end.uuid, run_record(1).uuid);
    EXPECT_EQ(store_->find_end(RunId{2}).error().code, ErrorCode::not_found);
  }
  ASSERT_TRUE(committer.commit(*store_, batch_of(run_record(2))));
  EXPECT_EQ(value_of(store_->find_end(RunId{2})).state, RunState::queued);
  EXPECT_EQ(value_of(store_->find_idempotency_keys(std::vector<std::string_view>{"none"})),
            std::vector<RunId>{RunId{}});
  EXPECT_EQ(value_of(store_->find_end(RunId{1})).state, RunState::failed);
}

TEST_P(ConformanceStore, what_a_run_follows_is_replaced_with_its_row) {
  Committer committer;
  Batch first = batch_of(run_record(2));
  first.runs.back().after = std::make_unique<std::vector<core::RunAfter>>();
  first.runs.back().after->push_back({.run = RunId{1},
                                      .uuid = run_record(1).uuid,
                                      .condition = core::AfterCondition::end,
                                      .is_open = true});
  first.runs.push_back(run_record(1));
  ASSERT_TRUE(committer.commit(*store_, first));
  EXPECT_EQ(*value_of(store_->load()).runs.back().record.after, *first.runs.front().after);

  Batch second = batch_of(run_record(2));
  second.runs.back().after = core::copy_of(first.runs.front().after);
  second.runs.back().after->front().is_open = false;
  second.runs.back().after->front().ended = RunState::cancelled;
  ASSERT_TRUE(committer.commit(*store_, second));
  EXPECT_EQ(*value_of(store_->load_run(RunId{2})).record.after, *second.runs.front().after);
  ASSERT_TRUE(committer.commit(*store_, batch_of(run_record(2))));
  EXPECT_EQ(value_of(store_->load_run(RunId{2})).record.after, nullptr);
}

TEST_P(ConformanceStore, runs_of_one_commit_come_in_any_order) {
  Committer committer;
  Batch batch = batch_of(run_record(3));
  batch.runs.push_back(run_record(1));
  batch.runs.push_back(run_record(2));
  ASSERT_TRUE(committer.commit(*store_, batch));
  const Snapshot snapshot = value_of(store_->load());
  ASSERT_EQ(snapshot.runs.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(snapshot.runs[i].record.id.value, i + 1);
}

TEST_P(ConformanceStore, a_snapshot_holds_open_runs_only) {
  Committer committer;
  Batch batch;
  for (std::uint32_t id = 1; id <= 5; ++id) {
    batch.runs.push_back(run_record(id, static_cast<RunState>(id - 1)));
    batch.tasks.push_back(task_row({RunId{id}, 0}, TaskState::queued));
    batch.expansions.push_back({RunId{id}, GroupIndex{id}, 0, 1, "[]"});
  }
  ASSERT_TRUE(committer.commit(*store_, batch));
  const Snapshot snapshot = value_of(store_->load());
  ASSERT_EQ(snapshot.runs.size(), 2u);
  EXPECT_EQ(snapshot.runs[1].record.state, RunState::running);
  EXPECT_EQ(snapshot.runs[1].tasks.size(), 1u);
  EXPECT_EQ(snapshot.last_run.value, 5u);
  EXPECT_EQ(value_of(store_->load_run(RunId{5})).expansions.size(), 1u);

  // A run that ended and is tried again is open again.
  ASSERT_TRUE(committer.commit(*store_, batch_of(run_record(4, RunState::running))));
  const Snapshot again = value_of(store_->load());
  ASSERT_EQ(again.runs.size(), 3u);
  EXPECT_EQ(again.runs[2].record.id.value, 4u);
  EXPECT_EQ(again.runs[2].tasks.size(), 1u);
}

TEST_P(ConformanceStore, expansions_keep_the_order_in_which_they_happened) {
  Committer committer;
  Batch first = batch_of(run_record(1));
  first.expansions = {{RunId{1}, GroupIndex{9}, 5, 0, "[]"}, {RunId{1}, GroupIndex{2}, 5, 2, "[]"}};
  ASSERT_TRUE(committer.commit(*store_, first));
  Batch second;
  second.expansions = {{RunId{1}, GroupIndex{1}, 0, 7, "[1]"}};
  ASSERT_TRUE(committer.commit(*store_, second));
  reopen();
  const StoredRun run = value_of(store_->load_run(RunId{1}));
  ASSERT_EQ(run.expansions.size(), 3u);
  EXPECT_EQ(run.expansions[0].group.value, 9u);
  EXPECT_EQ(run.expansions[1].group.value, 2u);
  EXPECT_EQ(run.expansions[2].group.value, 1u);
  EXPECT_EQ(run.expansions[2].items, "[1]");
}

TEST_P(ConformanceStore, a_workflow_is_found_by_its_digest) {
  Committer committer;
  ASSERT_TRUE(committer.commit(*store_, batch_of(run_record(1))));
  reopen();
  const auto workflow = workflow_named("plain");
  const auto stored = value_of(store_->load_workflow(workflow->digest));
  EXPECT_EQ(stored->source, workflow->source);
  EXPECT_EQ(stored->origin, workflow->origin);
  EXPECT_EQ(stored->groups.size(), workflow->groups.size());
}

TEST_P(ConformanceStore, runs_of_one_workflow_share_it) {
  Committer committer;
  Batch batch = batch_of(run_record(1));
  batch.runs.push_back(run_record(2));
  ASSERT_TRUE(committer.commit(*store_, batch));
  reopen();
  const Snapshot snapshot = value_of(store_->load());
  EXPECT_EQ(snapshot.runs[0].record.workflow, snapshot.runs[1].record.workflow);
}

TEST_P(ConformanceStore, an_idempotency_key_finds_its_run_and_belongs_to_one) {
  Committer committer;
  const auto keyed = [](std::uint32_t id, const std::string& key) {
    core::RunRecord run = run_record(id);
    run.texts = std::make_unique<core::RunTexts>();
    run.texts->idempotency_key = key;
    return batch_of(std::move(run));
  };
  ASSERT_TRUE(committer.commit(*store_, keyed(1, "a")));
  ASSERT_TRUE(committer.commit(*store_, keyed(2, "")));
  ASSERT_TRUE(committer.commit(*store_, keyed(3, "")));
  ASSERT_TRUE(committer.commit(*store_, keyed(1, "a")));
  reopen();
  const std::vector<std::string_view> keys{"b", "a", "", "a", "c"};
  const std::vector<RunId> found = value_of(store_->find_idempotency_keys(keys));
  EXPECT_EQ(found, (std::vector{RunId{}, RunId{1}, RunId{}, RunId{1}, RunId{}}));
  EXPECT_TRUE(value_of(store_->find_idempotency_keys({})).empty());
  EXPECT_EQ(committer.commit(*store_, keyed(4, "a")).error().code, ErrorCode::conflict);
}

TEST_P(ConformanceStore, the_journal_is_read_from_any_step_and_as_far_as_wanted) {
  Committer committer;
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(committer.commit(*store_, {}, fmt::format("body {}", i + 1)));
  reopen();
  EXPECT_THAT(steps_from(*store_, 0), testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(steps_from(*store_, 4), testing::ElementsAre(4, 5));
  EXPECT_TRUE(steps_from(*store_, 6).empty());
  std::vector<std::string> bodies;
  ASSERT_TRUE(store_->read_journal(2, [&](const JournalRecord& record) {
    bodies.push_back(record.events);
    return bodies.size() < 2;
  }));
  EXPECT_THAT(bodies, testing::ElementsAre("body 2", "body 3"));
}

TEST_P(ConformanceStore, a_journal_goes_on_after_reopening) {
  Committer first;
  ASSERT_TRUE(first.commit(*store_, {}));
  reopen();
  Committer second(value_of(store_->load()));
  ASSERT_TRUE(second.commit(*store_, {}));
  EXPECT_THAT(steps_from(*store_, 1), testing::ElementsAre(1, 2));
}

TEST_P(ConformanceStore, any_changed_byte_of_the_journal_is_found_at_its_step) {
  constexpr std::size_t kDigestBytes = 32;
  const std::vector<std::pair<JournalPart, std::size_t>> parts = {
      {JournalPart::now, 1},
      {JournalPart::events, std::string("events").size()},
      {JournalPart::effects, kDigestBytes},
      {JournalPart::chain, kDigestBytes}};
  Committer committer;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(committer.commit(*store_, {}));
  for (const auto& [part, size] : parts) {
    for (std::size_t offset = 0; offset < size; ++offset) {
      ASSERT_TRUE(bed_->flip_journal_byte(2, part, offset));
      std::vector<std::uint64_t> visited;
      const Status read = store_->read_journal(1, [&](const JournalRecord& record) {
        visited.push_back(record.step);
        return true;
      });
      ASSERT_FALSE(read) << "part " << static_cast<int>(part) << " offset " << offset;
      EXPECT_EQ(read.error().code, ErrorCode::corrupt);
      EXPECT_THAT(read.error().message, HasSubstr("journal record 2"));
      EXPECT_THAT(visited, testing::ElementsAre(1));
      ASSERT_TRUE(bed_->flip_journal_byte(2, part, offset));  // back as it was
    }
  }
  EXPECT_THAT(steps_from(*store_, 1), testing::ElementsAre(1, 2, 3));
}

TEST_P(ConformanceStore, a_missing_journal_record_is_found) {
  Committer committer;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(committer.commit(*store_, {}));
  store_.reset();
  bed_->remove_journal_record(2);
  reopen();
  for (const std::uint64_t from : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}}) {
    const Status read = store_->read_journal(from, [](const JournalRecord&) { return true; });
    ASSERT_FALSE(read) << from;
    EXPECT_EQ(read.error().code, ErrorCode::corrupt);
    EXPECT_THAT(read.error().message, HasSubstr("record 2 is missing"));
  }
  EXPECT_THAT(steps_from(*store_, 4), testing::ElementsAre(4));
}

TEST_P(ConformanceStore, a_failed_commit_leaves_the_state_before_and_ends_the_store) {
  Committer committer;
  ASSERT_TRUE(committer.commit(*store_, batch_of(run_record(1))));
  bed_->fail_next_commit(*store_);
  const Status failed = committer.commit(*store_, batch_of(run_record(2)));
  ASSERT_FALSE(failed);
  EXPECT_FALSE(failed.error().message.empty());
  bed_->heal();
  const Status refused = committer.commit(*store_, batch_of(run_record(2)));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("earlier commit"));

  reopen();
  const Snapshot snapshot = value_of(store_->load());
  EXPECT_EQ(snapshot.last_step, 1u);
  EXPECT_EQ(snapshot.runs.size(), 1u);
  EXPECT_TRUE(Committer(snapshot).commit(*store_, batch_of(run_record(2))));
}

TEST_P(ConformanceStore, a_second_writer_is_noticed_by_the_first) {
  Committer first;
  ASSERT_TRUE(first.commit(*store_, batch_of(run_record(1))));
  auto other = value_of(bed_->open_store());
  Committer second(value_of(other->load()));
  ASSERT_TRUE(second.commit(*other, batch_of(run_record(2))));
  const Status refused = first.commit(*store_, batch_of(run_record(2, RunState::failed)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(value_of(other->load_run(RunId{2})).record.state, RunState::queued);
  EXPECT_TRUE(second.commit(*other, {}));
}

}  // namespace reeve::tests
