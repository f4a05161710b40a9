#include "cli/wfcommons_file.h"

#include <cmath>
#include <map>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "cli/output.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kTasksMax = 1'000'000;
constexpr double kSecondsMax = 3e9;  // a century

Error wrong(std::string what) {
  return {ErrorCode::invalid_argument, std::move(what) + "; WfFormat 1.3 to 1.5 is expected", {}};
}

const JsonObject* object_in(const JsonObject& parent, std::string_view name) {
  const Json* const found = parent.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

const boost::json::array* tasks_in(const JsonObject* parent) {
  const Json* const found = parent == nullptr ? nullptr : parent->if_contains("tasks");
  return found == nullptr ? nullptr : found->if_array();
}

/// The id, or in the older formats the name.
Result<std::string> id_of(const Json& task) {
  const JsonObject* const object = task.if_object();
  std::string id = object == nullptr ? "" : text_of(*object, "id");
  if (id.empty() && object != nullptr) id = text_of(*object, "name");
  if (id.empty()) return tl::unexpected(wrong("a task has neither id nor name"));
  return id;
}

/// Nothing where it is not said.
Result<Duration> run_of(const JsonObject& task, const std::string& id) {
  for (const std::string_view field : {"runtimeInSeconds", "runtime"}) {
    const Json* const value = task.if_contains(field);
    if (value == nullptr) continue;
    if (!value->is_number())
      return tl::unexpected(wrong(fmt::format("{} of task {} is not a number", field, id)));
    const double seconds = value->to_number<double>();
    if (!(seconds >= 0 && seconds <= kSecondsMax))
      return tl::unexpected(wrong(fmt::format("{} of task {} is {}", field, id, seconds)));
    return Duration(std::llround(seconds * 1e6));
  }
  return Duration{0};
}

class GraphReader {
 public:
  Result<RecordedGraph> read(const JsonObject& whole) {
    graph_.name = text_of(whole, "name");
    const JsonObject* const workflow = object_in(whole, "workflow");
    if (workflow == nullptr) return tl::unexpected(wrong("there is no object 'workflow'"));
    const auto* specified = tasks_in(object_in(*workflow, "specification"));
    if (specified == nullptr) specified = tasks_in(workflow);
    if (specified == nullptr) return tl::unexpected(wrong("there is no list of tasks"));
    if (specified->size() > kTasksMax) return tl::unexpected(wrong("more than a million tasks"));
    for (const Json& task : *specified) TRY(add(task));
    if (const auto* executed = tasks_in(object_in(*workflow, "execution")); executed != nullptr)
      for (const Json& task : *executed) TRY(add_run(task));
    for (const Json& task : *specified) TRY(add_needs(task.as_object()));
    return std::move(graph_);
  }

 private:
  Status add(const Json& task) {
    TRY_ASSIGN(const std::string id, id_of(task));
    TRY_ASSIGN(const Duration run, run_of(task.as_object(), id));
    const auto index = static_cast<std::uint32_t>(graph_.tasks.size());
    if (!by_id_.emplace(id, index).second)
      return tl::unexpected(wrong("two tasks are called " + id));
    graph_.tasks.push_back({id, run, {}});
    return {};
  }

  Status add_run(const Json& task) {
    TRY_ASSIGN(const std::string id, id_of(task));
    const auto at = by_id_.find(id);
    if (at == by_id_.end()) return tl::unexpected(wrong("an execution of no task: " + id));
    TRY_ASSIGN(graph_.tasks[at->second].run, run_of(task.as_object(), id));
    return {};
  }

  Status add_needs(const JsonObject& task) {
    TRY_ASSIGN(const std::string id, id_of(task));
    const Json* const parents = task.if_contains("parents");
    if (parents == nullptr) return {};
    if (!parents->is_array())
      return tl::unexpected(wrong("parents of task " + id + " is not a list"));
    for (const Json& parent : parents->as_array()) {
      const auto at =
          parent.is_string() ? by_id_.find(std::string(parent.as_string())) : by_id_.end();
      if (at == by_id_.end())
        return tl::unexpected(wrong("task " + id + " has a parent that is not there"));
      graph_.tasks[by_id_.at(id)].needs.push_back(at->second);
    }
    return {};
  }

  RecordedGraph graph_;
  std::map<std::string, std::uint32_t, std::less<>> by_id_;
};

}  // namespace

Result<RecordedGraph> parse_wfcommons(const std::string& text) {
  boost::system::error_code error;
  const Json whole = boost::json::parse(text, error);
  if (error) return tl::unexpected(wrong("it is not JSON: " + error.message()));
  if (!whole.is_object()) return tl::unexpected(wrong("it is not a JSON object"));
  return GraphReader().read(whole.as_object());
}

}  // namespace reeve::cli
