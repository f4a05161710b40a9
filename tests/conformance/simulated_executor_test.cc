// The simulated executor under the suite of all executors: by itself, and behind a channel that
// delivers everything in order.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/link.h"
#include "sim/sim_executor.h"
#include "tests/conformance/executor_suite.h"

namespace reeve::sim {
namespace {

using tests::Deed;

constexpr Duration kForEver = std::chrono::days{365};

Behaviour behave(const Launch& launch) {
  Behaviour behaviour;
  behaviour.start_delay = std::chrono::milliseconds{1};
  behaviour.run_time = std::chrono::milliseconds{10};
  behaviour.outcome.reason = {ReasonCode::completed, 0, 0};
  switch (static_cast<Deed>(std::stoi(launch.script))) {
    case Deed::succeed: break;
    case Deed::exit_with_3:
      behaviour.outcome = {OutcomeClass::exited, 3, {ReasonCode::exit_status, 0, 3}};
      break;
    case Deed::ignore_terminate: behaviour.dying_time = kForEver; [[fallthrough]];
    case Deed::run_on:
      behaviour.run_time = kForEver;
      behaviour.silence = kForEver;
      break;
    case Deed::write_output: behaviour.outputs = {{"answer", "42"}}; break;
    case Deed::fail_to_start: behaviour.starts = false; break;
  }
  return behaviour;
}

class Counts final : public ProcessWatcher {
 public:
  void on_process_started(PoolId, const Launch& launch) override { ++starts[launch.token]; }
  void on_process_ended(PoolId, const Launch&, const Outcome&) override {}
  void on_end_kept(PoolId, const AttemptEnd&) override {}
  void on_token_unknown(PoolId, Token) override {}
  void on_capacity(PoolId, const Resources&) override {}
  std::map<Token, int> starts;
};

/// One engine process and its link. The bed keeps it: what is under way outlives the process.
class Life final : public EngineProcess {
 public:
  Life(Basics& basics, SimExecutor& executor) : link(basics, {PoolId{}, executor}, *this) {}
  bool act() override { return alive; }
  bool is_alive() const override { return alive; }
  bool has_room() const override { return true; }
  void on_posted() override {}
  bool alive = true;
  Link link;
};

class LinkEnd final : public engine::Executor {
 public:
  explicit LinkEnd(Life& life) : life_(life) {}
  ~LinkEnd() override { life_.alive = false; }
  LinkEnd(const LinkEnd&) = delete;
  LinkEnd& operator=(const LinkEnd&) = delete;

  Status attach(engine::ExecutorSink& sink) override { return life_.link.attach(sink); }
  void set_capacity(const Resources& capacity) override { life_.link.set_capacity(capacity); }
  void start(Launch launch) override { life_.link.start(std::move(launch)); }
  void stop(Token token, engine::StopMode mode, Duration grace) override {
    life_.link.stop(token, mode, grace);
  }
  void probe(Token token) override { life_.link.probe(token); }
  void forget(Token token) override { life_.link.forget(token); }
  void enter(const EnterOrder& order) override { life_.link.enter(order); }
  void flush() override { life_.link.flush(); }
  void detach() override { life_.link.detach(); }

 private:
  Life& life_;
};

/// An engine beside the executor, in the same process.
class NearEnd final : public engine::Executor {
 public:
  explicit NearEnd(SimExecutor& executor) : executor_(executor) {}
  ~NearEnd() override { executor_.detach(); }
  NearEnd(const NearEnd&) = delete;
  NearEnd& operator=(const NearEnd&) = delete;

  Status attach(engine::ExecutorSink& sink) override { return executor_.attach(sink); }
  void set_capacity(const Resources& capacity) override { executor_.set_capacity(capacity); }
  void start(Launch launch) override { executor_.start(std::move(launch)); }
  void stop(Token token, engine::StopMode mode, Duration grace) override {
    executor_.stop(token, mode, grace);
  }
  void probe(Token token) override { executor_.probe(token); }
  void forget(Token token) override { executor_.forget(token); }
  void enter(const EnterOrder& order) override { executor_.enter(order); }
  void flush() override { executor_.flush(); }
  void detach() override { executor_.detach(); }

 private:
  SimExecutor& executor_;
};

class SimBed final : public tests::ExecutorBed {
 public:
  explicit SimBed(bool has_links) : has_links_(has_links) {}

  std::unique_ptr<engine::Executor> make_executor() override {
    if (!has_links_) return std::make_unique<NearEnd>(executor_);
    lives_.push_back(std::make_unique<Life>(basics_, executor_));
    return std::make_unique<LinkEnd>(*lives_.back());
  }
  void shape(Launch& launch, Deed deed) override {
    launch.script = std::to_string(static_cast<int>(deed));
  }
  int times_run(Token token) override { return counts_.starts[token]; }
  bool wait_until(tests::Recorder& recorder, const tests::Recorder::Condition& condition) override {
    while (!condition(recorder.seen())) {
      if (basics_.agenda.empty() || basics_.agenda.next() > kWorldBegin + kForEver / 2)
        return false;
      basics_.agenda.run_next();
    }
    return true;
  }

 private:
  const bool has_links_;
  Basics basics_{1};
  Counts counts_;
  SimExecutor executor_{{.pool = PoolId{},
                         .agenda = basics_.agenda,
                         .wall = basics_.wall,
                         .behaviour = behave,
                         .watcher = &counts_}};
  std::vector<std::unique_ptr<Life>> lives_;
};

}  // namespace
}  // namespace reeve::sim

namespace reeve::tests {

INSTANTIATE_TEST_SUITE_P(simulated, ConformanceExecutor,
                         testing::Values(+[]() -> std::unique_ptr<ExecutorBed> {
                           return std::make_unique<sim::SimBed>(false);
                         }));
INSTANTIATE_TEST_SUITE_P(simulated_far, ConformanceExecutor,
                         testing::Values(+[]() -> std::unique_ptr<ExecutorBed> {
                           return std::make_unique<sim::SimBed>(true);
                         }));

}  // namespace reeve::tests
