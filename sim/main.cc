// reeve-sim: simulates worlds of the real engine, one for each seed. Behind `./dev sim`.
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sim/campaign.h"

namespace {

using reeve::sim::CampaignOptions;
using reeve::sim::CampaignReport;

constexpr std::string_view kUsage =
    "usage: reeve-sim [SEEDS] [--seed N | --first-seed N] [--seeds N] [--jobs N] [--verbose]\n"
    "                 [--keep-going]\n"
    "Simulates SEEDS worlds (1 with --seed, else 1000), from a fresh seed unless one is given.\n";

std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Arguments {
  CampaignOptions options;
  bool has_seed = false;
  bool is_valid = true;
};

Arguments read_arguments(const std::vector<std::string_view>& words) {
  Arguments arguments;
  arguments.options.seeds = 0;
  arguments.options.jobs = 2;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--verbose") {
      arguments.options.verbose = true;
      continue;
    }
    if (words[i] == "--keep-going") {
      arguments.options.failures_max = UINT32_MAX;
      continue;
    }
    const bool named = words[i].starts_with("--");
    const auto value = read_number(named && i + 1 < words.size() ? words[i + 1] : words[i]);
    if (!value) {
      arguments.is_valid = false;
    } else if (words[i] == "--seed" || words[i] == "--first-seed") {
      arguments.options.first_seed = *value;
      arguments.has_seed = true;
      if (words[i] == "--seed" && arguments.options.seeds == 0) arguments.options.seeds = 1;
    } else if (words[i] == "--seeds" || !named) {
      arguments.options.seeds = *value;
    } else if (words[i] == "--jobs" && *value > 0 && *value <= 64) {
      arguments.options.jobs = static_cast<std::uint32_t>(*value);
    } else {
      arguments.is_valid = false;
    }
    if (named) ++i;
  }
  if (arguments.options.seeds == 0) arguments.options.seeds = 1000;
  return arguments;
}

/// What the workers took of the processors: means something on a busy machine too.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/// Rows of the table of task transitions that no world went along.
void print_unvisited(const CampaignReport& report) {
  std::size_t visited = 0;
  for (const reeve::core::TaskTransition& row : reeve::core::task_transitions()) {
    const auto from = static_cast<std::size_t>(row.from);
    const auto to = static_cast<std::size_t>(row.to);
    if (report.transitions[from][to] > 0)
      ++visited;
    else
      fmt::print("  no task went from {} to {}: {}\n", name(row.from), name(row.to), row.when);
  }
  fmt::print("{} of {} rows of the table of task transitions\n", visited,
             reeve::core::task_transitions().size());
}

void print_summary(const CampaignReport& report, double seconds) {
  const auto seeds = static_cast<double>(std::max<std::uint64_t>(report.seeds, 1));
  const auto each = [&](std::uint64_t number) { return static_cast<double>(number) / seeds; };
  fmt::print("{} seeds, each twice, in {:.1f} s: {:.0f} seeds/s, {:.1f} ms of a processor each\n",
             report.seeds, seconds, seeds / seconds, cpu_seconds() * 1000 / seeds);
  fmt::print(
      "of one seed: {:.1f} faults (at least {}), {:.1f} lives of the engine, {:.1f} runs, "
      "{:.1f} attempts ({:.1f} of them second ones), {:.1f} commits\n",
      each(report.faults.total()), report.faults_min, each(report.lives), each(report.runs),
      each(report.attempts), each(report.hedges), each(report.commits));
  for (std::size_t i = 0; i < reeve::sim::kFaultCount; ++i) {
    const auto fault = static_cast<reeve::sim::Fault>(i);
    fmt::print("  {:<22} {:>9}\n", name(fault), report.faults.of(fault));
  }
  print_unvisited(report);
  if (report.failed.empty()) return;
  fmt::print("FAILED seeds:");
  for (const std::uint64_t seed : report.failed) fmt::print(" {}", seed);
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments = read_arguments({argv + 1, argv + argc});
  if (!arguments.is_valid) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  CampaignOptions& options = arguments.options;
  if (options.verbose) std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  if (!arguments.has_seed) options.first_seed = std::random_device{}();
  fmt::print("first seed {}\n", options.first_seed);
  const auto begun = std::chrono::steady_clock::now();
  const CampaignReport report = run_campaign(options);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
  print_summary(report, taken.count());
  return report.failed.empty() ? 0 : 1;
}
