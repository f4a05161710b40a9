// The planner alone: so many tasks wait, of 64 users in 16 queues and of many kinds, on so many
// nodes, which are full. In each round attempts end, what fits is placed, and as many tasks are
// added. Prints the placements a second (of ends and passes together), the cost of adding one task,
// and that of the first filling, as JSON.
//   plan_bench WAITING NODES PLACEMENTS [conservative]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/generator.h"
#include "schedule/pass.h"
#include "schedule/planner.h"

namespace reeve::bench {
namespace {

using schedule::ClassId;
using schedule::HolderId;

constexpr std::uint32_t kEndsARound = 64;
constexpr Time kStart{std::chrono::hours{24 * 365 * 55}};

/// Processor time of the one thread: what else runs on the machine does not count.
double cpu_seconds() {
  std::timespec now{};
  ENSURE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Crowd {
 public:
  Crowd(std::uint32_t waiting, std::uint32_t nodes, Backfilling backfilling) {
    SchedulingPolicy policy;
    policy.backfilling = backfilling;
    planner_.configure(policy);
    for (std::uint32_t n = 0; n < nodes; ++n) add_node(n);
    for (int kind = 0; kind < 40; ++kind) add_demand(kind);
    for (int leaf = 0; leaf < 64; ++leaf) add_classes(leaf);
    for (std::uint32_t i = 0; i < waiting; ++i) push();
  }

  /// Places what fits; the number of placements.
  std::uint64_t pass() {
    std::uint64_t placed = 0;
    schedule::Pass pass(planner_, now_);
    while (pass.next()) {
      if (pass.place() == nullptr) continue;
      live_.push_back(pass.accept(Token{++tokens_}));
      ++placed;
    }
    return placed;
  }
  void end_some() {
    now_ += std::chrono::milliseconds{50};
    for (std::uint32_t i = 0; i < kEndsARound && !live_.empty(); ++i) {
      const std::size_t at = generator_.below(live_.size());
      planner_.end(live_[at], now_);
      live_[at] = live_.back();
      live_.pop_back();
    }
  }
  void push() {
    const ClassId id = classes_[generator_.below(classes_.size())];
    planner_.waiting.push(id, {{RunId{++runs_}, 0}, 1}, now_);
  }
  std::uint64_t waiting() const { return planner_.waiting.waiting(); }
  std::size_t live() const { return live_.size(); }
  std::size_t classes() const { return classes_.size(); }

 private:
  void add_node(std::uint32_t n) {
    NodeSetup setup{.name = fmt::format("n{}", n), .capacity = {}, .labels = {}};
    setup.pool = n % 8 == 0 ? "gpu" : "cpu";
    setup.capacity = {.cpu_millicores = 16'000 + 16'000 * (n % 3),
                      .memory_bytes = (std::int64_t{64} << 30) << (n % 2),
                      .gpu_milli = n % 8 == 0 ? 4000 : 0,
                      .countables = {}};
    setup.labels = {{"arch", n % 5 == 0 ? "arm64" : "amd64"},
                    {"zone", std::string(1, 'a' + n % 4)}};
    setup.price_micros_per_hour = 100'000 + 10'000 * (n % 7);
    planner_.add_node(setup);
  }
  void add_demand(int kind) {
    schedule::Demand demand{.variants = {{.cpu_millicores = 500 * (1 + kind % 8),
                                          .memory_bytes = std::int64_t{1} << (28 + kind % 5),
                                          .gpu_milli = kind % 10 == 0 ? 500 : 0,
                                          .countables = {}}},
                            .rules = {},
                            .tags = {fmt::format("kind={}", kind)},
                            .assets = {}};
    if (kind % 4 == 1) demand.rules.require = {{"zone", LabelRule::Kind::in, {"a", "b"}}};
    if (kind % 4 == 2) demand.rules.prefer = {{"arch", LabelRule::Kind::in, {"amd64"}}};
    if (kind % 8 == 3) demand.rules.anti_affinity = {fmt::format("kind={}", kind - 1)};
    demands_.push_back(planner_.nodes.intern(demand));
  }
  void add_classes(int leaf) {
    const auto id = planner_.shares.leaf(fmt::format("q{}/s{}", leaf % 4, leaf / 4 % 4),
                                         fmt::format("user{}", leaf));
    for (const schedule::DemandId demand : demands_) {
      const auto priority = static_cast<std::int32_t>(generator_.below(3));
      classes_.push_back(
          planner_.waiting.intern({.leaf = id,
                                   .priority = priority,
                                   .demand = demand,
                                   .length = std::chrono::seconds{1 + generator_.below(600)}}));
    }
  }

  schedule::Planner planner_;
  Generator generator_{1};
  std::vector<schedule::DemandId> demands_;
  std::vector<ClassId> classes_;
  std::vector<HolderId> live_;
  Time now_ = kStart;
  std::uint64_t tokens_ = 0;
  std::uint32_t runs_ = 0;
};

int run(std::uint32_t waiting, std::uint32_t nodes, std::uint64_t placements,
        Backfilling backfilling) {
  Crowd crowd(waiting, nodes, backfilling);
  double before = cpu_seconds();
  const std::uint64_t filled = crowd.pass();
  const double filling = cpu_seconds() - before;
  double planning = 0;
  double adding = 0;
  std::uint64_t placed = 0;
  std::uint64_t passes = 0;
  while (placed < placements) {
    ++passes;
    before = cpu_seconds();
    crowd.end_some();
    const std::uint64_t now = crowd.pass();
    planning += cpu_seconds() - before;
    // Conservative promises may leave nothing that fits.
    ENSURE(now > 0 || backfilling == Backfilling::conservative);
    placed += now;
    before = cpu_seconds();
    for (std::uint64_t i = 0; i < now; ++i) crowd.push();
    adding += cpu_seconds() - before;
  }
  const auto count = static_cast<double>(placed);
  fmt::print(
      "{{\"waiting\": {}, \"nodes\": {}, \"classes\": {}, \"live\": {}, \"placed\": {}, "
      "\"placements_per_second\": {:.0f}, \"pass_milliseconds\": {:.3f}, \"add_microseconds\": "
      "{:.3f}, "
      "\"filling_per_second\": {:.0f}}}\n",
      crowd.waiting(), nodes, crowd.classes(), crowd.live(), placed, count / planning,
      1e3 * planning / static_cast<double>(passes), 1e6 * adding / count,
      static_cast<double>(filled) / filling);
  return 0;
}

}  // namespace
}  // namespace reeve::bench

int main(int argc, char** argv) {
  const bool is_conservative = argc == 5 && std::string_view(argv[4]) == "conservative";
  if (argc != 4 && !is_conservative) {
    std::fputs("usage: plan_bench WAITING NODES PLACEMENTS [conservative]\n", stderr);
    return 2;
  }
  return reeve::bench::run(
      static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10)),
      static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10)),
      std::strtoull(argv[3], nullptr, 10),
      is_conservative ? reeve::Backfilling::conservative : reeve::Backfilling::easy);
}
