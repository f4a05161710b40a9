// The engine on its own thread, and its further ports: artifacts and secrets.
#include "engine/engine.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_rig.h"
#include "store/memory/memory_store.h"

namespace reeve::engine {
namespace {

using store::memory::CommitFault;
using store::memory::MemoryDisk;
using store::memory::MemoryStore;
using test::Rig;
using test::submission;

class FakeArtifacts final : public ArtifactStore {
 public:
  void collect(TaskId task, ArtifactScope scope, std::vector<ArtifactRequest> files,
               Done done) override {
    tasks.push_back(task);
    directories.push_back(std::move(scope.directory));
    requests.push_back(std::move(files));
    pending.push_back(std::move(done));
  }
  std::vector<TaskId> tasks;
  std::vector<std::string> directories;
  std::vector<std::vector<ArtifactRequest>> requests;
  std::vector<Done> pending;
};

class FakeSecrets final : public Secrets {
 public:
  Result<std::string> read(const SecretName& secret) override {
    if (secret.name == "KEY") return "hidden";
    if (secret.name == "SPACE") return "of " + std::string(secret.name_space);
    return fail(ErrorCode::not_found, "there is no secret " + std::string(secret.name));
  }
};

class PortsFixture : public testing::Test {
 protected:
  void open() {
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.settle());
  }
  MemoryDisk disk;
  MemoryStore store{disk};
  Rig rig{store};
  FakeArtifacts artifacts;
  FakeSecrets secrets;
};

using ArtifactsPort = PortsFixture;
using SecretsPort = PortsFixture;

TEST_F(ArtifactsPort, is_asked_for_the_files_and_its_answer_ends_the_task) {
  rig.artifacts = &artifacts;
  open();
  const RunId run = rig.submit("tasks: {a: {run: x, artifacts: [out.txt], workdir: sub}}");
  rig.executor.end_one(rig.clock.time);
  ASSERT_TRUE(rig.settle());
  ASSERT_EQ(artifacts.pending.size(), 1U);
  EXPECT_EQ(artifacts.tasks[0], (TaskId{run, 0}));
  EXPECT_EQ(artifacts.directories[0], "/work/sub");
  EXPECT_EQ(artifacts.requests[0].at(0).path, "out.txt");
  EXPECT_TRUE(artifacts.requests[0].at(0).required);
  artifacts.pending[0](std::vector<OutputValue>{{"out", "/kept/1"}});
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.ended(run), core::RunState::succeeded);
}

TEST_F(ArtifactsPort, a_missing_file_fails_the_task) {
  rig.artifacts = &artifacts;
  open();
  const RunId run = rig.submit("tasks: {a: {run: x, artifacts: [out.txt]}}");
  rig.executor.end_one(rig.clock.time);
  ASSERT_TRUE(rig.settle());
  artifacts.pending.at(0)(fail(ErrorCode::not_found, "out.txt is not there"));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.ended(run), core::RunState::failed);
}

TEST_F(ArtifactsPort, that_is_not_there_fails_the_task) {
  open();
  const RunId run = rig.submit("tasks: {a: {run: x, artifacts: [out.txt]}}");
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(run), core::RunState::failed);
}

TEST_F(ArtifactsPort, is_not_asked_for_what_cannot_be_named) {
  rig.artifacts = &artifacts;
  open();
  const RunId path = rig.submit(
      "tasks: {a: {run: x, artifacts: [{name: n, path: '${{ fromJSON(run.name) }}'}]}}\nname: '{'");
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(path), core::RunState::failed);
  EXPECT_TRUE(artifacts.pending.empty());
}

TEST_F(ArtifactsPort, is_asked_again_after_a_restart) {
  rig.artifacts = &artifacts;
  open();
  const RunId run = rig.submit("tasks: {a: {run: x, artifacts: [out.txt]}}");
  rig.executor.end_one(rig.clock.time);
  ASSERT_TRUE(rig.settle());
  open();
  ASSERT_EQ(artifacts.pending.size(), 2U);
  artifacts.pending[1](std::vector<OutputValue>{});
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.ended(run), core::RunState::succeeded);
}

TEST_F(SecretsPort, gives_the_values_to_the_executor_and_to_nobody_else) {
  rig.secrets = &secrets;
  open();
  rig.submit("secrets: [KEY]\ntasks: {a: {run: x}}");
  ASSERT_EQ(rig.executor.running.size(), 1U);
  const Launch& launch = rig.executor.running.begin()->second;
  EXPECT_THAT(launch.secrets, testing::ElementsAre(testing::Pair("KEY", "hidden")));
  for (const JournalRecord& record : disk.journal())
    EXPECT_EQ(record.events.find("hidden"), std::string::npos);
  ASSERT_TRUE(rig.run_all());
}

TEST_F(SecretsPort, says_whose_secrets_are_asked_for) {
  rig.secrets = &secrets;
  open();
  const auto value_with = [this](std::string labels) {
    core::SubmitRun request = submission("secrets: [SPACE]\ntasks: {a: {run: x}}");
    request.texts.labels = std::move(labels);
    EXPECT_TRUE(rig.ask(std::move(request)));
    EXPECT_EQ(rig.executor.running.size(), 1U);
    const std::string value = rig.executor.running.begin()->second.secrets.at(0).second;
    EXPECT_TRUE(rig.run_all());
    return value;
  };
  EXPECT_EQ(value_with(""), "of default");
  EXPECT_EQ(value_with(R"({"team":"x"})"), "of default");
  EXPECT_EQ(value_with(R"({"team":"x","namespace":"blue"})"), "of blue");
  EXPECT_EQ(value_with(R"({"other":"\"namespace\":\"blue\""})"), "of default");
}

TEST_F(SecretsPort, a_secret_that_is_not_there_fails_the_task) {
  rig.secrets = &secrets;
  open();
  const RunId run = rig.submit("secrets: [NONE]\ntasks: {a: {run: x}}");
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(run), core::RunState::failed);
  EXPECT_TRUE(rig.executor.started.empty());
}

TEST_F(SecretsPort, that_is_not_there_fails_the_task) {
  open();
  const RunId run = rig.submit("tasks: {a: {run: x, secrets: [KEY]}}");
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(run), core::RunState::failed);
}

/// Waits for something that the engine's thread does.
class Signal {
 public:
  void raise() {
    {
      const std::lock_guard lock(mutex_);
      ++raised_;
    }
    changed_.notify_all();
  }
  void await(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return raised_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int raised_ = 0;
};

class Thread : public PortsFixture {
 protected:
  void start() {
    ASSERT_TRUE(rig.open());
    thread = std::thread([this] { ended = rig.engine().run(); });
  }
  void stop() {
    rig.engine().stop();
    thread.join();
  }
  std::thread thread;
  Status ended;
};

TEST_F(Thread, takes_what_many_clients_submit) {
  rig.options.inbox_events_max = 8;  // so that they wait for each other
  start();
  Signal answered;
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        rig.engine().submit(submission("tasks: {a: {run: x}}"),
                            [&](const Result<Receipt>& receipt) {
                              EXPECT_TRUE(receipt);
                              answered.raise();
                            });
      }
    });
  }
  for (std::thread& client : clients) client.join();
  answered.await(100);
  stop();
  EXPECT_TRUE(ended);
  EXPECT_EQ(rig.engine().state().run_count(), 100U);
}

TEST_F(Thread, wakes_for_its_own_timers) {
  start();
  Signal answered;
  rig.engine().submit(submission("tasks: {a: {approval: {timeout: 1s}}}"),
                      [&](const Result<Receipt>&) {
                        rig.clock.time += std::chrono::seconds{1};  // on the engine's thread
                        answered.raise();
                      });
  answered.await(1);
  Signal second;
  rig.engine().submit(core::Tick{}, [&](const Result<Receipt>&) { second.raise(); });
  second.await(1);
  stop();
  EXPECT_EQ(rig.ended(RunId{1}), core::RunState::failed);
}

TEST_F(Thread, waits_no_longer_than_until_its_next_timer) {
  start();
  Signal answered;
  rig.engine().submit(submission("tasks: {a: {approval: {timeout: 1ms}}}"),
                      [&](const Result<Receipt>&) { answered.raise(); });
  answered.await(1);
  stop();  // whether it waits or not
  EXPECT_TRUE(ended);
}

TEST_F(Thread, ends_when_its_store_fails) {
  start();
  Signal armed;
  rig.engine().submit(core::Tick{}, [&](const Result<Receipt>& receipt) {
    EXPECT_TRUE(receipt);
    store.fail_commit(0,
                      CommitFault::before);  // on the engine's thread, as all that is the store's
    armed.raise();
  });
  armed.await(1);
  Signal answered;
  for (int i = 0; i < 3; ++i) {
    rig.engine().submit(core::Tick{}, [&](const Result<Receipt>& receipt) {
      EXPECT_FALSE(receipt);
      answered.raise();
    });
  }
  thread.join();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::io_failed);
  rig.crash();
  answered.await(3);
}

TEST_F(Thread, that_was_stopped_keeps_nobody_waiting_for_room) {
  rig.options.inbox_events_max = 4;
  start();
  stop();
  std::vector<ErrorCode> answers;
  for (int i = 0; i < 9; ++i) {
    rig.engine().submit(core::Tick{}, [&](const Result<Receipt>& receipt) {
      ASSERT_FALSE(receipt);
      answers.push_back(receipt.error().code);
    });
  }
  EXPECT_EQ(answers, std::vector<ErrorCode>(9, ErrorCode::unavailable));
  EXPECT_FALSE(rig.engine().post(core::Tick{}));
}

TEST_F(Thread, that_is_stopped_before_it_ran_does_nothing) {
  ASSERT_TRUE(rig.open());
  rig.engine().stop();
  EXPECT_TRUE(rig.engine().run());
  EXPECT_EQ(rig.engine().counters().rounds, 0U);
}

}  // namespace
}  // namespace reeve::engine
