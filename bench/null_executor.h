// An executor that starts no process: what it is told to start ends at once, well. A thread of its
// own reports to the sink, as that of a real executor does. With Ending::never it takes attempts
// and says nothing of them, so that tasks stay queued.
//
// Thread rule: the Executor calls from the engine thread, as the port says.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/ports/executor.h"

namespace reeve::bench {

class NullExecutor final : public engine::Executor {
 public:
  enum class Ending { at_once, never };
  explicit NullExecutor(Ending ending) : ending_(ending) {}
  ~NullExecutor() override;
  NullExecutor(const NullExecutor&) = delete;
  NullExecutor& operator=(const NullExecutor&) = delete;

  Status attach(engine::ExecutorSink& sink) override;
  void set_capacity(const Resources& capacity) override;
  void start(Launch launch) override;
  void stop(Token token, engine::StopMode mode, Duration grace) override;
  void probe(Token token) override;
  void forget(Token token) override;
  void enter(const EnterOrder& /*order*/) override {}
  void flush() override;
  void detach() override;

 private:
  void report();

  const Ending ending_;
  engine::ExecutorSink* sink_ = nullptr;
  std::vector<Token> buffered_;  // engine thread only
  std::thread reporter_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<Token> flushed_;
  bool closed_ = false;
};

}  // namespace reeve::bench
