// `reeve top`: what the attempts that run use, asked from the engine that runs them.
#include <poll.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/resources.h"
#include "base/text.h"
#include "cli/archive.h"
#include "cli/engine_access.h"
#include "cli/live_view.h"
#include "cli/run_cells.h"
#include "cli/run_tracker.h"
#include "cli/service_link.h"
#include "cli/signals.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

constexpr int kPeriodMilliseconds = 1000;

double figure_of(const JsonObject& item, std::string_view field) {
  const Json* const value = item.if_contains(field);
  return value != nullptr && value->is_number() ? value->to_number<double>() : -1;
}

std::int64_t whole_of(const JsonObject& item, std::string_view field) {
  return static_cast<std::int64_t>(figure_of(item, field));
}

/// "-" for what is not known.
Cell bytes_cell(const JsonObject& item, std::string_view field) {
  const std::int64_t bytes = whole_of(item, field);
  return {bytes < 0 ? "-" : format_bytes(bytes), bytes < 0 ? Tone::faint : Tone::plain};
}

Cell cpu_cell(const JsonObject& item) {
  const double cores = figure_of(item, "cpu_cores");
  if (cores < 0) return {"-", Tone::faint};
  return {fmt::format("{:.2f}", cores), cores >= 0.5 ? Tone::strong : Tone::plain};
}

Cell peak_cell(const JsonObject& item) {
  Cell cell = bytes_cell(item, "memory_peak_bytes");
  const std::int64_t limit = whole_of(item, "memory_limit_bytes");
  if (limit <= 0) return cell;
  const bool is_near = whole_of(item, "memory_peak_bytes") > limit - limit / 10;
  return {cell.text + " / " + format_bytes(limit), is_near ? Tone::waiting : cell.tone};
}

Cell count_cell(const JsonObject& item, std::string_view field) {
  const std::int64_t count = whole_of(item, field);
  return {count < 0 ? "-" : std::to_string(count), count < 0 ? Tone::faint : Tone::plain};
}

Cell rate_cell(const JsonObject& item, std::string_view field) {
  const std::int64_t rate = whole_of(item, field);
  if (rate <= 0) return {rate < 0 ? "-" : "0", Tone::faint};
  return {format_bytes(rate) + "/s"};
}

Cell progress_cell(const JsonObject& item) {
  const std::int64_t percent = whole_of(item, "percent");
  std::string text = percent < 0 ? "" : fmt::format("{}%", percent);
  if (const std::string message = text_of(item, "message"); !message.empty())
    text.append(text.empty() ? "" : " ").append(message);
  return {sanitize_for_terminal(text)};
}

Cell name_cell(const JsonObject& item) {
  std::string text = fmt::format("{}/{}", whole_of(item, "run"), text_of(item, "name"));
  if (const std::int64_t attempt = whole_of(item, "attempt"); attempt > 1)
    text.append(fmt::format(" #{}", attempt));
  return {sanitize_for_terminal(text)};
}

/// `width`: of the terminal, 0 for none. Where it is narrow, what matters less is left out.
std::vector<Column> use_columns(int width) {
  std::vector<Column> columns{
      {"TASK", name_cell, Align::left, true},
      {"STATE", state_cell},
      {"AGE", [](const JsonObject& item) { return duration_cell(item, "age_seconds"); },
       Align::right},
      {"CPU", cpu_cell, Align::right},
      {"MEMORY", [](const JsonObject& item) { return bytes_cell(item, "memory_bytes"); },
       Align::right},
      {"PEAK / LIMIT", peak_cell, Align::right},
      {"PROCS", [](const JsonObject& item) { return count_cell(item, "processes"); }, Align::right},
      {"READ", [](const JsonObject& item) { return rate_cell(item, "read_bytes_per_second"); },
       Align::right},
      {"WRITTEN",
       [](const JsonObject& item) { return rate_cell(item, "written_bytes_per_second"); },
       Align::right},
      {"PROGRESS", progress_cell, Align::left, true},
  };
  for (const auto& [title, needed] :
       {std::pair("READ", 110), std::pair("WRITTEN", 100), std::pair("PROCS", 80),
        std::pair("PEAK / LIMIT", 72), std::pair("AGE", 50)}) {
    if (width > 0 && width < needed)
      std::erase_if(columns, [&](const Column& column) { return column.title == title; });
  }
  return columns;
}

/// Larger first, but names; equals stay in the order that the engine gave.
void sort_items(std::vector<JsonObject>& items, const std::string& by) {
  const auto key = [&](const JsonObject& item) {
    if (by == "memory") return figure_of(item, "memory_bytes");
    if (by == "age") return figure_of(item, "age_seconds");
    if (by == "io")
      return figure_of(item, "read_bytes_per_second") + figure_of(item, "written_bytes_per_second");
    return figure_of(item, "cpu_cores");
  };
  if (by == "name") {
    std::ranges::stable_sort(items, {}, [](const JsonObject& item) {
      return std::pair(whole_of(item, "run"), text_of(item, "name"));
    });
  } else {
    std::ranges::stable_sort(items, std::ranges::greater{}, key);
  }
}

class Top {
 public:
  Top(const Session& session, OutputChoice choice, Archive& archive, std::optional<RunId> run)
      : session_(session),
        choice_(std::move(choice)),
        archive_(archive),
        run_(run),
        view_(session.out) {}

  Ended once() {
    TRY_ASSIGN(const bool is_there, look());
    if (!is_there) session_.say("nothing is running here");
    return session_.print(listing_, choice_);
  }

  Ended follow(Signals& signals, bool is_live) {
    while (true) {
      TRY_ASSIGN(const bool is_there, look());
      if (!is_there) break;
      if (is_live) {
        view_.draw(picture());
      } else if (!listing_.items.empty()) {
        TRY(session_.print(listing_, choice_));
      }
      pollfd wait{signals.descriptor(), POLLIN, 0};
      ::poll(&wait, 1, kPeriodMilliseconds);
      const SignalsTaken taken = signals.take();
      if (taken.hung_up || taken.terminations > 0) return kExitTerminated;
      if (taken.interrupts > 0) return kExitInterrupted;
    }
    session_.say("nothing is running here any more");
    return kExitDone;
  }

 private:
  /// False: no engine works here, or not on the run.
  Result<bool> look() {
    listing_ = {.kind = "use", .columns = use_columns(session_.table_columns())};
    auto reply = ask();
    if (!reply && (reply.error().code == ErrorCode::not_found || is_local_and_gone(reply.error())))
      return false;  // it has just ended
    if (!reply) return tl::unexpected(std::move(reply).error());
    left_out_ = std::max<std::int64_t>(whole_of(*reply, "left_out"), 0);
    const Json* const use = reply->if_contains("use");
    if (use == nullptr || !use->is_array()) return true;
    const Time now = wall_now();
    for (const Json& item : use->get_array())
      if (item.is_object()) listing_.items.push_back(in_order(item.get_object(), now));
    sort_items(listing_.items, session_.arguments.value_or("sort", "cpu"));
    return true;
  }

  Result<JsonObject> ask() const {
    if (archive_.service != nullptr)
      return archive_.service->get_json(run_ ? fmt::format("/v1/use?run={}", run_->value)
                                             : std::string("/v1/use"));
    TRY_ASSIGN(auto engine, reach_engine(archive_.layout));
    if (!engine) return fail(ErrorCode::not_found, "no engine is at work");
    JsonObject params;
    if (run_) params["run"] = run_->value;
    return engine->call("use", std::move(params));
  }

  bool is_local_and_gone(const Error& error) const {
    return archive_.service == nullptr && error.code == ErrorCode::unavailable;
  }

  /// With the fields of the contract, as it orders them.
  static JsonObject in_order(const JsonObject& item, Time now) {
    JsonObject out;
    for (const FieldInfo& field : kind_info("use").fields) {
      const Json* const value = item.if_contains(field.name);
      out[field.name] = value == nullptr ? Json(nullptr) : *value;
    }
    if (const auto started = parse_time(text_of(item, "started_at")))
      out["age_seconds"] = seconds_json(std::max(now - *started, Duration{0}));
    return out;
  }

  Line summary() const {
    double cores = 0;
    std::int64_t memory = 0;
    for (const JsonObject& item : listing_.items) {
      cores += std::max(figure_of(item, "cpu_cores"), 0.0);
      memory += std::max<std::int64_t>(whole_of(item, "memory_bytes"), 0);
    }
    return Line(fmt::format("{} running, {:.2f} cpu, {} memory",
                            static_cast<std::int64_t>(listing_.items.size()) + left_out_, cores,
                            format_bytes(memory)),
                Tone::strong);
  }

  /// Never more than the terminal holds.
  std::vector<Line> picture() {
    const TerminalSize size = view_.size();
    std::vector<Line> lines{summary()};
    std::vector<Line> table = render_table(listing_, size.columns);
    const auto room = static_cast<std::size_t>(std::max(size.rows - 2, 1));
    const bool is_cut = table.size() > room || left_out_ > 0;
    const std::size_t kept = is_cut ? std::min(table.size(), room - 1) : table.size();
    for (std::size_t i = 0; i < kept; ++i) lines.push_back(std::move(table[i]));
    if (is_cut)
      lines.emplace_back(
          fmt::format("and {} more", static_cast<std::int64_t>(table.size() - kept) + left_out_),
          Tone::faint);
    if (listing_.items.empty()) lines.resize(1);
    for (Line& line : lines) {
      line.trim();
      line.fit_to(size.columns, session_.out.ascii());
    }
    return lines;
  }

  const Session& session_;
  OutputChoice choice_;
  Archive& archive_;
  std::optional<RunId> run_;
  LiveView view_;
  Listing listing_;
  std::int64_t left_out_ = 0;
};

}  // namespace

Ended command_top(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "use"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  std::optional<RunId> run;
  if (const auto& words = session.arguments.words; !words.empty()) {
    TRY_ASSIGN(run, archive.history->find_run(words.front()));
  }
  const Surroundings& around = session.surroundings;
  const bool may_draw = around.stdout_is_terminal && !around.is_dumb && !around.is_ci;
  const bool is_once = session.arguments.has("once");
  const bool is_live = may_draw && choice.format == Format::table && !is_once;
  Top top(session, choice, archive, run);
  if (is_once || (!is_live && !session.arguments.has("follow"))) return top.once();
  TRY_ASSIGN(Signals signals, Signals::open());
  return top.follow(signals, is_live);
}

}  // namespace reeve::cli
