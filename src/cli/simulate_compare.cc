#include "cli/simulate_compare.h"

#include <fmt/format.h>

#include "cli/simulation_input.h"
#include "schedule/paired_comparison.h"

namespace reeve::cli {
namespace {

JsonObject item_of(const schedule::PairedDifference& of, const std::string& first,
                   const std::string& second) {
  return {{"figure", of.figure},
          {"first_policy", first},
          {"second_policy", second},
          {"first", of.first},
          {"second", of.second},
          {"difference", of.difference},
          {"difference_low", of.low},
          {"difference_high", of.high},
          {"is_certain", of.low > 0 || of.high < 0}};
}

/// What ends in seconds as people read times.
std::string shown(const JsonObject& item, std::string_view field) {
  const double value = item.at(field).to_number<double>();
  if (!text_of(item, "figure").ends_with("_seconds")) return fmt::format("{:.2f}", value);
  const std::chrono::duration<double> time(std::abs(value));
  return (value < 0 ? "-" : "") + format_duration(std::chrono::duration_cast<Duration>(time));
}

Column column(std::string_view title, std::string_view field) {
  return {title, [field](const JsonObject& item) { return Cell{shown(item, field)}; },
          Align::right};
}

Cell verdict(const JsonObject& item) {
  if (!item.at("is_certain").as_bool()) return {"may be chance", Tone::faint};
  return item.at("difference").to_number<double>() < 0 ? Cell{"better", Tone::good}
                                                       : Cell{"worse", Tone::bad};
}

}  // namespace

Ended simulate_compare(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "comparison"));
  TRY_ASSIGN(const auto policies, chosen_policies(session.arguments));
  if (policies.size() != 2)
    return usage("--compare compares two policies", "name both: --policy A --policy B");
  TRY_ASSIGN(const auto rounds, session.arguments.number("rounds", 2, 10'000));
  TRY_ASSIGN(const auto shake, session.arguments.duration("shake"));
  TRY_ASSIGN(const auto seed, session.arguments.number("seed", 0, INT64_MAX));
  TRY_ASSIGN(const SimulationInput input, simulation_input(session));
  schedule::ComparisonSpec spec{
      .processors = input.processors, .first = policies[0].policy, .second = policies[1].policy};
  if (rounds) spec.rounds = static_cast<int>(*rounds);
  if (shake) spec.shake = *shake;
  if (seed) spec.seed = static_cast<std::uint64_t>(*seed);
  TRY_ASSIGN(const auto differences, schedule::compare_policies(input.log, spec));
  const std::string& first = policies[0].name;
  const std::string& second = policies[1].name;
  Listing listing{
      .kind = "comparison",
      .id_field = "figure",
      .items = {},
      .columns = {{"FIGURE", [](const JsonObject& item) { return Cell{text_of(item, "figure")}; }},
                  column(first, "first"),
                  column(second, "second"),
                  column("DIFFERENCE", "difference"),
                  column("FROM", "difference_low"),
                  column("TO", "difference_high"),
                  {second, verdict}}};
  for (const schedule::PairedDifference& one : differences)
    listing.items.push_back(item_of(one, first, second));
  return session.print(listing, choice);
}

}  // namespace reeve::cli
