// What must hold whatever comes: limits, rules and order, over random clusters, policies and tasks.
// The judge keeps its own books from what was handed in and where it was put, and asks the planner
// nothing else: windows are looked up in a table of the week's minutes, rates are counted over all
// pairs of starts.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/generator.h"
#include "schedule/pass.h"

namespace reeve::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;
constexpr Time kMonday{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};
constexpr std::int64_t kMinutesOfWeek = std::int64_t{7} * 24 * 60;

Resources amount(std::int64_t cpus, std::int64_t memory, std::int64_t seats) {
  Resources out{
      .cpu_millicores = cpus * 1000, .memory_bytes = memory * kGibibyte, .countables = {}};
  if (seats > 0) out.countables.push_back({"seat", seats});
  return out;
}

std::int64_t seats_of(const Resources& of) {
  return of.countables.empty() ? 0 : of.countables.front().amount;
}

using Amounts = std::array<std::int64_t, 3>;
Amounts amounts_of(const Resources& of, std::int64_t times = 1) {
  return {of.cpu_millicores * times, of.memory_bytes * times, seats_of(of) * times};
}

struct Ask {
  std::uint32_t run = 0;
  std::string user, queue, lock, rate;
  std::int32_t priority = 0, lock_units = 1;
  std::vector<Resources> variants;
  std::uint32_t nodes = 1;
  std::string zone;  ///< required; "": any
  bool keeps_apart = false;
  Duration length{-1};

  bool is_like(const Ask& other) const {
    return user == other.user && queue == other.queue && lock == other.lock && rate == other.rate &&
           lock_units == other.lock_units && variants == other.variants && nodes == other.nodes &&
           zone == other.zone && keeps_apart == other.keeps_apart && length == other.length;
  }
};

struct Live {
  Ask ask;
  std::uint8_t variant = 0;
  std::vector<std::uint32_t> nodes;
  HolderId holder;
  ClassId owner;
};

bool is_in(const std::string& queue, const std::string& above) {
  return above.empty() || queue == above || queue.starts_with(above + "/");
}

/// Which minutes of two weeks some windows leave open: a letter each, 'o' or '-'.
std::string open_minutes(const std::vector<WindowSetup>& windows) {
  const bool any = std::ranges::any_of(windows, [](const auto& one) { return !one.closed; });
  std::string open(kMinutesOfWeek, any ? '-' : 'o');
  for (const bool closing : {false, true}) {
    for (const WindowSetup& one : windows) {
      if (one.closed != closing) continue;
      const auto from = std::chrono::floor<minutes>(one.from).count();
      auto to = std::chrono::floor<minutes>(one.to).count();
      if (to <= from) to += 24 * 60;
      for (int day = 0; day < 7; ++day) {
        if ((one.days >> day & 1) == 0) continue;
        for (std::int64_t m = from; m < to; ++m)
          open[static_cast<std::size_t>((day * 24 * 60 + m) % kMinutesOfWeek)] =
              closing ? '-' : 'o';
      }
    }
  }
  return open + open;
}

class Court {
 public:
  explicit Court(std::uint64_t seed) : random_(seed) {
    make_policy();
    planner_.configure(policy_);
    const std::uint64_t nodes = 1 + random_.below(4);
    for (std::uint64_t n = 0; n < nodes; ++n) {
      NodeSetup node{
          .name = "n" + std::to_string(n),
          .pool = "p",
          .capacity = amount(random_.between(1, 8), random_.between(1, 8), random_.between(0, 2)),
          .labels = {{"zone", random_.below(2) == 0 ? "x" : "y"}}};
      setups_.push_back(node);
      planner_.add_node(node);
    }
  }

  std::string run() {
    for (int i = 0; i < 25; ++i) {
      for (std::uint64_t n = random_.below(4); n > 0; --n) add();
      if (std::string wrong = pass(); !wrong.empty()) return wrong;
      go_on(random_.below(3) == 0 ? Duration{minutes{random_.between(1, 400)}}
                                  : Duration{seconds{random_.between(0, 20)}});
    }
    for (int i = 0; i < 3000 && !(waiting_.empty() && live_.empty()); ++i) {
      if (std::string wrong = pass(); !wrong.empty()) return wrong;
      go_on(minutes{random_.between(1, 120)});
    }
    for (const auto& [run, ask] : waiting_)
      if (could_run(ask)) return "run " + std::to_string(run) + " waits for ever";
    return {};
  }
  const std::string& trace() const { return trace_; }

 private:
  void make_policy() {
    policy_.margin = static_cast<std::int32_t>(random_.between(1, 4));
    policy_.reservations = static_cast<std::int32_t>(random_.below(3));
    if (random_.below(2) == 0) policy_.backfilling = Backfilling::conservative;
    policy_.queues = {{.name = "a", .running_max = 4, .cap = amount(6, 0, 0)},
                      {.name = "a/x", .weight = 2, .running_max = 2, .cap = {}},
                      {.name = "b", .cap = amount(0, 5, 1)}};
    policy_.quotas = {{.user = "ann", .running_max = 3}, {.queue = "a", .running_max = 2}};
    policy_.rate_limits = {{.name = "web",
                            .starts = static_cast<std::int32_t>(random_.between(1, 3)),
                            .per = seconds{10},
                            .burst = static_cast<std::int32_t>(random_.between(1, 3))}};
    if (random_.below(2) == 0)
      policy_.windows.push_back({.queue = "b", .from = hours{22}, .to = hours{6}});
    if (random_.below(2) == 0)
      policy_.windows.push_back(
          {.pool = "p", .days = 0x55, .from = hours{3}, .to = hours{5}, .closed = true});
  }

  void add() {
    Ask ask{.run = ++runs_};
    if (runs_ > 1 && random_.below(3) == 0) {  // as one before, but for its priority
      ask = last_;
      ask.run = runs_;
    } else {
      ask.user = random_.below(2) == 0 ? "ann" : "bob";
      ask.queue = std::array{"a", "a/x", "b", "c"}.at(random_.below(4));
      if (random_.below(3) == 0) ask.lock = "l";
      ask.lock_units = static_cast<std::int32_t>(random_.between(1, 2));
      if (random_.below(4) == 0) ask.rate = "web";
      for (std::uint64_t v = 1 + random_.below(2); v > 0; --v)
        ask.variants.push_back(
            amount(random_.between(0, 5), random_.between(0, 5), random_.below(5) == 0 ? 1 : 0));
      if (random_.below(4) == 0) ask.nodes = 2;
      if (random_.below(4) == 0) ask.zone = "x";
      ask.keeps_apart = random_.below(5) == 0;
      if (random_.below(2) == 0) ask.length = minutes{random_.between(1, 900)};
    }
    ask.priority = static_cast<std::int32_t>(random_.below(3));
    last_ = ask;
    hand_in(ask);
  }

  void hand_in(const Ask& ask) {
    Demand demand{
        .variants = ask.variants, .nodes = ask.nodes, .rules = {}, .tags = {}, .assets = {}};
    if (!ask.zone.empty())
      demand.rules.require = {{.key = "zone", .kind = LabelRule::Kind::in, .values = {ask.zone}}};
    if (ask.keeps_apart) {
      demand.tags = {"app=apart"};
      demand.rules.anti_affinity = {"app=apart"};
    }
    std::vector<LockUse> uses;
    if (!ask.lock.empty()) uses.push_back({planner_.locks.intern(ask.lock, 2), ask.lock_units});
    const ClassId id = planner_.waiting.intern({.leaf = planner_.shares.leaf(ask.queue, ask.user),
                                                .priority = ask.priority,
                                                .demand = planner_.nodes.intern(demand),
                                                .locks = planner_.locks.intern_set(uses),
                                                .rate = planner_.gates.rate(ask.rate),
                                                .length = ask.length});
    planner_.waiting.push(id, {{RunId{ask.run}, 0}, 1}, now_);
    waiting_.emplace(ask.run, ask);
  }

  std::string pass() {
    Pass pass(planner_, now_);
    while (const auto task = pass.next()) {
      const Placement* const place = pass.place();
      if (place == nullptr) continue;
      Live live{.ask = waiting_.at(task->run.value), .owner = pass.owner()};
      live.variant = place->nodes.front().variant;
      for (const NodeChoice& choice : place->nodes) live.nodes.push_back(choice.node.value);
      const std::string wrong = judge(live);
      live.holder = pass.accept(Token{task->run.value});
      waiting_.erase(task->run.value);
      live_.push_back(live);
      trace_ += std::to_string(task->run.value) + "@" + std::to_string(live.nodes.front()) + " ";
      if (!wrong.empty()) return "run " + std::to_string(task->run.value) + " " + wrong;
    }
    trace_ += "; ";
    return {};
  }

  /// At most until something opens that was shut: what is to end in a window may have to begin
  /// then.
  void go_on(Duration some) {
    const Time wake = planner_.wake();
    now_ = wake > now_ ? std::min(now_ + some, wake) : now_ + some;
    std::erase_if(live_, [&](const Live& one) {
      if (random_.below(3) > 0) return false;
      planner_.locks.release(planner_.waiting.key(one.owner).locks);
      planner_.end(one.holder, now_);
      return true;
    });
  }

  std::string judge(const Live& starts) {
    for (const auto& check :
         {&Court::judge_nodes, &Court::judge_limits, &Court::judge_gates, &Court::judge_order}) {
      if (std::string wrong = (this->*check)(starts); !wrong.empty()) return wrong;
    }
    return {};
  }

  std::string judge_nodes(const Live& starts) {
    if (std::set<std::uint32_t>(starts.nodes.begin(), starts.nodes.end()).size() !=
        starts.ask.nodes)
      return "has not as many nodes as it asks for";
    for (const std::uint32_t node : starts.nodes) {
      const NodeSetup& setup = setups_.at(node);
      if (!starts.ask.zone.empty() && setup.labels.front().value != starts.ask.zone)
        return "is in another zone than it requires";
      Amounts used = amounts_of(starts.ask.variants.at(starts.variant));
      for (const Live& one : live_) {
        if (std::ranges::find(one.nodes, node) == one.nodes.end()) continue;
        if (starts.ask.keeps_apart && one.ask.keeps_apart) return "is beside what it avoids";
        const Amounts more = amounts_of(one.ask.variants.at(one.variant));
        for (std::size_t d = 0; d < used.size(); ++d) used[d] += more[d];
      }
      const Amounts there = amounts_of(setup.capacity);
      for (std::size_t d = 0; d < used.size(); ++d)
        if (used[d] > there[d]) return "is put where there is no room";
    }
    return {};
  }

  std::string judge_limits(const Live& starts) {
    std::int32_t locked = starts.ask.lock.empty() ? 0 : starts.ask.lock_units;
    for (const Live& one : live_) {
      if (!one.ask.lock.empty() && !starts.ask.lock.empty()) locked += one.ask.lock_units;
    }
    if (locked > 2) return "holds more of a lock than there is";
    for (const QueueSetup& queue : policy_.queues) {
      if (!is_in(starts.ask.queue, queue.name)) continue;
      std::int32_t running = 1;
      Amounts used = amounts_of(starts.ask.variants.at(starts.variant), starts.ask.nodes);
      for (const Live& one : live_) {
        if (!is_in(one.ask.queue, queue.name)) continue;
        ++running;
        const Amounts more = amounts_of(one.ask.variants.at(one.variant), one.ask.nodes);
        for (std::size_t d = 0; d < used.size(); ++d) used[d] += more[d];
      }
      if (queue.running_max >= 0 && running > queue.running_max)
        return "is beyond what may run in queue " + queue.name;
      const Amounts cap = amounts_of(queue.cap);
      const Amounts own = amounts_of(starts.ask.variants.at(starts.variant));
      for (std::size_t d = 0; d < used.size(); ++d)
        if (cap[d] > 0 && own[d] > 0 && used[d] > cap[d])
          return "is beyond the cap of queue " + queue.name;
    }
    const auto quota_of = [&](const Ask& ask) {
      return std::ranges::find_if(policy_.quotas, [&](const QuotaSetup& one) {
        return (one.user.empty() || one.user == ask.user) && is_in(ask.queue, one.queue);
      });
    };
    const auto quota = quota_of(starts.ask);
    if (quota == policy_.quotas.end()) return {};
    const auto running = 1 + std::ranges::count_if(live_, [&](const Live& one) {
                           return one.ask.user == starts.ask.user && quota_of(one.ask) == quota;
                         });
    return running > quota->running_max ? "is beyond its user's quota" : "";
  }

  std::string judge_gates(const Live& starts) {
    std::vector<WindowSetup> of_queue;
    std::vector<WindowSetup> of_pool;
    for (const WindowSetup& one : policy_.windows) {
      if (!one.pool.empty()) of_pool.push_back(one);
      if (!one.queue.empty() && is_in(starts.ask.queue, one.queue)) of_queue.push_back(one);
    }
    const std::int64_t minute = std::chrono::floor<minutes>(now_ - kMonday).count();
    for (const auto& windows : {of_queue, of_pool}) {
      if (windows.empty()) continue;
      const std::string open = open_minutes(windows);
      const auto at = static_cast<std::size_t>(minute % kMinutesOfWeek);
      if (open[at] != 'o') return "starts when it is shut";
      if (starts.ask.length < Duration{0} || !may_fit(open, starts.ask.length)) continue;
      // Whole minutes: what begins within one may end as far within another.
      const std::int64_t long_for = std::chrono::floor<minutes>(starts.ask.length).count();
      const auto most = static_cast<std::size_t>(std::min(long_for, kMinutesOfWeek));
      if (open.find('-', at) < at + most) return "ends after the closing";
    }
    if (starts.ask.rate.empty()) return {};
    std::vector<Time>& when = rated_;
    when.push_back(now_);
    const RateLimitSetup& rate = policy_.rate_limits.front();
    for (std::size_t from = 0; from < when.size(); ++from) {
      const double passed = std::chrono::duration<double>(now_ - when[from]).count();
      const double most =
          rate.burst + passed * rate.starts / std::chrono::duration<double>(rate.per).count();
      if (static_cast<double>(when.size() - from) > most + 1e-3) return "is beyond the rate";
    }
    return {};
  }

  /// Whether anything so long fits between two closings at all.
  static bool may_fit(const std::string& open, Duration length) {
    if (open.find('-') == open.npos) return true;
    const auto wanted = static_cast<std::size_t>(std::chrono::ceil<minutes>(length).count());
    std::size_t begin = open.find('o');
    while (begin != open.npos) {
      const std::size_t end = std::min(open.find('-', begin), open.size());
      if (end - begin >= wanted) return true;
      begin = open.find('o', end);
    }
    return false;
  }

  /// Of those that are alike but for their priority, the higher is first, and of equal ones who
  /// came first; all came within the hour that a level is worth, or in this order.
  std::string judge_order(const Live& starts) {
    for (const auto& [run, ask] : waiting_) {
      if (run >= starts.ask.run || !ask.is_like(starts.ask)) continue;
      if (ask.priority >= starts.ask.priority) return "starts before run " + std::to_string(run);
    }
    return {};
  }

  /// Whether, alone in the world, a variant has as many nodes as it asks for, and no cap is below.
  bool could_run(const Ask& ask) const {
    return std::ranges::any_of(ask.variants, [&](const Resources& variant) {
      const Amounts wanted = amounts_of(variant, ask.nodes);
      for (const QueueSetup& queue : policy_.queues) {
        if (!is_in(ask.queue, queue.name)) continue;
        const Amounts cap = amounts_of(queue.cap);
        for (std::size_t d = 0; d < cap.size(); ++d)
          if (cap[d] > 0 && wanted[d] > cap[d]) return false;
      }
      const auto fits = std::ranges::count_if(setups_, [&](const NodeSetup& node) {
        return (ask.zone.empty() || node.labels.front().value == ask.zone) &&
               node.capacity.covers(variant);
      });
      return fits >= ask.nodes;
    });
  }

  Generator random_;
  SchedulingPolicy policy_;
  Planner planner_;
  std::vector<NodeSetup> setups_;
  Time now_ = kMonday + hours{12};
  std::map<std::uint32_t, Ask> waiting_;
  std::vector<Live> live_;
  std::vector<Time> rated_;
  Ask last_;
  std::uint32_t runs_ = 0;
  std::string trace_;
};

/// A twentieth of those of the simulation (sim/campaign_test.cc): 500 unless set.
std::uint64_t seeds_wanted() {
  const char* text = std::getenv("REEVE_SIM_SEEDS");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? 500 : std::max<std::uint64_t>(std::stoull(text) / 20, 20);
}

TEST(Laws, hold_in_random_worlds) {
  const std::uint64_t seeds = seeds_wanted();
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Court court(seed);
    const std::string wrong = court.run();
    ASSERT_EQ(wrong, "") << "seed " << seed;
  }
}

TEST(Laws, the_same_calls_give_the_same_schedule) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Court one(seed);
    Court other(seed);
    (void)one.run();
    (void)other.run();
    ASSERT_EQ(one.trace(), other.trace());
  }
}

}  // namespace
}  // namespace reeve::schedule
