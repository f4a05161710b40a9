// `reeve simulate`.
#include <cerrno>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "cli/gzip_file.h"
#include "cli/session.h"
#include "cli/simulate_graphs.h"
#include "schedule/log_simulation.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kLogBytesMax = std::size_t{2} << 30;
constexpr std::int64_t kProcessorsMax = 10'000'000;

struct ChosenPolicy {
  std::string name;
  schedule::SimulationPolicy policy;
};

Failure unknown_policy(const std::string& name) {
  std::vector<std::string> names;
  for (const schedule::NamedPolicy& one : schedule::named_policies()) {
    names.emplace_back(one.name);
  }
  const std::string close = closest_match(name, std::span<const std::string>(names));
  return {kExitUsage, fmt::format("there is no policy '{}'", name),
          (close.empty() ? "" : fmt::format("did you mean '{}'? ", close)) +
              fmt::format("there are {}", fmt::join(names, ", "))};
}

Checked<std::vector<ChosenPolicy>> policies_of(const Arguments& arguments) {
  std::vector<std::string> names;
  for (const std::string& name : arguments.all("policy")) names.push_back(name);
  if (names.empty()) names = {"easy", "last-two", "learned"};
  std::vector<ChosenPolicy> policies;
  for (const std::string& name : names) {
    const auto found = schedule::find_policy(name);
    if (!found) return tl::unexpected(unknown_policy(name));
    policies.push_back({name, *found});
  }
  return policies;
}

Checked<std::int64_t> processors_of(const Arguments& arguments, const schedule::WorkloadLog& log) {
  TRY_ASSIGN(const auto given, arguments.number("processors", 1, kProcessorsMax));
  if (given) return *given;
  if (log.processors > 0) return log.processors;
  return usage("the log does not say how many processors the machine has",
               "name them: --processors N");
}

JsonObject item_of(const ChosenPolicy& policy, const schedule::SimulationSummary& of,
                   std::int64_t processors) {
  return {{"policy", policy.name},
          {"processors", processors},
          {"jobs", of.jobs},
          {"mean_bounded_slowdown", of.mean_bounded_slowdown},
          {"median_bounded_slowdown", of.median_bounded_slowdown},
          {"p99_bounded_slowdown", of.p99_bounded_slowdown},
          {"mean_wait_seconds", of.mean_wait_seconds},
          {"median_wait_seconds", of.median_wait_seconds},
          {"p99_wait_seconds", of.p99_wait_seconds},
          {"max_wait_seconds", of.max_wait_seconds},
          {"makespan_seconds", of.makespan_seconds},
          {"utilisation", of.utilisation},
          {"extended_jobs", of.extended}};
}

double number_of(const JsonObject& item, std::string_view field) {
  return item.at(field).to_number<double>();
}

Column factor_column(std::string_view title, std::string_view field) {
  return {title,
          [field](const JsonObject& item) {
            return Cell{fmt::format("{:.1f}", number_of(item, field))};
          },
          Align::right};
}

Column wait_column(std::string_view title, std::string_view field) {
  return {title,
          [field](const JsonObject& item) {
            const std::chrono::duration<double> seconds(number_of(item, field));
            return Cell{format_duration(std::chrono::duration_cast<Duration>(seconds))};
          },
          Align::right};
}

std::vector<Column> columns() {
  return {{"POLICY", [](const JsonObject& item) { return Cell{text_of(item, "policy")}; }},
          factor_column("SLOWDOWN", "mean_bounded_slowdown"),
          factor_column("p99", "p99_bounded_slowdown"),
          wait_column("WAIT", "mean_wait_seconds"),
          wait_column("median", "median_wait_seconds"),
          wait_column("p99", "p99_wait_seconds"),
          wait_column("max", "max_wait_seconds"),
          {"USED",
           [](const JsonObject& item) {
             return Cell{fmt::format("{:.1f} %", 100 * number_of(item, "utilisation"))};
           },
           Align::right}};
}

/// With one policy its figures stand at the top as well.
std::string text_of_one(const JsonObject& item) {
  JsonObject body{{"version", kOutputVersion}};
  for (const auto& [name, value] : item) body[name] = value;
  body["simulations"] = boost::json::array{item};
  return to_json_text(body, true) + "\n";
}

Status write_schedule(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return fail_errno(errno, "cannot write " + path);
  return {};
}

}  // namespace

Ended command_simulate(const Session& session) {
  if (session.arguments.has("dag")) return simulate_graphs(session);
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "simulations"));
  TRY_ASSIGN(const auto policies, policies_of(session.arguments));
  const std::string* const path = session.arguments.find("swf");
  if (path == nullptr)
    return usage("simulate needs a log of jobs or a graph of tasks",
                 "name one: --swf FILE (Standard Workload Format) or --dag FILE (WfCommons)");
  const std::string* const schedule_file = session.arguments.find("schedule");
  if (schedule_file != nullptr && policies.size() != 1)
    return usage("--schedule writes what one policy gave", "name one: --policy NAME");
  TRY_ASSIGN(const std::string text, read_maybe_gzipped(*path, kLogBytesMax));
  const auto log = schedule::parse_workload_log(text);
  if (!log)
    return tl::unexpected(
        Failure(Error{log.error().code,
                      (*path == "-" ? "standard input" : *path) + ", " + log.error().message,
                      {}}));
  TRY_ASSIGN(const std::int64_t processors, processors_of(session.arguments, *log));
  Listing listing{.kind = "simulations", .id_field = "policy", .items = {}, .columns = columns()};
  for (const ChosenPolicy& policy : policies) {
    TRY_ASSIGN(const auto result, schedule::simulate_log(*log, processors, policy.policy));
    if (schedule_file != nullptr)
      TRY(write_schedule(*schedule_file, schedule::format_schedule(*log, result)));
    listing.items.push_back(item_of(policy, schedule::summarise(*log, result), processors));
  }
  if (log->left_out > 0)
    session.say(fmt::format("{} jobs of the log never ran and are left out", log->left_out));
  if (choice.format == Format::json && choice.fields.empty() && listing.items.size() == 1)
    return session.print(text_of_one(listing.items.front()), kExitDone);
  return session.print(listing, choice);
}

}  // namespace reeve::cli
