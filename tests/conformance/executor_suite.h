// What every executor must do, whatever its attempts are made of: tests over a bed that makes
// executors for one engine after another, at one place. A new executor adds a bed and one
// INSTANTIATE_TEST_SUITE_P line (local_executor_test.cc shows how).
//
// Threads: a bed and the tests have one; an executor may report from any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/ports/executor.h"

namespace reeve::tests {

/// What an attempt does, in the words of the bed.
enum class Deed : std::uint8_t {
  succeed,
  exit_with_3,
  run_on,            ///< silent, until it is ended; SIGTERM ends it
  ignore_terminate,  ///< runs on, and only SIGKILL ends it
  write_output,      ///< succeeds with the output answer=42
  fail_to_start,     ///< the machine cannot start it
};

/// All reports to one engine, in the order of their coming.
struct Seen {
  std::vector<Token> starts;
  std::map<Token, std::vector<Time>> started;
  std::map<Token, std::vector<AttemptEnd>> ended;
  std::map<Token, std::vector<Liveness>> liveness;
  std::vector<Progress> progress;
  std::vector<std::string> downs;
  int ups = 0;

  bool has_started(Token token) const { return started.contains(token); }
  bool has_ended(Token token) const { return ended.contains(token); }
};

/// The sink of one engine.
class Recorder final : public engine::ExecutorSink {
 public:
  using Condition = std::function<bool(const Seen&)>;

  void on_started(Token token, Time at) override;
  void on_progress(Progress progress) override;
  void on_ended(AttemptEnd end) override;
  void on_held(const AttemptHold& /*hold*/) override {}
  void on_liveness(Token token, Liveness liveness) override;
  void on_down(std::string why) override;
  void on_up() override;

  Seen seen() const;
  /// Until another thread has reported what makes `condition` true. False: it does not come.
  bool wait(const Condition& condition);

 private:
  template <class Change>
  void record(const Change& change);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Seen seen_;
};

/// A place where attempts live. Engines come and go; the place stays.
class ExecutorBed {
 public:
  virtual ~ExecutorBed() = default;
  /// For a new engine. To destroy it without detach() is that engine's death.
  virtual std::unique_ptr<engine::Executor> make_executor() = 0;
  /// Makes the attempt do that.
  virtual void shape(Launch& launch, Deed deed) = 0;
  /// Whether the attempt has come so far that it takes signals as its deed says.
  virtual bool is_ready(const Seen& seen, Token token) { return seen.has_started(token); }
  /// How many processes this token has had.
  virtual int times_run(Token token) = 0;
  /// Lets happen what leads to `condition`. False: it never will.
  virtual bool wait_until(Recorder& recorder, const Recorder::Condition& condition) {
    return recorder.wait(condition);
  }
};

using MakeExecutorBed = std::unique_ptr<ExecutorBed> (*)();

class ConformanceExecutor : public testing::TestWithParam<MakeExecutorBed> {
 protected:
  ConformanceExecutor() : bed_(GetParam()()) {}
  void SetUp() override { next_engine(); }

  /// The present engine dies, and another takes its place, with an empty record.
  void next_engine();
  /// An attempt that asks for `cpus` of the capacity.
  Launch launch(std::uint64_t token, Deed deed, int cpus = 1);
  /// Hands it over at once.
  void start(Launch launch);
  void start(std::uint64_t token, Deed deed, int cpus = 1) { start(launch(token, deed, cpus)); }
  void set_cpus(int cpus);
  void stop(std::uint64_t token, engine::StopMode mode, Duration grace);
  Liveness probe(std::uint64_t token);
  void forget(std::uint64_t token);

  bool wait(const Recorder::Condition& condition);
  AttemptEnd wait_for_end(std::uint64_t token);
  void wait_for_start(std::uint64_t token);
  void wait_until_ready(std::uint64_t token);
  /// Everything said before this has been acted upon when it returns.
  void pass_through();
  Seen seen() const { return recorder_->seen(); }

  std::unique_ptr<ExecutorBed> bed_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<engine::Executor> executor_;

 private:
  std::uint64_t next_unknown_ = 1'000'000;
};

}  // namespace reeve::tests
