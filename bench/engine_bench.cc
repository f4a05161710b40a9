// The rows of the speed table that measure the engine without processes: the real core, engine and
// store, and an executor that starts nothing. Each command prints one JSON object.
//
//   engine_bench array   --store sqlite|memory --tasks N [--cpus N]
//   engine_bench graph   --store sqlite|memory --shape chain|layers --tasks N
//   engine_bench enqueue --store sqlite|memory --producers N --depth N --tasks N
//   engine_bench memory  --store sqlite|memory --shape array|runs --tasks N
//   engine_bench fill    --shape array|runs --tasks N      then waits to be killed
//   engine_bench reopen                                    after it was
// all with --directory DIR, an empty directory for the store (of `reopen`: the filled one).
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <latch>
#include <map>
#include <semaphore>
#include <string>
#include <vector>

#include "bench/engine_rig.h"
#include "bench/workloads.h"

namespace reeve::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Ending = NullExecutor::Ending;

double seconds_since(SteadyClock::time_point began) {
  return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

struct Arguments {
  std::string command;
  std::map<std::string, std::string> values;

  std::string text(const std::string& name, const std::string& fallback) const {
    const auto found = values.find(name);
    return found == values.end() ? fallback : found->second;
  }
  std::uint32_t number(const std::string& name, std::uint32_t fallback) const {
    const std::string given = text(name, "");
    std::uint32_t value = fallback;
    std::from_chars(given.data(), given.data() + given.size(), value);
    return value;
  }
  RigOptions rig() const {
    return {.store = text("store", "sqlite") == "memory" ? StoreKind::memory : StoreKind::sqlite,
            .directory = text("directory", "."),
            .cpus = number("cpus", 4096)};
  }
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  if (argc > 1) arguments.command = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    arguments.values[std::string(argv[i]).substr(2)] = argv[i + 1];
  }
  return arguments;
}

/// Submits one run, waits for its end, and tells how long that took.
Result<double> time_run(const Arguments& arguments, const WorkflowRef& workflow) {
  NullExecutor executor(Ending::at_once);
  TRY_ASSIGN(const auto rig, EngineRig::open(arguments.rig(), executor));
  rig->start();
  Submissions submissions(workflow, 1);
  const auto began = SteadyClock::now();
  TRY(rig->submit(submissions.next()));
  const bool well = rig->wait_for_ends(1);
  const double took = seconds_since(began);
  TRY(rig->stop());
  if (!well) return fail(ErrorCode::conflict, "the run did not succeed");
  return took;
}

Status print_run(const Arguments& arguments, const WorkflowRef& workflow, std::uint32_t tasks) {
  TRY_ASSIGN(const double took, time_run(arguments, workflow));
  std::printf("{\"tasks\": %u, \"seconds\": %.6f, \"tasks_per_second\": %.0f}\n", tasks, took,
              tasks / took);
  return {};
}

Status bench_array(const Arguments& arguments) {
  const std::uint32_t tasks = arguments.number("tasks", 1'000'000);
  return print_run(arguments, array_workflow(tasks), tasks);
}

Status bench_graph(const Arguments& arguments) {
  const std::uint32_t tasks = arguments.number("tasks", 100'000);
  if (arguments.text("shape", "chain") == "chain") {
    return print_run(arguments, chain_workflow(tasks), tasks);
  }
  const auto side = static_cast<std::uint32_t>(std::lround(std::sqrt(tasks)));
  return print_run(arguments, layered_workflow(side, side), side * side);
}

/// One producer: at most `depth` submissions of it are not yet durable.
void produce(EngineRig& rig, const WorkflowRef& workflow, std::uint64_t number, std::uint32_t count,
             std::uint32_t depth) {
  Submissions submissions(workflow, number);
  std::counting_semaphore<> room(depth);
  for (std::uint32_t i = 0; i < count; ++i) {
    room.acquire();
    rig.engine().submit(submissions.next_bare_command(),
                        [&room](const Result<engine::Receipt>&) { room.release(); });
  }
  for (std::uint32_t i = 0; i < depth; ++i) room.acquire();
}

Status bench_enqueue(const Arguments& arguments) {
  const std::uint32_t producers = arguments.number("producers", 64);
  const std::uint32_t each = arguments.number("tasks", 64'000) / producers;
  const std::uint32_t depth = arguments.number("depth", 1);
  NullExecutor executor(Ending::never);
  RigOptions options = arguments.rig();
  options.cpus = 1;
  TRY_ASSIGN(const auto rig, EngineRig::open(options, executor));
  rig->start();
  const WorkflowRef workflow = array_workflow(1);
  Submissions first(workflow, 0);
  TRY(rig->submit(
      first.next_bare_command()));  // the workflow itself is stored before the clock runs

  std::latch ready(producers + 1);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < producers; ++i) {
    threads.emplace_back([&, i] {
      ready.arrive_and_wait();
      produce(*rig, workflow, i + 1, each, depth);
    });
  }
  ready.arrive_and_wait();
  const auto began = SteadyClock::now();
  for (std::thread& thread : threads) thread.join();
  const double took = seconds_since(began);
  TRY(rig->stop());
  const std::uint32_t tasks = each * producers;
  std::printf("{\"tasks\": %u, \"seconds\": %.6f, \"tasks_per_second\": %.0f}\n", tasks, took,
              tasks / took);
  return {};
}

/// Queues `tasks` tasks that do not run: one array, or as many runs.
Status fill(EngineRig& rig, const std::string& shape, std::uint32_t tasks) {
  if (shape == "array") {
    Submissions submissions(array_workflow(tasks), 1);
    TRY(rig.submit(submissions.next()));
    return {};
  }
  produce(rig, array_workflow(1), 1, tasks, 4096);
  return {};
}

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

Status bench_memory(const Arguments& arguments) {
  const std::string shape = arguments.text("shape", "array");
  const std::uint32_t tasks = arguments.number("tasks", 1'000'000);
  NullExecutor executor(Ending::never);
  RigOptions options = arguments.rig();
  options.cpus = 1;
  TRY_ASSIGN(const auto rig, EngineRig::open(options, executor));
  rig->start();
  // The cache of SQLite (16 MB) and the buffers of a round are full before the first reading.
  TRY(fill(*rig, "runs", 100'000));
  const std::int64_t before = resident_bytes();
  TRY(fill(*rig, shape, tasks));
  const std::int64_t grown = resident_bytes() - before;
  TRY(rig->stop());
  Submissions sample(array_workflow(1), 1);
  const std::size_t payload = shape == "array" ? 0 : sample.next_bare_command().inputs.size();
  std::printf(
      "{\"tasks\": %u, \"bytes_per_task\": %.1f, \"payload_bytes\": %zu, \"resident_bytes\": "
      "%ld}\n",
      tasks, static_cast<double>(grown) / tasks, payload, resident_bytes());
  return {};
}

Status fill_and_wait(const Arguments& arguments) {
  NullExecutor executor(Ending::never);
  RigOptions options = arguments.rig();
  options.cpus = 1;
  TRY_ASSIGN(const auto rig, EngineRig::open(options, executor));
  rig->start();
  TRY(fill(*rig, arguments.text("shape", "array"), arguments.number("tasks", 1'000'000)));
  std::puts("{\"filled\": true}");
  std::fflush(stdout);
  for (;;) ::pause();
}

/// Ready means: it has taken a new run and made it durable.
Status reopen(const Arguments& arguments) {
  NullExecutor executor(Ending::never);
  RigOptions options = arguments.rig();
  options.cpus = 1;
  TRY_ASSIGN(const auto rig, EngineRig::open(options, executor));
  rig->start();
  Submissions submissions(array_workflow(1), 2);
  TRY(rig->submit(submissions.next_bare_command()));
  std::puts("{\"ready\": true}");
  std::fflush(stdout);
  return rig->stop();
}

int run(const Arguments& arguments) {
  static const std::map<std::string, Status (*)(const Arguments&)> kCommands = {
      {"array", bench_array},   {"graph", bench_graph},  {"enqueue", bench_enqueue},
      {"memory", bench_memory}, {"fill", fill_and_wait}, {"reopen", reopen}};
  const auto command = kCommands.find(arguments.command);
  if (command == kCommands.end()) {
    std::fputs("engine_bench: array, graph, enqueue, memory, fill or reopen\n", stderr);
    return 2;
  }
  const Status status = command->second(arguments);
  if (!status) std::fprintf(stderr, "engine_bench: %s\n", status.error().text().c_str());
  return status ? 0 : 1;
}

}  // namespace
}  // namespace reeve::bench

int main(int argc, char** argv) { return reeve::bench::run(reeve::bench::parse(argc, argv)); }
