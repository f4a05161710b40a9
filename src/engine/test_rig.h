// An engine with ports that only do what a test says, all writing into one log of what happened in
// which order. One thread, unless the test starts others.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace reeve::engine::test {

using Log = std::vector<std::string>;

std::shared_ptr<const spec::Workflow> workflow_of(std::string_view yaml);  // shared: as in the core
core::SubmitRun submission(std::string_view yaml, std::string key = {});

class FakeClock final : public Clock {
 public:
  Time now() override { return time; }
  Time time{std::chrono::hours{480'000}};
};

class CountingRandom final : public Random {
 public:
  std::uint64_t bits() override { return ++drawn; }
  std::uint64_t drawn = 0;
};

/// Keeps what it is told to start until the test ends it. Outlives engines.
class FakeExecutor final : public Executor {
 public:
  explicit FakeExecutor(Log& log) : log_(log) {}
  Status attach(ExecutorSink& sink) override;
  void set_capacity(const Resources& capacity) override;
  void start(Launch launch) override;
  void stop(Token token, StopMode mode, Duration grace) override;
  void probe(Token token) override;
  void forget(Token token) override;
  void enter(const EnterOrder& order) override;
  void flush() override;
  void detach() override;

  /// Ends the oldest attempt that runs. False: there is none.
  bool end_one(Time now, std::int32_t code = 0);
  void end(Token token, Time now, std::int32_t code);
  ExecutorSink& sink() { return *sink_; }
  bool attached() const { return sink_ != nullptr; }

  std::map<Token, Launch> running;
  std::map<Token, AttemptEnd> ended;  ///< and not forgotten
  std::set<Token> started;            ///< ever
  std::optional<Error> attach_fails;
  bool up_at_once = true;

 private:
  Log& log_;
  ExecutorSink* sink_ = nullptr;
};

/// Hands everything on and says so.
class LoggingStore final : public Store {
 public:
  LoggingStore(Store& store, Log& log) : store_(&store), log_(log) {}
  void use(Store& store) { store_ = &store; }
  Status commit(const Commit& commit) override;
  Result<Snapshot> load() override { return store_->load(); }
  Result<StoredRun> load_run(RunId run) override { return store_->load_run(run); }
  Result<RunEnd> find_end(RunId run) override {
    if (lookup_fails) return tl::unexpected(*lookup_fails);
    return store_->find_end(run);
  }
  Result<std::vector<RunId>> find_idempotency_keys(
      std::span<const std::string_view> keys) override {
    if (lookup_fails) return tl::unexpected(*lookup_fails);
    return store_->find_idempotency_keys(keys);
  }
  Status read_journal(std::uint64_t from,
                      const std::function<bool(const JournalRecord&)>& visit) override {
    return store_->read_journal(from, visit);
  }
  Result<std::shared_ptr<const spec::Workflow>> load_workflow(const Digest& digest) override {
    return store_->load_workflow(digest);  // shared: as in the port
  }

  std::optional<Error> lookup_fails;  ///< of idempotency keys and of ends

 private:
  Store* store_;
  Log& log_;
};

/// Writes every round into the log.
class LoggingObserver final : public Observer {
 public:
  explicit LoggingObserver(Log& log) : log_(log) {}
  void on_committed(const Committed& committed) override;
  std::vector<core::TaskChange> tasks;
  std::vector<core::RunChange> runs;
  std::vector<TaskId> progressed;
  std::vector<core::AttemptRecord> attempts;

 private:
  Log& log_;
};

class Rig {
 public:
  explicit Rig(Store& store, std::int64_t cpus = 4);
  /// The engine of before stops, if there is one, and another takes over.
  Status open();
  void crash() { engine_.reset(); }
  /// For the engines that come: a store that failed is of no use any more.
  void use(Store& store) { store_.use(store); }
  LoggingStore& store() { return store_; }

  Engine& engine() { return *engine_; }
  Status step() { return engine_->step(); }
  /// Rounds until there is nothing to do now.
  Status settle();
  /// Settles and ends attempts well until nothing runs; time passes as far as timers need it.
  Status run_all();
  /// Posts and steps.
  Result<Receipt> ask(core::Event event);
  RunId submit(std::string_view yaml, std::string key = {});
  core::RunState ended(RunId run) const;  ///< queued: it has not
  /// Sends the answer of a request into the log.
  Completion logged(std::string what);

  Log log;
  FakeClock clock;
  CountingRandom random;
  FakeExecutor executor{log};
  LoggingObserver observer{log};
  Options options;
  ArtifactStore* artifacts = nullptr;
  Secrets* secrets = nullptr;

 private:
  LoggingStore store_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace reeve::engine::test
