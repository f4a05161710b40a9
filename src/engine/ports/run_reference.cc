#include "engine/ports/run_reference.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace reeve::engine {
namespace {

constexpr std::string_view kPrefix = "run";
constexpr std::size_t kMatchesShown = 5;

tl::unexpected<Error> no_such_run(std::string_view reference) {
  return fail(ErrorCode::not_found,
              fmt::format("there is no run '{}'; `reeve ls` shows which there are", reference));
}

/// The run's number if the text is one; with zeros in front it can only be an ending.
std::optional<RunId> number_of(std::string_view text) {
  if (text.starts_with('0')) return std::nullopt;
  RunId run;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, run.value);
  if (problem != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return run;
}

Result<RunId> last_run(std::string_view reference, RunNames& names) {
  std::optional<RunId> last;
  TRY(names.visit([&](const RunName& name) {
    last = name.id;
    return false;
  }));
  if (last) return *last;
  return fail(ErrorCode::not_found,
              fmt::format("there is no '{}' run: nothing has run here yet", reference));
}

Result<RunId> run_with_ending(std::string_view ending, RunNames& names) {
  std::vector<RunName> matches;
  TRY(names.visit([&](const RunName& name) {
    if (format_uuid(kPrefix, name.uuid).ends_with(ending)) matches.push_back(name);
    return matches.size() <= kMatchesShown;
  }));
  if (matches.empty()) return no_such_run(ending);
  if (matches.size() == 1) return matches.front().id;
  std::string listed;
  for (std::size_t i = 0; i < std::min(matches.size(), kMatchesShown); ++i)
    listed += (i == 0 ? "" : ", ") + format_uuid(kPrefix, matches[i].uuid);
  if (matches.size() > kMatchesShown) listed += ", ...";
  return fail(ErrorCode::conflict,
              fmt::format("several runs end in '{}': {}; write more of it", ending, listed));
}

}  // namespace

Result<RunId> resolve_run(std::string_view reference, RunNames& names) {
  if (reference == "last") return last_run(reference, names);
  if (reference.starts_with("run_")) {
    TRY_ASSIGN(const Uuid uuid, parse_uuid(kPrefix, reference));
    TRY_ASSIGN(const std::optional<RunId> run, names.with_uuid(uuid));
    return run ? Result<RunId>(*run) : no_such_run(reference);
  }
  if (const std::optional<RunId> number = number_of(reference)) {
    TRY_ASSIGN(const bool exists, names.exists(*number));
    if (exists) return *number;
    if (reference.size() < kRunEndingMin) return no_such_run(reference);
  }
  if (reference.size() < kRunEndingMin) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' names no run: give its number, 'last', or at least the last {} "
                            "characters of its identifier",
                            reference, kRunEndingMin));
  }
  return run_with_ending(reference, names);
}

}  // namespace reeve::engine
