// Sixteen users share 64 processors by the planner, in virtual time. Fifteen hand in work at random
// (Poisson arrivals, exponential lengths) that fills LOAD of the machine; the sixteenth, where it
// is there, always has 10,000 tasks waiting, of a thousand kinds. Prints as JSON how long the
// fifteen wait, with it and without it, over the same arrivals.
//   fair_bench LOAD SEED
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/generator.h"
#include "schedule/pass.h"
#include "schedule/planner.h"

namespace reeve::bench {
namespace {

using schedule::ClassId;
using schedule::HolderId;

constexpr int kUsers = 15;
constexpr int kProcessors = 64;
constexpr double kMeanSeconds = 10;
constexpr int kTasks = 12'000;
constexpr std::uint64_t kFlood = 10'000;
constexpr Time kStart{std::chrono::hours{24 * 365 * 55}};

Duration seconds(double value) { return Duration{static_cast<std::int64_t>(value * 1e6)}; }

double exponential(Generator& random, double mean) {
  const double uniform = (static_cast<double>(random.below(1U << 30)) + 1) / (1U << 30);
  return -mean * std::log(uniform);
}

struct Arrival {
  Time at;
  int user;
  Duration length;
};

std::vector<Arrival> arrivals(double load, std::uint64_t seed) {
  Generator random(seed);
  const double gap = kMeanSeconds / (load * kProcessors);
  std::vector<Arrival> out;
  Time now = kStart;
  for (int i = 0; i < kTasks; ++i) {
    now += seconds(exponential(random, gap));
    out.push_back(
        {now, static_cast<int>(random.below(kUsers)), seconds(exponential(random, kMeanSeconds))});
  }
  return out;
}

class Machine {
 public:
  Machine() {
    planner_.add_node({.name = "n",
                       .capacity = {.cpu_millicores = kProcessors * 1000, .countables = {}},
                       .labels = {}});
    demand_ = planner_.nodes.intern({.variants = {{.cpu_millicores = 1000, .countables = {}}},
                                     .rules = {},
                                     .tags = {},
                                     .assets = {}});
  }

  /// The waits of the fifteen, in seconds.
  std::vector<double> run(const std::vector<Arrival>& given, bool flooded, std::uint64_t seed) {
    Generator random(seed + 1);
    std::vector<double> waits;
    std::size_t next = 0;
    while (waits.size() < given.size()) {
      if (flooded) flood(random);
      start_all(given, random, waits);
      const Time arrival = next < given.size() ? given[next].at : kNever;
      const Time end = ends_.empty() ? kNever : ends_.begin()->first;
      now_ = std::min(arrival, end);
      while (next < given.size() && given[next].at == now_) push(given[next].user, next), ++next;
      while (!ends_.empty() && ends_.begin()->first == now_) {
        planner_.end(ends_.begin()->second, now_);
        ends_.erase(ends_.begin());
      }
    }
    return waits;
  }

 private:
  static constexpr std::uint32_t kFloodRun = 1'000'000'000;
  ClassId class_of(const std::string& user, std::int32_t kind) {
    return planner_.waiting.intern(
        {.leaf = planner_.shares.leaf("default", user),
         .demand = demand_,
         .circuit = planner_.gates.circuits.intern(fmt::format("{}/{}", user, kind))});
  }
  void push(int user, std::size_t index) {
    planner_.waiting.push(class_of(fmt::format("u{}", user), 0),
                          {{RunId{static_cast<std::uint32_t>(index)}, 0}, 1}, now_);
  }
  void flood(Generator& random) {
    const auto leaf = planner_.shares.leaf("default", "flood");
    while (planner_.waiting.waiting_of(leaf) < kFlood)
      planner_.waiting.push(class_of("flood", static_cast<std::int32_t>(random.below(1000))),
                            {{RunId{kFloodRun}, 0}, 1}, now_);
  }
  void start_all(const std::vector<Arrival>& given, Generator& random, std::vector<double>& waits) {
    schedule::Pass pass(planner_, now_);
    while (const auto task = pass.next()) {
      if (pass.place() == nullptr) continue;
      const HolderId holder = pass.accept(Token{++tokens_});
      Duration length = seconds(exponential(random, kMeanSeconds));
      if (task->run.value != kFloodRun) {
        const Arrival& one = given[task->run.value];
        waits.push_back(std::chrono::duration<double>(now_ - one.at).count());
        length = one.length;
      }
      ends_.emplace(now_ + length, holder);
    }
  }

  schedule::Planner planner_;
  schedule::DemandId demand_;
  std::multimap<Time, HolderId> ends_;
  Time now_ = kStart;
  std::uint64_t tokens_ = 0;
};

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

int run(double load, std::uint64_t seed) {
  const std::vector<Arrival> given = arrivals(load, seed);
  const std::vector<double> alone = Machine().run(given, false, seed);
  const std::vector<double> flooded = Machine().run(given, true, seed);
  fmt::print(
      "{{\"load\": {}, \"alone_p50\": {:.3f}, \"alone_p99\": {:.3f}, \"flooded_p50\": {:.3f}, "
      "\"flooded_p99\": {:.3f}, \"ratio_p99\": {:.3f}}}\n",
      load, quantile(alone, 0.5), quantile(alone, 0.99), quantile(flooded, 0.5),
      quantile(flooded, 0.99), quantile(flooded, 0.99) / quantile(alone, 0.99));
  return 0;
}

}  // namespace
}  // namespace reeve::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: fair_bench LOAD SEED\n", stderr);
    return 2;
  }
  return reeve::bench::run(std::strtod(argv[1], nullptr), std::strtoull(argv[2], nullptr, 10));
}
