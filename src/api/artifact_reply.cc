#include "api/artifact_reply.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "base/text.h"
#include "core/launch.h"

namespace reeve::api {
namespace {

constexpr std::size_t kNamedMax = 5;

std::string_view file_of(const OutputValue& artifact) {
  const std::string_view path = artifact.value;
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// The attempt that left them: while another one is under way, the one before.
std::uint32_t attempt_of(const core::Task& task) {
  using enum core::TaskState;
  const bool is_under_way =
      task.state == starting || task.state == running || task.state == validating;
  return is_under_way && task.attempt > 0 ? task.attempt - 1U : task.attempt;
}

const std::vector<OutputValue>& artifacts_of(const core::Run& run, std::uint32_t index) {
  static const std::vector<OutputValue> kNone;
  const core::TaskExtra* const extra = run.extra(index);
  return extra == nullptr ? kNone : extra->artifacts;
}

}  // namespace

std::vector<JsonObject> artifact_items(const core::Run& run, std::uint32_t index,
                                       engine::KeptArtifacts& kept) {
  std::vector<JsonObject> items;
  for (const OutputValue& each : artifacts_of(run, index)) {
    const auto found = kept.open(each.value);
    items.push_back({{"task", text_json(core::task_label(run, index))},
                     {"index", index},
                     {"attempt", attempt_of(run.tasks[index])},
                     {"name", text_json(each.name)},
                     {"file", text_json(std::string(file_of(each)))},
                     {"size_bytes", found ? Json(found->size_bytes) : Json(nullptr)},
                     {"digest", found ? Json(format_digest(found->digest)) : Json(nullptr)}});
  }
  return items;
}

Result<engine::KeptArtifact> open_artifact(const core::Run& run, std::uint32_t index,
                                           const std::string& name, const std::string& file,
                                           engine::KeptArtifacts& kept) {
  std::vector<const OutputValue*> found;
  std::vector<std::string> names;
  for (const OutputValue& each : artifacts_of(run, index)) {
    names.push_back(each.name);
    if (each.name == name && (file.empty() || file_of(each) == file)) found.push_back(&each);
  }
  const std::string shown = sanitize_for_terminal(name);
  if (found.empty() && std::ranges::find(names, name) != names.end())
    return fail(ErrorCode::not_found, fmt::format("the artifact '{}' has no file '{}'", shown,
                                                  sanitize_for_terminal(file)));
  if (found.empty()) {
    const std::string match = closest_match(name, names);
    return fail(ErrorCode::not_found,
                fmt::format("{} has no artifact '{}'{}",
                            sanitize_for_terminal(core::task_label(run, index)), shown,
                            match.empty() ? "" : fmt::format("; did you mean {}?", match)));
  }
  if (found.size() == 1 || !file.empty()) return kept.open(found.front()->value);
  std::string some;
  for (const OutputValue* each : found | std::views::take(kNamedMax))
    some += (some.empty() ? "" : ", ") + sanitize_for_terminal(file_of(*each));
  return fail(ErrorCode::conflict,
              fmt::format("the artifact '{}' has {} files: choose one by its name ({}{})", shown,
                          found.size(), some, found.size() > kNamedMax ? ", ..." : ""));
}

}  // namespace reeve::api
