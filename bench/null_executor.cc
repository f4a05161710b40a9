#include "bench/null_executor.h"

#include <chrono>
#include <utility>

namespace reeve::bench {

namespace {

Time now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

}  // namespace

NullExecutor::~NullExecutor() { detach(); }

Status NullExecutor::attach(engine::ExecutorSink& sink) {
  sink_ = &sink;
  reporter_ = std::thread([this] { report(); });
  return {};
}

void NullExecutor::set_capacity(const Resources& /*capacity*/) {}

void NullExecutor::start(Launch launch) { buffered_.push_back(launch.token); }

void NullExecutor::stop(Token /*token*/, engine::StopMode /*mode*/, Duration /*grace*/) {}

void NullExecutor::probe(Token token) { sink_->on_liveness(token, Liveness::waiting); }

void NullExecutor::forget(Token /*token*/) {}

void NullExecutor::flush() {
  if (buffered_.empty() || ending_ == Ending::never) return;
  {
    const std::lock_guard lock(mutex_);
    flushed_.insert(flushed_.end(), buffered_.begin(), buffered_.end());
  }
  buffered_.clear();
  changed_.notify_one();
}

void NullExecutor::detach() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_one();
  if (reporter_.joinable()) reporter_.join();
}

void NullExecutor::report() {
  sink_->on_up();
  std::vector<Token> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !flushed_.empty(); });
      if (closed_) return;
      batch.swap(flushed_);
    }
    const Time at = now();
    for (const Token token : batch) {
      sink_->on_started(token, at);
      AttemptEnd end;
      end.token = token;
      end.outcome.kind = OutcomeClass::exited;
      end.started_at = at;
      end.ended_at = at;
      sink_->on_ended(std::move(end));
    }
    batch.clear();
  }
}

}  // namespace reeve::bench
