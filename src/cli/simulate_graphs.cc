#include "cli/simulate_graphs.h"

#include <charconv>

#include <fmt/format.h>

#include "cli/gzip_file.h"
#include "cli/run_cells.h"
#include "cli/wfcommons_file.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kGraphBytesMax = std::size_t{512} << 20;
constexpr std::int64_t kSlotsMax = 1'000'000;

Checked<std::vector<std::int64_t>> slots_of(const Arguments& arguments) {
  std::vector<std::int64_t> all;
  for (const std::string& text : arguments.all("slots")) {
    std::int64_t slots = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), slots);
    if (error != std::errc() || end != text.data() + text.size() || slots < 1 || slots > kSlotsMax)
      return usage(fmt::format("--slots is a number from 1 to {}, not '{}'", kSlotsMax, text));
    all.push_back(slots);
  }
  if (all.empty()) all = {4, 8, 16, 32, 64};
  return all;
}

/// What takes no time is as fast as it can be.
double over(Duration part, Duration whole) {
  return whole == Duration{0}
             ? 1.0
             : static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

JsonObject item_of(const RecordedGraph& graph, std::int64_t slots, Duration makespan,
                   const schedule::GraphBounds& bounds) {
  return {{"graph", graph.name},
          {"tasks", graph.tasks.size()},
          {"slots", slots},
          {"makespan_seconds", seconds_json(makespan)},
          {"critical_path_seconds", seconds_json(bounds.critical_path)},
          {"work_seconds", seconds_json(bounds.work)},
          {"ratio", over(makespan, bounds.simple)},
          {"proven_seconds", seconds_json(bounds.proven)},
          {"proven_ratio", over(makespan, bounds.proven)}};
}

Column number_column(std::string_view title, std::string_view field) {
  return {title, [field](const JsonObject& item) { return Cell{text_of(item, field)}; },
          Align::right};
}

Column time_column(std::string_view title, std::string_view field) {
  return {title, [field](const JsonObject& item) { return duration_cell(item, field); },
          Align::right};
}

Column ratio_column(std::string_view title, std::string_view field) {
  return {title,
          [field](const JsonObject& item) {
            return Cell{fmt::format("{:.3f}", item.at(field).to_number<double>())};
          },
          Align::right};
}

std::vector<Column> graph_columns() {
  return {{"GRAPH", [](const JsonObject& item) { return Cell{text_of(item, "graph")}; },
           Align::left, true},
          number_column("TASKS", "tasks"),
          number_column("SLOTS", "slots"),
          time_column("MAKESPAN", "makespan_seconds"),
          time_column("PATH", "critical_path_seconds"),
          time_column("WORK", "work_seconds"),
          ratio_column("RATIO", "ratio"),
          ratio_column("OF PROVEN", "proven_ratio")};
}

Checked<RecordedGraph> read_graph(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_maybe_gzipped(path, kGraphBytesMax));
  auto graph = parse_wfcommons(text);
  if (!graph)
    return tl::unexpected(
        Failure(Error{graph.error().code, path + ": " + graph.error().message, {}}));
  if (graph->name.empty()) graph->name = path;
  return std::move(*graph);
}

}  // namespace

Ended simulate_graphs(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "graphs"));
  TRY_ASSIGN(const std::vector<std::int64_t> slots, slots_of(session.arguments));
  Listing listing{.kind = "graphs", .id_field = "graph", .items = {}, .columns = graph_columns()};
  for (const std::string& path : session.arguments.all("dag")) {
    TRY_ASSIGN(const RecordedGraph graph, read_graph(path));
    const auto ways = schedule::ways_to_end(graph.tasks);
    if (!ways)
      return tl::unexpected(
          Failure(Error{ways.error().code, path + ": " + ways.error().message, {}}));
    for (const std::int64_t count : slots) {
      const auto schedule = schedule::plan_graph(graph.tasks, *ways, count);
      listing.items.push_back(
          item_of(graph, count, schedule.makespan, schedule::bounds_of(graph.tasks, *ways, count)));
    }
  }
  return session.print(listing, choice);
}

}  // namespace reeve::cli
