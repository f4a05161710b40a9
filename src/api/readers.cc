#include "api/readers.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace reeve::api {

struct Readers::Parts {
  void work(engine::History& history);

  std::size_t waiting_max = 0;
  std::mutex mutex;  // guards jobs and stopping
  std::condition_variable came;
  std::deque<Job> jobs;
  bool stopping = false;
  std::vector<std::unique_ptr<engine::History>> histories;
  std::vector<std::thread> threads;
};

void Readers::Parts::work(engine::History& history) {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex);
      came.wait(lock, [&] { return stopping || !jobs.empty(); });
      if (stopping) return;
      job = std::move(jobs.front());
      jobs.pop_front();
    }
    job(history);
  }
}

Readers::Readers(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Readers>> Readers::start(const Open& open, std::size_t threads,
                                                std::size_t waiting_max) {
  auto parts = std::make_unique<Parts>();
  parts->waiting_max = waiting_max;
  for (std::size_t i = 0; i < threads; ++i) {
    TRY_ASSIGN(auto history, open());
    parts->histories.push_back(std::move(history));
  }
  Parts& borrowed = *parts;
  for (const auto& history : parts->histories)
    parts->threads.emplace_back([&borrowed, &own = *history] { borrowed.work(own); });
  return std::unique_ptr<Readers>(new Readers(std::move(parts)));
}

Readers::~Readers() {
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->stopping = true;
  }
  parts_->came.notify_all();
  for (std::thread& thread : parts_->threads) thread.join();
}

bool Readers::read(Job job) {
  {
    const std::lock_guard lock(parts_->mutex);
    if (parts_->stopping || parts_->jobs.size() >= parts_->waiting_max) return false;
    parts_->jobs.push_back(std::move(job));
  }
  parts_->came.notify_one();
  return true;
}

}  // namespace reeve::api
