#include "engine/engine.h"

#include <algorithm>

#include "base/ensure.h"
#include "engine/dispatch.h"
#include "engine/parts.h"
#include "engine/replay.h"

namespace reeve::engine {
namespace {

/// Turns an executor's reports into events of its pool.
class PoolSink final : public ExecutorSink {
 public:
  PoolSink(Inbox& inbox, SampleBoard& samples, PoolId pool)
      : inbox_(inbox),
        samples_(samples),
        pool_(pool) {}

  void on_started(Token token, Time at) override { post(core::AttemptStarted{token, at}); }
  void on_progress(Progress progress) override {
    post(core::AttemptProgressed{std::move(progress)});
  }
  void on_ended(AttemptEnd end) override { post(core::AttemptEnded{std::move(end), 0}); }
  void on_held(const AttemptHold& hold) override { post(core::AttemptHeld{hold}); }
  void on_liveness(Token token, Liveness liveness) override {
    post(core::AttemptSeen{token, liveness, 0});
  }
  void on_samples(std::vector<AttemptSample> samples) override {
    samples_.put(pool_, std::move(samples));
  }
  void on_load(const MachineLoad& load) override {
    if (load == load_) return;
    load_ = load;
    post(core::LoadObserved{pool_, load});
  }
  void on_down(std::string why) override {
    samples_.put(pool_, {});
    post(core::ExecutorChanged{pool_, false, std::move(why)});
  }
  void on_up() override { post(core::ExecutorChanged{pool_, true, {}}); }

 private:
  void post(core::Event event) {
    Envelope envelope{std::move(event), nullptr};
    inbox_.push(envelope);  // false: the engine is closing and will ask again when it is back
  }

  Inbox& inbox_;
  SampleBoard& samples_;
  PoolId pool_;
  MachineLoad load_;  ///< that the engine was told of
};

}  // namespace

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Engine>> Engine::open(Ports ports, Options options) {
  TRY_ASSIGN(core::Snapshot snapshot, ports.store.load());
  auto parts = std::make_unique<Parts>(ports, options);
  parts->last_now = snapshot.last_now;
  if (snapshot.last_now != kUnset)
    parts->clock_bias = std::max(snapshot.last_now - ports.clock.now(), Duration{0});
  parts->last_step = snapshot.last_step;
  parts->last_chain = snapshot.last_chain;
  TRY(parts->core.load(std::move(snapshot)));
  for (std::uint32_t i = 0; i < options.pools.size(); ++i)
    parts->own_events.push_back(core::CapacitySet{PoolId{i}, options.pools[i].capacity});
  parts->own_events.push_back(core::EngineStarted{options.resume_all, options.resume,
                                                  options.engine_name, options.sandbox});
  if (options.policy) parts->own_events.push_back(*options.policy);
  std::unique_ptr<Engine> engine(new Engine(std::move(parts)));
  for (std::uint32_t i = 0; i < ports.executors.size(); ++i) {
    Parts& made = *engine->parts_;
    made.sinks.push_back(std::make_unique<PoolSink>(made.inbox, made.samples, PoolId{i}));
    TRY(ports.executors[i]->attach(*engine->parts_->sinks.back()));
  }
  return engine;
}

Engine::~Engine() {
  parts_->inbox.close();
  for (Executor* executor : parts_->ports.executors) executor->detach();
  std::vector<Envelope> left;
  while (!parts_->inbox.empty()) {
    parts_->inbox.drain(left, parts_->options.inbox_events_max);
    for (Envelope& envelope : left) {
      if (envelope.done)
        envelope.done(fail(ErrorCode::unavailable, "the engine stopped before this was durable"));
    }
  }
}

bool Engine::post(core::Event event, Completion done) {
  Envelope envelope{std::move(event), std::move(done)};
  return parts_->inbox.try_push(envelope);
}

bool Engine::post(core::Event event, Check check, Completion done) {
  Envelope envelope{std::move(event), std::move(done), std::move(check)};
  return parts_->inbox.try_push(envelope);
}

bool Engine::look(Completion look) {
  Envelope envelope{core::Tick{}, std::move(look), nullptr, true};
  return parts_->inbox.try_push(envelope);
}

void Engine::submit(core::Event event, Completion done) {
  Envelope envelope{std::move(event), std::move(done)};
  if (!parts_->inbox.push(envelope) && envelope.done)
    envelope.done(fail(ErrorCode::unavailable, "the engine has stopped"));
}

Status Engine::step() { return run_round(*parts_); }

bool Engine::has_work() const {
  if (!parts_->own_events.empty() || parts_->core.plan_again() || !parts_->inbox.empty())
    return true;
  const std::optional<Time> wake = next_wake();
  return wake && *wake <= engine_now(*parts_);
}

std::optional<Time> Engine::next_wake() const { return parts_->core.next_wake(); }

Status Engine::run() {
  while (!parts_->stopping) {
    TRY(step());
    if (parts_->stopping || has_work()) continue;
    std::optional<Duration> timeout;
    if (const std::optional<Time> wake = next_wake())
      timeout = std::max(*wake - engine_now(*parts_), Duration{0});
    parts_->inbox.wait(timeout);
  }
  // Nobody drains it now: who waits for room would wait for ever, and be waited for by whoever
  // takes the adapters apart.
  parts_->inbox.close();
  return {};
}

void Engine::stop() {
  parts_->stopping = true;
  parts_->inbox.wake();
}

void Engine::add_observer(Observer& observer) { parts_->observers.push_back(&observer); }

const core::State& Engine::state() const { return parts_->core.state(); }

std::vector<AttemptSample> Engine::samples() const { return parts_->samples.all(); }

const Engine::Counters& Engine::counters() const { return parts_->counters; }

}  // namespace reeve::engine
