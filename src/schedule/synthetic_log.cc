#include "schedule/synthetic_log.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/ensure.h"
#include "base/generator.h"

namespace reeve::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 3> kNames{"poisson", "diurnal", "bursts"};
constexpr std::int64_t kProgramsOfUser = 4;
constexpr double kSpreadOfPrograms = 2.0;  // sigma of the logarithm of their medians
constexpr double kSpreadOfRuns = 0.7;      // around the median of a program
constexpr std::int64_t kBurstMax = 60;

double uniform(Generator& draws) {  // in (0, 1)
  return (static_cast<double>(draws.bits() >> 11) + 0.5) / 9007199254740992.0;
}

/// Box and Muller, 1958.
double normal(Generator& draws) {
  const double radius = std::sqrt(-2 * std::log(uniform(draws)));
  return radius * std::cos(2 * std::numbers::pi * uniform(draws));
}

/// What one program of one user is like.
struct Program {
  std::int64_t user = 0;
  std::int64_t number = 0;
  double median_seconds = 1;
  std::int64_t processors = 1;
};

std::vector<Program> make_programs(const SyntheticSpec& spec, Generator& draws) {
  std::vector<Program> programs;
  const std::int64_t largest =
      spec.largest > 0 ? spec.largest : std::max<std::int64_t>(spec.processors / 2, 1);
  const int doublings = static_cast<int>(std::log2(static_cast<double>(largest)));
  const double median = std::chrono::duration<double>(spec.median).count();
  for (std::int64_t i = 0; i < spec.users * kProgramsOfUser; ++i) {
    Program program{i / kProgramsOfUser + 1, i + 1, 0, 1};
    program.median_seconds = median * std::exp(kSpreadOfPrograms * normal(draws));
    program.processors = std::int64_t{1} << draws.between(0, doublings);
    programs.push_back(program);
  }
  return programs;
}

/// Some users do much more than others: the square of a uniform draw.
const Program& pick(const std::vector<Program>& programs, Generator& draws) {
  const double draw = uniform(draws);
  const auto index = static_cast<std::size_t>(draw * draw * static_cast<double>(programs.size()));
  return programs[std::min(index, programs.size() - 1)];
}

/// What people type: the next round number after a generous guess.
Duration request_of(Duration run, Duration longest, Generator& draws) {
  constexpr std::array<Duration, 8> kRound{minutes(5), minutes(15), hours(1),  hours(2),
                                           hours(4),   hours(8),    hours(18), hours(36)};
  const double guess = static_cast<double>(run.count()) * (1 - 2 * std::log(uniform(draws)));
  for (const Duration round : kRound)
    if (static_cast<double>(round.count()) >= guess && round >= run)
      return std::max(run, std::min(round, longest));
  return std::max(run, longest);
}

LogJob make_job(const Program& program, const SyntheticSpec& spec, Generator& draws) {
  LogJob job;
  const double length = program.median_seconds * std::exp(kSpreadOfRuns * normal(draws));
  const auto most = std::chrono::duration<double>(spec.longest).count();
  job.run = seconds(std::llround(std::clamp(length, 1.0, std::max(most, 1.0))));
  job.processors = program.processors;
  job.requested = request_of(job.run, spec.longest, draws);
  job.user = program.user;
  job.executable = program.number;
  return job;
}

/// How much more than at the least busy time comes at this one; at most 1.
double activity(double at_seconds) {
  const double hour = std::fmod(at_seconds / 3600, 24);
  const int day = static_cast<int>(std::fmod(at_seconds / 86400, 7));
  const double of_day = 0.55 - 0.45 * std::cos((hour - 2) / 24 * 2 * std::numbers::pi);
  return of_day * (day < 5 ? 1.0 : 0.4);
}

/// A moment of the period; by day rather than by night where they are diurnal.
std::int64_t draw_moment(Arrivals arrivals, double period_seconds, Generator& draws) {
  double at = uniform(draws) * period_seconds;
  while (arrivals == Arrivals::diurnal && uniform(draws) > activity(at))
    at = uniform(draws) * period_seconds;
  return static_cast<std::int64_t>(at);
}

}  // namespace

std::optional<Arrivals> find_arrivals(std::string_view name) {
  const auto at = std::ranges::find(kNames, name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Arrivals>(at - kNames.begin());
}

std::string_view name(Arrivals arrivals) { return kNames.at(static_cast<std::size_t>(arrivals)); }

WorkloadLog synthetic_log(const SyntheticSpec& spec) {
  ENSURE(spec.jobs > 0 && spec.processors > 0 && spec.load_per_mille > 0 && spec.users > 0);
  Generator draws(spec.seed);
  const std::vector<Program> programs = make_programs(spec, draws);
  WorkloadLog log;
  log.processors = spec.processors;
  log.jobs.reserve(static_cast<std::size_t>(spec.jobs));
  std::vector<std::size_t> begins;  // of what comes at once
  double work = 0;
  while (static_cast<std::int64_t>(log.jobs.size()) < spec.jobs) {
    const Program& program = pick(programs, draws);
    const std::int64_t left = spec.jobs - static_cast<std::int64_t>(log.jobs.size());
    const std::int64_t many =
        spec.arrivals == Arrivals::bursts ? std::min(left, draws.between(1, kBurstMax)) : 1;
    begins.push_back(log.jobs.size());
    for (std::int64_t i = 0; i < many; ++i) {
      log.jobs.push_back(make_job(program, spec, draws));
      work += std::chrono::duration<double>(log.jobs.back().run).count() *
              static_cast<double>(program.processors);
    }
  }
  const double period = work * 1000 / (static_cast<double>(spec.processors) * spec.load_per_mille);
  begins.push_back(log.jobs.size());
  for (std::size_t burst = 0; burst + 1 < begins.size(); ++burst) {
    const auto at = seconds(draw_moment(spec.arrivals, std::max(period, 1.0), draws));
    for (std::size_t i = begins[burst]; i < begins[burst + 1]; ++i) log.jobs[i].submitted = at;
  }
  std::ranges::stable_sort(log.jobs, {}, &LogJob::submitted);
  for (std::size_t i = 0; i < log.jobs.size(); ++i)
    log.jobs[i].number = static_cast<std::int64_t>(i) + 1;
  return log;
}

WorkloadLog shaken(const WorkloadLog& log, Duration most, std::uint64_t seed) {
  Generator draws(seed);
  WorkloadLog other = log;
  for (LogJob& job : other.jobs)
    job.submitted = std::max(job.submitted + draws.between(-most, most), Duration{0});
  std::ranges::stable_sort(other.jobs, {}, &LogJob::submitted);
  return other;
}

}  // namespace reeve::schedule
