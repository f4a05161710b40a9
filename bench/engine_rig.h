// A whole engine for measuring: real core, engine and store, an executor of the caller's, a thread
// that runs it. Owns all of these; stop() or the destructor ends them in the right order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "bench/null_executor.h"
#include "engine/engine.h"
#include "store/memory/memory_store.h"

namespace reeve::bench {

enum class StoreKind { memory, sqlite };

/// The wall clock, held so that it never runs backwards.
class BenchClock final : public engine::Clock {
 public:
  Time now() override;

 private:
  Time latest_ = kUnset;
};

/// Fast and repeatable: splitmix64.
class BenchRandom final : public engine::Random {
 public:
  std::uint64_t bits() override;

 private:
  std::uint64_t state_ = 0x5eed;
};

struct RigOptions {
  StoreKind store = StoreKind::sqlite;
  std::string directory;  ///< of the SQLite file
  std::int64_t cpus = 4096;
  SandboxTier tier = SandboxTier::none;  ///< of all tasks
};

class EngineRig final : public engine::Observer {
 public:
  static Result<std::unique_ptr<EngineRig>> open(const RigOptions& options,
                                                 engine::Executor& executor);
  ~EngineRig() override;
  EngineRig(const EngineRig&) = delete;
  EngineRig& operator=(const EngineRig&) = delete;

  void start();  ///< the thread
  engine::Engine& engine() { return *engine_; }
  /// Waits until the event is durable. From any thread but the engine's.
  Result<engine::Receipt> submit(core::Event event);
  /// Waits until `runs` runs in all have ended well. False: one ended otherwise.
  bool wait_for_ends(std::uint64_t runs);
  Status stop();

  void on_committed(const engine::Committed& committed) override;

 private:
  EngineRig() = default;

  BenchClock clock_;
  BenchRandom random_;
  store::memory::MemoryDisk disk_{{.keep_events = false, .keep_attempts = false}};
  std::unique_ptr<engine::Store> store_;
  std::unique_ptr<engine::Engine> engine_;
  std::thread thread_;
  Status ended_;  // of the thread; read after it is joined

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::uint64_t succeeded_ = 0;
  std::uint64_t other_ = 0;
  bool finished_ = false;
};

}  // namespace reeve::bench
