#include "api/readers.h"

#include <thread>
#include <vector>

#include "api/job_queue.h"

namespace reeve::api {

struct Readers::Parts {
  explicit Parts(std::size_t waiting_max) : jobs(waiting_max) {}

  JobQueue<Job> jobs;
  std::vector<std::unique_ptr<engine::History>> histories;
  std::vector<std::thread> threads;
};

Readers::Readers(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Readers>> Readers::start(const Open& open, std::size_t threads,
                                                std::size_t waiting_max) {
  auto parts = std::make_unique<Parts>(waiting_max);
  for (std::size_t i = 0; i < threads; ++i) {
    TRY_ASSIGN(auto history, open());
    parts->histories.push_back(std::move(history));
  }
  for (const auto& history : parts->histories)
    parts->threads.emplace_back([&jobs = parts->jobs, &own = *history] {
      while (auto job = jobs.take()) (*job)(own);
    });
  return std::unique_ptr<Readers>(new Readers(std::move(parts)));
}

Readers::~Readers() {
  parts_->jobs.close();
  for (std::thread& thread : parts_->threads) thread.join();
}

bool Readers::read(Job job) { return parts_->jobs.put(job); }

}  // namespace reeve::api
