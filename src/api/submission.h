// A run from the body of a request: a workflow (YAML text, or the same as JSON) with its inputs, or
// a command. Everything that is wrong with it is said at once. Reads no state but the cache.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "api/json_values.h"
#include "api/problem.h"
#include "api/workflow_cache.h"
#include "core/event.h"

namespace reeve::api {

template <class T>
using Checked = tl::expected<T, Problem>;

inline constexpr std::string_view kNamespaceLabel = "namespace";
inline constexpr std::string_view kDefaultNamespace = "default";

/// What the body does not say.
struct SubmissionContext {
  WorkflowCache* workflows = nullptr;
  /// Whether it may run here: what needs permission, what asks for more than there could ever be.
  std::function<Status(const spec::Workflow&)> check;
  std::string submitter;
  std::string name_space;      ///< where the body says nothing
  std::string work_directory;  ///< below which each namespace has its own
  bool may_choose_directory = false;
  Time now;
};

/// A run that is to end before, as the body names it.
struct AfterAsked {
  std::string run;
  core::AfterCondition condition = core::AfterCondition::success;
};

struct NewRun {
  core::SubmitRun event;  ///< without its idempotency key
  std::string name_space;
  std::vector<AfterAsked> after_asked;
  std::vector<core::RunAfter> after;  ///< who they are: find_after()
  std::vector<std::string> warnings;
};

Checked<NewRun> read_submission(const SubmissionContext& context, const JsonObject& body);

/// What is wrong with a workflow, each with its place. `pointer` into the body.
std::vector<FieldError> workflow_errors(const spec::Parsed& parsed, std::string_view pointer);

/// Of the labels that are stored with a run.
std::string namespace_of(const core::RunRecord& record);

/// What was wanted then and now is the same.
bool is_same_submission(const NewRun& run, const core::RunRecord& then);

/// UUIDv7 of the moment with bits from the kernel.
Uuid new_uuid(Time now);

}  // namespace reeve::api
