#include "sim/campaign.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve::sim {
namespace {

/// One action of a world takes microseconds, in the largest ones milliseconds: a world that has
/// begun no other one after so long hangs. How many actions there may be, World itself limits.
constexpr std::chrono::seconds kHangPeriod{60};
constexpr std::size_t kReportLines = 40;

/// What a worker leaves for its parent, in shared memory.
struct Ledger {
  std::uint64_t current_seed = 0;
  std::uint64_t next_seed = 0;
  CampaignReport done;  // its list of failed seeds stays empty: lists cannot be shared
  std::uint64_t violations = 0;
  std::uint64_t violated_seeds[16] = {};
};

void print_reproduction(std::FILE* out, std::uint64_t seed) {
  fmt::print(out, "Again, with all its steps:  ./dev sim 1 --seed {} --verbose\n", seed);
}

std::FILE* signal_out = stdout;
std::uint64_t progress_seen = 0;

/// Whether the world has done something since the last time this was asked.
bool goes_on() {
  const World* world = World::current();
  return world == nullptr || world->progress() != std::exchange(progress_seen, world->progress());
}

/// The process is about to end: say which seed it was. Runs in the one thread there is.
void on_fatal_signal(int signal) {
  if (signal == SIGPROF && goes_on()) return;
  if (const World* world = World::current(); world != nullptr) {
    fmt::print(signal_out, "\nseed {}: {}\n{}", world->seed(),
               signal == SIGPROF ? "it hangs" : "the core stopped itself; see ENSURE above",
               world->trace().tail(kReportLines));
    print_reproduction(signal_out, world->seed());
    std::fflush(signal_out);
  }
  ::_exit(70);
}

void add_transitions(Transitions& sum, const Transitions& more) {
  for (std::size_t from = 0; from < sum.size(); ++from) {
    for (std::size_t to = 0; to < sum.size(); ++to) sum[from][to] += more[from][to];
  }
}

void count(CampaignReport& sum, const Report& report) {
  ++sum.seeds;
  sum.faults.add(report.faults);
  if (!report.violation) sum.faults_min = std::min(sum.faults_min, report.faults.total());
  sum.lives += report.engine_lives;
  sum.commits += report.commits;
  sum.attempts += report.attempts;
  sum.hedges += report.hedges;
  sum.runs += report.runs;
  add_transitions(sum.transitions, report.transitions);
}

void work(const CampaignOptions& options, Ledger& ledger) {
  watch_world(options.out, kHangPeriod);
  const std::uint64_t end = options.first_seed + options.seeds;
  while (ledger.next_seed < end && ledger.violations < options.failures_max) {
    ledger.current_seed = ledger.next_seed;
    ledger.next_seed += options.jobs;
    const Report report = run_seed(ledger.current_seed, options.verbose);
    count(ledger.done, report);
    if (!report.violation) continue;
    ledger.violated_seeds[ledger.violations++ % std::size(ledger.violated_seeds)] =
        ledger.current_seed;
    print_violation(options.out, report);
  }
  std::fflush(options.out);
}

/// Forks a worker. It ends through exit(), so that coverage counters are written.
pid_t start_worker(const CampaignOptions& options, Ledger& ledger) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  work(options, ledger);
  std::exit(0);  // NOLINT(concurrency-mt-unsafe): the child has one thread
}

class Workers {
 public:
  explicit Workers(const CampaignOptions& options) : options_(options) {
    const std::size_t bytes = sizeof(Ledger) * options.jobs;
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ENSURE(memory != MAP_FAILED);
    ledgers_ = static_cast<Ledger*>(memory);
    for (std::uint32_t i = 0; i < options.jobs; ++i) {
      new (&ledgers_[i]) Ledger;
      ledgers_[i].next_seed = options.first_seed + i;
      pids_.push_back(start_worker(options_, ledgers_[i]));
    }
  }
  ~Workers() { ::munmap(ledgers_, sizeof(Ledger) * options_.jobs); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  CampaignReport wait() {
    CampaignReport sum;
    std::size_t running = pids_.size();
    while (running > 0) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, 0);
      const auto found = std::ranges::find(pids_, pid);
      if (pid < 0) break;
      if (found == pids_.end()) continue;
      Ledger& ledger = ledgers_[found - pids_.begin()];
      if (status != 0) {
        sum.failed.push_back(ledger.current_seed);
        if (sum.failed.size() < options_.failures_max) {
          *found = start_worker(options_, ledger);
          continue;
        }
      }
      --running;
    }
    for (std::uint32_t i = 0; i < options_.jobs; ++i) add(sum, ledgers_[i]);
    return sum;
  }

 private:
  static void add(CampaignReport& sum, const Ledger& ledger) {
    sum.seeds += ledger.done.seeds;
    sum.faults.add(ledger.done.faults);
    sum.faults_min = std::min(sum.faults_min, ledger.done.faults_min);
    sum.lives += ledger.done.lives;
    sum.commits += ledger.done.commits;
    sum.attempts += ledger.done.attempts;
    sum.hedges += ledger.done.hedges;
    sum.runs += ledger.done.runs;
    add_transitions(sum.transitions, ledger.done.transitions);
    for (std::uint64_t i = 0; i < ledger.violations && i < std::size(ledger.violated_seeds); ++i)
      sum.failed.push_back(ledger.violated_seeds[i]);
  }

  const CampaignOptions& options_;
  Ledger* ledgers_ = nullptr;
  std::vector<pid_t> pids_;
};

}  // namespace

void watch_world(std::FILE* out, std::chrono::microseconds hang_period) {
  signal_out = out;
  for (const int signal : {SIGABRT, SIGSEGV, SIGPROF, SIGBUS, SIGFPE})
    std::signal(signal, on_fatal_signal);
  const std::lldiv_t parts = std::lldiv(hang_period.count(), 1'000'000);
  const timeval period{.tv_sec = parts.quot, .tv_usec = parts.rem};
  const itimerval timer{.it_interval = period, .it_value = period};
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

Report run_seed(std::uint64_t seed, bool verbose) {
  WorldOptions first{.seed = seed};
  if (verbose)
    first.listener = [](const Trace::Record& record) { fmt::print("{}\n", format_record(record)); };
  Report report = World(std::move(first)).run();
  if (report.violation) return report;
  const Report again = World({.seed = seed, .replay = false}).run();
  if (again.digest != report.digest)
    report.violation = Violation{"deterministic", "the same seed gave another history"};
  return report;
}

void print_violation(std::FILE* out, const Report& report) {
  fmt::print(out, "\nseed {}: {}: {}\n{}", report.seed, report.violation->checker,
             report.violation->text, report.tail);
  print_reproduction(out, report.seed);
  std::fflush(out);
}

CampaignReport run_campaign(const CampaignOptions& options) {
  Workers workers(options);
  return workers.wait();
}

}  // namespace reeve::sim
