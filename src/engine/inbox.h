// The bounded queue into the engine: many producers, one consumer. Full means back-pressure, never
// growth. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "core/event.h"
#include "core/state.h"

namespace reeve::engine {

/// What a client learns once its request is durable.
struct Receipt {
  RunId run;             ///< of a submission
  bool existed = false;  ///< the idempotency key was known: `run` is the earlier one
};
using Completion = std::function<void(Result<Receipt>)>;
/// Looked at just before the event is obeyed; a failure refuses it.
using Check = std::function<Status(const core::State&)>;

struct Envelope {
  core::Event event;
  Completion done;
  Check check = nullptr;
  bool is_look = false;  ///< there is no event: only `done` is called, after the round
};

class Inbox {
 public:
  explicit Inbox(std::size_t capacity);

  /// False when it is full or closed; `envelope` is then untouched.
  bool try_push(Envelope& envelope);
  /// Waits for room. False when it is closed.
  bool push(Envelope& envelope);
  /// Moves at most `max` envelopes into `out` (cleared first). Consumer only.
  void drain(std::vector<Envelope>& out, std::size_t max);
  /// Consumer only: returns when there is something, after `timeout`, or after wake().
  void wait(std::optional<Duration> timeout);
  void wake();
  /// No more pushes; blocked producers return.
  void close();
  bool empty() const;

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable room_;
  std::condition_variable filled_;
  std::vector<Envelope> items_;
  std::size_t head_ = 0;  // items_[0, head_) are drained already
  std::size_t waiting_producers_ = 0;
  bool consumer_waits_ = false;
  bool woken_ = false;
  bool closed_ = false;
};

}  // namespace reeve::engine
