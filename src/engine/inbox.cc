#include "engine/inbox.h"

#include <chrono>

namespace reeve::engine {

Inbox::Inbox(std::size_t capacity) : capacity_(capacity) {}

bool Inbox::try_push(Envelope& envelope) {
  std::unique_lock lock(mutex_);
  if (closed_ || items_.size() - head_ >= capacity_) return false;
  items_.push_back(std::move(envelope));
  const bool notify = consumer_waits_;
  consumer_waits_ = false;
  lock.unlock();
  if (notify) filled_.notify_one();
  return true;
}

bool Inbox::push(Envelope& envelope) {
  std::unique_lock lock(mutex_);
  ++waiting_producers_;
  room_.wait(lock, [&] { return closed_ || items_.size() - head_ < capacity_; });
  --waiting_producers_;
  if (closed_) return false;
  items_.push_back(std::move(envelope));
  const bool notify = consumer_waits_;
  consumer_waits_ = false;
  lock.unlock();
  if (notify) filled_.notify_one();
  return true;
}

void Inbox::drain(std::vector<Envelope>& out, std::size_t max) {
  out.clear();
  const std::lock_guard lock(mutex_);
  if (head_ == 0 && items_.size() <= max) {
    out.swap(items_);
  } else {
    const std::size_t count = std::min(max, items_.size() - head_);
    const auto begin = items_.begin() + static_cast<std::ptrdiff_t>(head_);
    out.assign(std::make_move_iterator(begin),
               std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(count)));
    head_ += count;
    // What is drained goes once it is the larger part: a queue that is never empty does not grow,
    // and no envelope is moved more often than another one is drained.
    if (head_ >= items_.size() - head_) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  woken_ = false;
  if (waiting_producers_ > 0) room_.notify_all();
}

void Inbox::wait(std::optional<Duration> timeout) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return items_.size() > head_ || woken_ || closed_; };
  if (ready()) return;
  consumer_waits_ = true;
  if (timeout)
    filled_.wait_for(lock, *timeout, ready);
  else
    filled_.wait(lock, ready);
  consumer_waits_ = false;
}

void Inbox::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    consumer_waits_ = false;
  }
  filled_.notify_one();
}

void Inbox::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  filled_.notify_all();
}

bool Inbox::empty() const {
  const std::lock_guard lock(mutex_);
  return items_.size() == head_;
}

}  // namespace reeve::engine
