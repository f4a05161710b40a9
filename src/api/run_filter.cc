#include "api/run_filter.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace reeve::api {
namespace {

constexpr std::int64_t kRunsPerPageMax = 1000;

std::optional<RunId> read_cursor(std::string_view text) {
  RunId run;
  if (text.size() != 9 || text[0] != 'r') return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data() + 1, text.data() + 9, run.value, 16);
  if (error != std::errc{} || stop != text.data() + 9 || run.value == 0) return std::nullopt;
  return run;
}

Checked<engine::RunFilter> read_filter(const Call& call) {
  engine::RunFilter filter;
  using core::RunState;
  for (const auto& [name, value] : call.query) {
    if (name != "state") continue;
    for (const RunState state : {RunState::queued, RunState::running, RunState::succeeded,
                                 RunState::failed, RunState::cancelled})
      if (core::name(state) == value) filter.states.push_back(state);
  }
  filter.name = call.text("name");
  const std::string label = call.text("label");
  const std::size_t equals = std::min(label.find('='), label.size());
  filter.label_key = label.substr(0, equals);
  filter.label_value = label.substr(std::min(equals + 1, label.size()));
  const auto refuse = [](std::string detail) {
    return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument", std::move(detail)));
  };
  if (const std::string* since = call.parameter("since"); since != nullptr) {
    const auto time = parse_time(*since);
    if (!time) return refuse("the parameter 'since' must be a time: " + time.error().text());
    filter.submitted_after = *time;
  }
  if (const std::string* cursor = call.parameter("cursor"); cursor != nullptr) {
    const auto run = read_cursor(*cursor);
    if (!run) return refuse("the parameter 'cursor' must be the next_cursor of an earlier answer");
    filter.before = *run;
  }
  const std::int64_t limit = call.number("limit").value_or(50);
  if (limit < 1 || limit > kRunsPerPageMax)
    return refuse(fmt::format("the parameter 'limit' must be from 1 to {}", kRunsPerPageMax));
  filter.limit = static_cast<std::uint32_t>(limit);
  return filter;
}

}  // namespace

Result<RunPage> run_page(engine::History& history, engine::RunFilter filter) {
  constexpr std::uint32_t kRunsLookedAtMax = 10'000;
  const bool has_index =
      !filter.states.empty() && std::ranges::none_of(filter.states, [](core::RunState state) {
        return core::is_final(state);
      });
  RunPage page;
  if (!has_index) {
    std::uint32_t before = filter.before.value;
    if (before == 0) {
      const auto newest = history.find_run("last");
      if (!newest && newest.error().code == ErrorCode::not_found) return page;
      if (!newest) return tl::unexpected(newest.error());
      before = newest->value + 1;
    }
    if (before > kRunsLookedAtMax + 1) filter.oldest = RunId{before - kRunsLookedAtMax};
  }
  TRY_ASSIGN(page.views, history.list_runs(filter));
  if (page.views.size() == filter.limit)
    page.next = page.views.back().record.id;
  else if (filter.oldest.value != 0)
    page.next = filter.oldest;
  return page;
}

std::string cursor_text(RunId run) { return fmt::format("r{:08x}", run.value); }

Checked<engine::RunFilter> run_filter(ServiceParts& parts, const Call& call) {
  TRY_ASSIGN(engine::RunFilter filter, read_filter(call));
  const security::Identity& who = call.identity;
  // The token of an attempt is for one run, which it can ask for.
  if (who.run) {
    const Problem other(403, "permission-denied", "Permission denied",
                        fmt::format("{} may see its own run only", who.subject));
    parts.note_refusal(call, other);
    return tl::unexpected(other);
  }
  if (!who.has_all_namespaces()) filter.name_spaces = who.namespaces;
  if (const std::string* wanted = call.parameter("namespace"); wanted != nullptr) {
    TRY(parts.authorise(call, call.route->action, *wanted, who.run, {}));
    filter.name_spaces = {*wanted};
  }
  return filter;
}

}  // namespace reeve::api
