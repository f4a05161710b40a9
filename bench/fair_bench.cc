// Sixteen users share 64 processors by the planner, in virtual time. Fifteen hand in work at random
// (Poisson arrivals, exponential lengths) that fills LOAD of the machine; the sixteenth, where it
// is there, always has 10,000 tasks waiting, of a thousand kinds. Prints as JSON how long the
// fifteen wait, with it and without it, over the same arrivals.
// LOAD `busy`: the fifteen always have so many tasks (kBusyTasks) waiting or running, instead.
//   fair_bench LOAD|busy SEED
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
constexpr int kBusyTasks = 20;
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
  const double gap = load > 0 ? kMeanSeconds / (load * kProcessors) : 0;
  std::vector<Arrival> out;
  Time now = kStart;
  for (int i = 0; i < kTasks; ++i) {
    const bool busy = load == 0;  // the first are there, and each that ends brings the next
    now = !busy                     ? now + seconds(exponential(random, gap))
          : i < kUsers * kBusyTasks ? kStart
                                    : kNever;
    const int user = busy ? i % kUsers : static_cast<int>(random.below(kUsers));
    out.push_back({now, user, seconds(exponential(random, kMeanSeconds))});
  }
  return out;
}

constexpr Duration kStopping = std::chrono::milliseconds{100};  // from SIGTERM to the end

enum class Flood : std::uint8_t { none, stays, makes_room };

class Machine {
 public:
  explicit Machine(Flood kind) : kind_(kind) {
    SchedulingPolicy policy;
    policy.reclaim_share = kind == Flood::makes_room;
    planner_.configure(policy);
    planner_.add_node({.name = "n",
                       .capacity = {.cpu_millicores = kProcessors * 1000, .countables = {}},
                       .labels = {}});
    demand_ = planner_.nodes.intern({.variants = {{.cpu_millicores = 1000, .countables = {}}},
                                     .rules = {},
                                     .tags = {},
                                     .assets = {}});
  }

  /// The waits of the fifteen, in seconds.
  std::vector<double> run(const std::vector<Arrival>& given, std::uint64_t seed) {
    Generator random(seed + 1);
    since_.assign(given.size(), kNever);
    std::vector<double> waits;
    std::size_t next = 0;
    while (waits.size() + kUsers * kBusyTasks < given.size()) {
      if (kind_ != Flood::none) flood(random);
      start_all(given, random, waits);
      const Time arrival = next < given.size() ? given[next].at : kNever;
      const Time end = ends_.empty() ? kNever : ends_.begin()->first;
      now_ = std::min(arrival, end);
      while (next < given.size() && given[next].at == now_) push(given[next].user, next), ++next;
      while (!ends_.empty() && ends_.begin()->first == now_) {
        end_first(given);
      }
    }
    return waits;
  }

 private:
  static constexpr std::uint32_t kFloodRun = 1'000'000'000;
  struct Ending {
    HolderId holder;
    std::uint32_t run;
  };
  using Endings = std::multimap<Time, Ending>;
  void end_first(const std::vector<Arrival>& given) {
    const Ending gone = ends_.begin()->second;
    ends_.erase(ends_.begin());
    end_of_.erase(gone.holder);
    planner_.end(gone.holder, now_);
    const std::size_t next = gone.run + kUsers * kBusyTasks;
    if (gone.run == kFloodRun || next >= given.size() || given[next].at != kNever) return;
    push(given[next].user, next);
  }
  ClassId class_of(const std::string& user, std::int32_t kind) {
    return planner_.waiting.intern(
        {.leaf = planner_.shares.leaf("default", user),
         .demand = demand_,
         .circuit = planner_.gates.circuits.intern(fmt::format("{}/{}", user, kind)),
         .preemptible = user == "flood"});
  }
  void push(int user, std::size_t index) {
    since_[index] = now_;
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
        waits.push_back(std::chrono::duration<double>(now_ - since_[task->run.value]).count());
        length = one.length;
      }
      end_of_[holder] = ends_.emplace(now_ + length, Ending{holder, task->run.value});
    }
    for (const HolderId stopped : pass.preempted()) {
      const auto at = end_of_.at(stopped);
      const Time end = std::min(at->first, now_ + kStopping);
      const Ending ending = at->second;
      ends_.erase(at);
      end_of_[stopped] = ends_.emplace(end, ending);
    }
  }

  schedule::Planner planner_;
  schedule::DemandId demand_;
  Flood kind_;
  std::vector<Time> since_;  ///< when each was handed in
  Endings ends_;
  std::map<HolderId, Endings::iterator> end_of_;
  Time now_ = kStart;
  std::uint64_t tokens_ = 0;
};

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

int run(double load, std::uint64_t seed) {
  const std::vector<Arrival> given = arrivals(load, seed);
  const std::vector<double> alone = Machine(Flood::none).run(given, seed);
  const std::vector<double> flooded = Machine(Flood::stays).run(given, seed);
  const std::vector<double> reclaimed = Machine(Flood::makes_room).run(given, seed);
  fmt::print(
      "{{\"load\": {}, \"alone_p50\": {:.3f}, \"alone_p99\": {:.3f}, \"flooded_p50\": {:.3f}, "
      "\"flooded_p99\": {:.3f}, \"ratio_p99\": {:.3f}, \"reclaimed_p50\": {:.3f}, "
      "\"reclaimed_p99\": {:.3f}, \"reclaimed_ratio_p99\": {:.3f}}}\n",
      load, quantile(alone, 0.5), quantile(alone, 0.99), quantile(flooded, 0.5),
      quantile(flooded, 0.99), quantile(flooded, 0.99) / quantile(alone, 0.99),
      quantile(reclaimed, 0.5), quantile(reclaimed, 0.99),
      quantile(reclaimed, 0.99) / quantile(alone, 0.99));
  return 0;
}

}  // namespace
}  // namespace reeve::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: fair_bench LOAD|busy SEED\n", stderr);
    return 2;
  }
  return reeve::bench::run(std::strtod(argv[1], nullptr), std::strtoull(argv[2], nullptr, 10));
}
