// What the supervisor costs: N times /bin/true through LocalExecutor, with no engine and no store,
// beside a bare posix_spawn(3) loop, both K at a time. Prints rates and their ratio: the median of
// pairs that ran one after the other, so that a machine that slows down slows both.
//
//   spawn_bench SUPERVISOR_PROGRAM [count=5000] [at a time=2] [rounds=5] [bare|supervised|enclosed]
//
// With the last argument only that half runs, for a profiler; `enclosed` starts each in a sandbox
// and prints the seconds that all took.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "executors/local_executor.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kProgram = "/bin/true";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double bare_rate(int count, int at_a_time) {
  const Clock::time_point start = Clock::now();
  int running = 0;
  int started = 0;
  while (started < count || running > 0) {
    if (started < count && running < at_a_time) {
      char name[] = "true";
      char* argv[] = {name, nullptr};
      pid_t pid = 0;
      if (posix_spawn(&pid, kProgram, nullptr, nullptr, argv, environ) != 0) std::abort();
      ++started;
      ++running;
      continue;
    }
    if (waitpid(-1, nullptr, 0) > 0) --running;
  }
  return count / seconds_since(start);
}

class Counter final : public reeve::engine::ExecutorSink {
 public:
  void on_started(reeve::Token, reeve::Time) override {}
  void on_progress(reeve::Progress) override {}
  void on_held(const reeve::AttemptHold& /*hold*/) override {}
  void on_ended(reeve::AttemptEnd end) override {
    const std::lock_guard lock(mutex_);
    if (!end.outcome.is_success()) ++failed_;
    ended_.push_back(end.token);
    changed_.notify_one();
  }
  void on_liveness(reeve::Token, reeve::Liveness) override {}
  void on_down(std::string why) override { std::fprintf(stderr, "down: %s\n", why.c_str()); }
  void on_up() override {}

  /// Waits for ends and gives those that came.
  std::vector<reeve::Token> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ended_.empty(); });
    return std::exchange(ended_, {});
  }
  int failed() const { return failed_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<reeve::Token> ended_;
  int failed_ = 0;
};

struct Rate {
  double per_second = 0;
  int failed = 0;
};

Rate executor_rate(const std::string& program, int count, int at_a_time, reeve::SandboxTier tier) {
  char directory[] = "/tmp/spawn_bench_XXXXXX";
  if (mkdtemp(directory) == nullptr) std::abort();
  reeve::executors::LocalExecutor::Options options;
  options.state_directory = directory;
  options.program = program;
  options.arguments = {};
  Counter counter;
  Rate rate;
  {
    reeve::executors::LocalExecutor executor(options);
    if (const auto attached = executor.attach(counter); !attached) {
      std::fprintf(stderr, "%s\n", attached.error().text().c_str());
      std::exit(1);
    }
    reeve::Resources capacity;
    capacity.cpu_millicores = at_a_time * 1000;
    executor.set_capacity(capacity);
    // As much is handed over ahead as an engine would: ends come in batches, starts never wait.
    const int ahead = 64 + at_a_time;
    const Clock::time_point start = Clock::now();
    int started = 0;
    int ended = 0;
    while (ended < count) {
      for (; started < count && started - ended < ahead; ++started) {
        reeve::Launch launch;
        launch.sandbox.tier = tier;
        launch.token = reeve::Token{static_cast<std::uint64_t>(started) + 1};
        launch.task.index = static_cast<std::uint32_t>(started);
        launch.attempt = 1;
        launch.run = reeve::Uuid::from_parts(1, 2, 3);
        launch.arguments = {kProgram};
        launch.work_directory = "/";
        launch.resources.cpu_millicores = 1000;
        launch.output_bytes_max = 1 << 20;
        executor.start(std::move(launch));
      }
      executor.flush();
      for (const reeve::Token token : counter.take()) {
        executor.forget(token);
        ++ended;
      }
    }
    rate.per_second = count / seconds_since(start);
    executor.detach();
  }
  rate.failed = counter.failed();
  const std::string clean = std::string("rm -rf ") + directory;
  if (std::system(clean.c_str()) != 0) std::fprintf(stderr, "left behind: %s\n", directory);
  return rate;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: spawn_bench SUPERVISOR_PROGRAM [count] [at a time] [rounds]\n");
    return 2;
  }
  const int count = argc > 2 ? std::atoi(argv[2]) : 5000;
  const int at_a_time = argc > 3 ? std::atoi(argv[3]) : 2;
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  std::vector<double> bare;
  std::vector<double> supervised;
  std::vector<double> ratio;
  int failed = 0;
  const std::string only = argc > 5 ? argv[5] : "";
  if (only == "bare") return bare_rate(count, at_a_time) > 0 ? 0 : 1;
  if (only == "supervised")
    return executor_rate(argv[1], count, at_a_time, reeve::SandboxTier::none).failed;
  if (only == "enclosed") {
    const Rate rate = executor_rate(argv[1], count, at_a_time, reeve::SandboxTier::native);
    std::printf("%.6f\n", count / rate.per_second);
    return rate.failed;
  }
  for (int round = 0; round < rounds; ++round) {
    bare.push_back(bare_rate(count, at_a_time));
    const Rate rate = executor_rate(argv[1], count, at_a_time, reeve::SandboxTier::none);
    supervised.push_back(rate.per_second);
    failed += rate.failed;
    ratio.push_back(supervised.back() / bare.back());
  }
  std::printf(
      "%d x %s, %d at a time, median of %d: posix_spawn %.0f/s, supervisor %.0f/s, "
      "ratio %.2f; failed %d\n",
      count, kProgram, at_a_time, rounds, median(bare), median(supervised), median(ratio), failed);
  return failed == 0 ? 0 : 1;
}
