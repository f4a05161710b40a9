#include "cli/simulation_input.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "cli/archive.h"
#include "cli/cluster_settings.h"
#include "cli/gzip_file.h"
#include "cli/history_log.h"
#include "cli/resource_list.h"
#include "schedule/synthetic_log.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kLogBytesMax = std::size_t{2} << 30;
constexpr std::int64_t kProcessorsMax = 10'000'000;

Failure unknown_policy(const std::string& name) {
  std::vector<std::string> names;
  for (const schedule::NamedPolicy& one : schedule::named_policies()) names.emplace_back(one.name);
  const std::string close = closest_match(name, std::span<const std::string>(names));
  return {kExitUsage, fmt::format("there is no policy '{}'", name),
          (close.empty() ? "" : fmt::format("did you mean '{}'? ", close)) +
              fmt::format("there are {}", fmt::join(names, ", "))};
}

Checked<schedule::WorkloadLog> read_log(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_maybe_gzipped(path, kLogBytesMax));
  auto log = schedule::parse_workload_log(text);
  if (log) return std::move(*log);
  const std::string where = path == "-" ? "standard input" : path;
  return tl::unexpected(Failure(Error{log.error().code, where + ", " + log.error().message, {}}));
}

/// "0.8" of the machine.
Checked<std::int32_t> load_of(const std::string& text) {
  double load = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), load);
  if (error != std::errc() || end != text.data() + text.size() || !(load >= 0.001 && load <= 10))
    return usage(fmt::format("--load is a part of the machine, 0.001 to 10, not '{}'", text));
  return static_cast<std::int32_t>(std::lround(load * 1000));
}

/// Lengths below a second are no lengths of jobs.
Checked<Duration> length_of(const Arguments& arguments, std::string_view option,
                            Duration fallback) {
  TRY_ASSIGN(const auto given, arguments.duration(option));
  if (given && *given < std::chrono::seconds(1))
    return usage(fmt::format("--{} is at least a second", option));
  return given.value_or(fallback);
}

Checked<schedule::WorkloadLog> make_log(const Arguments& arguments, const std::string& pattern) {
  schedule::SyntheticSpec spec;
  spec.arrivals = *schedule::find_arrivals(pattern);
  TRY_ASSIGN(const auto count, arguments.number("count", 1, schedule::kLogJobsMax));
  TRY_ASSIGN(const auto processors, arguments.number("processors", 1, kProcessorsMax));
  TRY_ASSIGN(const auto largest, arguments.number("largest", 1, kProcessorsMax));
  TRY_ASSIGN(const auto seed, arguments.number("seed", 0, INT64_MAX));
  TRY_ASSIGN(spec.median, length_of(arguments, "median", spec.median));
  TRY_ASSIGN(spec.longest, length_of(arguments, "longest", spec.longest));
  TRY_ASSIGN(spec.load_per_mille, load_of(arguments.value_or("load", "0.8")));
  spec.jobs = count.value_or(spec.jobs);
  spec.processors = processors.value_or(spec.processors);
  spec.largest = std::min(largest.value_or(0), spec.processors);
  spec.seed = static_cast<std::uint64_t>(seed.value_or(1));
  return schedule::synthetic_log(spec);
}

}  // namespace

Checked<SimulationInput> simulation_input(const Session& session) {
  const Arguments& arguments = session.arguments;
  const std::string* const path = arguments.find("swf");
  const std::string* const pattern = arguments.find("generate");
  const bool is_history = arguments.has("history");
  if ((path != nullptr ? 1 : 0) + (pattern != nullptr ? 1 : 0) + (is_history ? 1 : 0) != 1)
    return usage("simulate needs one log of jobs",
                 "name it: --swf FILE (Standard Workload Format), --history or --generate PATTERN; "
                 "or a graph of tasks: --dag FILE (WfCommons)");
  SimulationInput input;
  if (is_history) {
    TRY_ASSIGN(const Archive archive, Archive::open(session));
    TRY_ASSIGN(input.log, log_of_history(*archive.history));
    input.log.units = kHistoryUnits;
    input.log.processors = machine_capacity().cpu_millicores;
  } else if (path != nullptr) {
    TRY_ASSIGN(input.log, read_log(*path));
  } else {
    TRY_ASSIGN(input.log, make_log(arguments, *pattern));
  }
  TRY_ASSIGN(const auto processors, arguments.number("processors", 1, kProcessorsMax));
  input.processors = processors ? *processors * input.log.units : input.log.processors;
  if (input.processors == 0)
    return usage("the log does not say how many processors the machine has",
                 "name them: --processors N");
  if (input.log.left_out > 0)
    session.say(fmt::format("{} jobs of the log never ran and are left out", input.log.left_out));
  return input;
}

namespace {

/// What the planner is told by --cluster; a pool without nodes is the machine.
Checked<std::optional<schedule::PlannerSetup>> chosen_cluster(const Arguments& arguments) {
  const std::string* const path = arguments.find("cluster");
  if (path == nullptr) return std::optional<schedule::PlannerSetup>();
  TRY_ASSIGN(spec::ClusterFile cluster, load_cluster(*path));
  return std::optional(schedule::PlannerSetup{.nodes = std::move(cluster.nodes),
                                              .policy = std::move(cluster.scheduling)});
}

}  // namespace

Checked<std::vector<ChosenPolicy>> chosen_policies(const Arguments& arguments) {
  std::vector<std::string> names;
  for (const std::string& name : arguments.all("policy")) names.push_back(name);
  if (names.empty()) names = {"easy", "last-two", "learned"};
  TRY_ASSIGN(const auto cluster, chosen_cluster(arguments));
  const bool has_planner = std::ranges::any_of(
      names, [](const std::string& name) { return name.starts_with("planner"); });
  if (cluster && !has_planner) names.emplace_back("planner");
  std::vector<ChosenPolicy> policies;
  for (const std::string& name : names) {
    const auto found = schedule::find_policy(name);
    if (!found) return tl::unexpected(unknown_policy(name));
    policies.push_back({name, *found});
    std::optional<schedule::PlannerSetup>& planner = policies.back().policy.planner;
    if (!cluster || !planner) continue;
    const Backfilling named = planner->policy.backfilling;
    planner = *cluster;
    if (named == Backfilling::easy) continue;
    planner->policy.backfilling = named;
    planner->policy.margin = 1;
  }
  return policies;
}

}  // namespace reeve::cli
