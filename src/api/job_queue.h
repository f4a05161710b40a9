// Work that threads of our own take one after the other: what may wait (a file, another host) must
// not hold up a server's thread. Any thread may call anything.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace reeve::api {

template <typename Job>
class JobQueue {
 public:
  explicit JobQueue(std::size_t waiting_max = SIZE_MAX) : waiting_max_(waiting_max) {}

  /// False, and the job stays as it is: too many wait, or the queue is closed.
  bool put(Job& job) {
    {
      const std::lock_guard lock(mutex_);
      if (is_closed_ || jobs_.size() >= waiting_max_) return false;
      jobs_.push_back(std::move(job));
    }
    came_.notify_one();
    return true;
  }
  /// Waits for the next one. Nothing: it is closed.
  std::optional<Job> take() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return is_closed_ || !jobs_.empty(); });
    if (is_closed_) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }
  /// For good. Jobs that nobody has taken are dropped with the queue.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    came_.notify_all();
  }

 private:
  const std::size_t waiting_max_;
  std::mutex mutex_;  // guards the two below
  std::deque<Job> jobs_;
  bool is_closed_ = false;
  std::condition_variable came_;
};

}  // namespace reeve::api
