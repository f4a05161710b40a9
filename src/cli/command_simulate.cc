// `reeve simulate`.
#include <algorithm>
#include <cerrno>
#include <fstream>

#include <fmt/format.h>

#include "cli/run_cells.h"
#include "cli/session.h"
#include "cli/simulate_compare.h"
#include "cli/simulate_graphs.h"
#include "cli/simulation_input.h"
#include "cli/simulation_report.h"

namespace reeve::cli {
namespace {

JsonObject item_of(const ChosenPolicy& policy, const schedule::SimulationSummary& of,
                   double processors) {
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
          {"user_fairness", of.user_fairness},
          {"extended_jobs", of.extended},
          {"jobs_with_deadline", of.with_deadline},
          {"deadline_misses", of.deadline_misses}};
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
  return {title, [field](const JsonObject& item) { return duration_cell(item, field); },
          Align::right};
}

std::vector<Column> simulation_columns(bool has_deadlines) {
  std::vector<Column> all{
      {"POLICY", [](const JsonObject& item) { return Cell{text_of(item, "policy")}; }},
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
  if (!has_deadlines) return all;
  all.push_back({"LATE",
                 [](const JsonObject& item) {
                   return Cell{fmt::format("{} of {}", item.at("deadline_misses").as_int64(),
                                           item.at("jobs_with_deadline").as_int64())};
                 },
                 Align::right});
  return all;
}

/// With one policy its figures stand at the top as well.
std::string text_of_one(const JsonObject& item) {
  JsonObject body{{"version", kOutputVersion}};
  for (const auto& [name, value] : item) body[name] = value;
  body["simulations"] = boost::json::array{item};
  return to_json_text(body, true) + "\n";
}

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return fail_errno(errno, "cannot write " + path);
  return {};
}

}  // namespace

Ended command_simulate(const Session& session) {
  if (session.arguments.has("dag")) return simulate_graphs(session);
  if (session.arguments.has("compare")) return simulate_compare(session);
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "simulations"));
  TRY_ASSIGN(const auto policies, chosen_policies(session.arguments));
  const std::string* const schedule_file = session.arguments.find("schedule");
  if (schedule_file != nullptr && policies.size() != 1)
    return usage("--schedule writes what one policy gave", "name one: --policy NAME");
  TRY_ASSIGN(const SimulationInput input, simulation_input(session));
  Listing listing{.kind = "simulations", .id_field = "policy", .items = {}, .columns = {}};
  std::vector<SimulatedPolicy> simulated;
  for (const ChosenPolicy& policy : policies) {
    TRY_ASSIGN(auto result, schedule::simulate_log(input.log, input.processors, policy.policy));
    if (schedule_file != nullptr)
      TRY(write_file(*schedule_file, schedule::format_schedule(input.log, result)));
    const auto summary = schedule::summarise(input.log, result);
    listing.items.push_back(
        item_of(policy, summary,
                static_cast<double>(input.processors) / static_cast<double>(input.log.units)));
    simulated.push_back({policy.name, std::move(result), summary});
  }
  listing.columns = simulation_columns(std::ranges::any_of(
      simulated, [](const SimulatedPolicy& one) { return one.summary.with_deadline > 0; }));
  if (const std::string* const report = session.arguments.find("report"); report != nullptr)
    TRY(write_file(*report, simulation_report(input.log, simulated)));
  if (choice.format == Format::json && choice.fields.empty() && listing.items.size() == 1)
    return session.print(text_of_one(listing.items.front()), kExitDone);
  return session.print(listing, choice);
}

}  // namespace reeve::cli
