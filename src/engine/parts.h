// What an Engine is made of. Internal to engine/; owned by the engine's thread but for the inbox
// and the stop flag.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"

namespace reeve::engine {

/// The newest samples of each pool. Thread-safe.
class SampleBoard {
 public:
  void put(PoolId pool, std::vector<AttemptSample> samples) {
    const std::lock_guard lock(mutex_);
    by_pool_[pool] = std::move(samples);
  }
  std::vector<AttemptSample> all() const {
    std::vector<AttemptSample> all;
    const std::lock_guard lock(mutex_);
    for (const auto& [pool, samples] : by_pool_)
      all.insert(all.end(), samples.begin(), samples.end());
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::map<PoolId, std::vector<AttemptSample>> by_pool_;
};

/// An answer that is due once the round is durable.
struct Answer {
  Completion done;
  Result<Receipt> receipt;
};

struct Engine::Parts {
  Parts(const Ports& given, Options chosen)
      : ports(given),
        options(std::move(chosen)),
        inbox(options.inbox_events_max),
        core(options.pools) {}

  Ports ports;
  Options options;
  Inbox inbox;
  std::atomic<bool> stopping{false};
  SampleBoard samples;

  core::Core core;
  std::vector<core::Event> own_events;  ///< from dispatching: never refused for lack of room
  std::vector<std::unique_ptr<ExecutorSink>> sinks;
  std::vector<Observer*> observers;
  Time last_now = kUnset;
  /// Added to the clock: what it was behind the store's last step when the engine opened, so that
  /// timers go on although the wall clock was set back between two engines.
  Duration clock_bias{0};
  std::uint64_t last_step = 0;
  Digest last_chain;
  bool failed = false;  ///< a commit failed: nothing is written any more
  Counters counters;

  // Of the present round; kept to reuse their memory.
  std::vector<Envelope> envelopes;
  std::vector<Answer> answers;
  std::string journal;  ///< encoded events that were obeyed
  std::uint64_t journal_events = 0;
  /// Runs by those idempotency keys of the round that are known: from the store, or not durable
  /// yet.
  std::unordered_map<std::string, RunId> round_keys;  // lookup only
  std::optional<Error> keys_failure;                  ///< why the store could not tell
  std::vector<const core::RunRecord*> run_rows;
  std::vector<TaskRow> task_rows;
  std::vector<const core::EstimateRecord*> estimate_rows;
  std::vector<schedule::UsageRecord> usage_rows;
};

/// The engine's time: never before that of the last step, whoever took it.
Time engine_now(const Engine::Parts& parts);
/// One round of DESIGN §2.
Status run_round(Engine::Parts& parts);

}  // namespace reeve::engine
