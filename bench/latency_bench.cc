// From a submission to the first instruction of its task, on an engine that is up and idle: real
// store, engine, executor and supervisor. Prints one JSON object with quantiles in seconds.
//
// With --attacker writes another attempt writes as fast as it can meanwhile, without a newline;
// with
// --attacker silent it does the same, to /dev/null.
//
// With --python warm or cold the task is Python text that needs four modules, and what counts is
// its first line after their import.
//
//   latency_bench --directory DIR --supervisor REEVE --task FIRST_INSTRUCTION --count N
//                 [--sandbox native] [--attacker writes|silent] [--python warm|cold]
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "bench/engine_rig.h"
#include "bench/workloads.h"
#include "executors/local_executor.h"

namespace reeve::bench {
namespace {

constexpr int kIdleMilliseconds = 3;      // between two submissions, so that all have gone to sleep
constexpr int kWarmUpMilliseconds = 250;  // the same, where an interpreter is started ahead

std::int64_t monotonic_nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::vector<std::int64_t> read_numbers(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::int64_t> numbers;
  for (std::int64_t number = 0; file >> number;) numbers.push_back(number);
  return numbers;
}

double quantile(const std::vector<double>& sorted, double share) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

/// Ends once there is a file `stop`.
WorkflowRef attacker_workflow(const std::string& stop, bool is_silent) {
  const std::string loop = "while [ ! -e \"$0\" ]; do head -c 262144 /dev/zero; done";
  return command_workflow({"/bin/sh", "-c", loop + (is_silent ? " > /dev/null" : ""), stop});
}

/// What they import and where the clock is read.
WorkflowRef python_workflow(const std::string& readings, bool is_warm, SandboxRequest sandbox) {
  if (is_warm) sandbox.warm = {WarmKind::python, {"json", "re", "argparse", "sqlite3", "time"}, {}};
  const std::string text =
      "import json, re, argparse, sqlite3, time\n"
      "now = time.monotonic_ns()\n"
      "open('" +
      readings + "', 'a').write(f'{now}\\n')\n";
  return script_workflow("python3", text, std::move(sandbox));
}

/// The first submission starts the supervisor and does not count.
Result<std::vector<double>> measure(const std::map<std::string, std::string>& given) {
  const std::string directory = given.at("directory");
  // Beside the state directory, which a sandbox hides.
  const std::string work = directory + "/work";
  std::filesystem::create_directory(work);
  const std::string readings = work + "/readings";
  std::ofstream{readings};
  std::filesystem::permissions(readings, std::filesystem::perms::all);
  executors::LocalExecutor executor(
      {.state_directory = directory + "/state", .program = given.at("supervisor")});
  const bool is_enclosed = given.contains("sandbox");
  TRY_ASSIGN(const auto rig,
             EngineRig::open({.directory = directory,
                              .cpus = 2,
                              .tier = is_enclosed ? SandboxTier::native : SandboxTier::none},
                             executor));
  rig->start();
  SandboxRequest sandbox;
  sandbox.readable = {std::filesystem::path(given.at("task")).parent_path().string()};
  sandbox.writable = {work};
  const bool is_python = given.contains("python");
  Submissions submissions(is_python
                              ? python_workflow(readings, given.at("python") == "warm", sandbox)
                              : command_workflow({given.at("task"), readings}, sandbox),
                          1);
  const auto count = std::stoul(given.at("count"));
  const std::string stop = work + "/stop";
  const bool is_attacked = given.contains("attacker");
  const bool is_silent = is_attacked && given.at("attacker") == "silent";
  Submissions attack(attacker_workflow(stop, is_silent), 2);
  if (is_attacked) TRY(rig->submit(attack.next()));
  std::vector<std::int64_t> submitted;
  for (std::uint64_t i = 0; i <= count; ++i) {
    ::poll(nullptr, 0, is_python ? kWarmUpMilliseconds : kIdleMilliseconds);
    submitted.push_back(monotonic_nanoseconds());
    TRY(rig->submit(submissions.next()));
    if (!rig->wait_for_ends(i + 1)) return fail(ErrorCode::conflict, "a task failed");
  }
  std::ofstream{stop};
  if (is_attacked && !rig->wait_for_ends(count + 2))
    return fail(ErrorCode::conflict, "the attacker failed");
  TRY(rig->stop());
  executor.detach();
  const std::vector<std::int64_t> began = read_numbers(readings);
  if (began.size() != submitted.size()) return fail(ErrorCode::corrupt, "readings are missing");
  std::vector<double> took;
  for (std::size_t i = 1; i < began.size(); ++i) {
    took.push_back(static_cast<double>(began[i] - submitted[i]) / 1e9);
  }
  std::sort(took.begin(), took.end());
  return took;
}

int run(const std::map<std::string, std::string>& given) {
  for (const char* name : {"directory", "supervisor", "task", "count"}) {
    if (given.contains(name)) continue;
    std::fprintf(stderr, "latency_bench: --%s is missing\n", name);
    return 2;
  }
  const auto took = measure(given);
  if (!took) {
    std::fprintf(stderr, "latency_bench: %s\n", took.error().text().c_str());
    return 1;
  }
  std::printf("{\"p50\": %.6f, \"p99\": %.6f, \"worst\": %.6f}\n", quantile(*took, 0.50),
              quantile(*took, 0.99), took->back());
  return 0;
}

}  // namespace
}  // namespace reeve::bench

int main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[std::string(argv[i]).substr(2)] = argv[i + 1];
  return reeve::bench::run(given);
}
